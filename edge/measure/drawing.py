"""Text, colours and sheets of small pictures that the plots share, drawn with OpenCV alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.data import Image

Bgr = tuple[int, int, int]
INK: Bgr = (40, 36, 32)
PALE: Bgr = (222, 218, 214)
GREY: Bgr = (130, 124, 118)
BLUE: Bgr = (150, 84, 22)
RED: Bgr = (60, 60, 205)
WHITE: Bgr = (255, 255, 255)
MARGIN = 40
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_TILE, _GAP, _CAPTION, _LABEL = 96, 8, 20, 250


@dataclass(frozen=True, slots=True)
class Style:
    """Of a line of text."""

    scale: float = 0.5
    colour: Bgr = INK
    thickness: int = 1


PLAIN = Style()
TITLE = Style(0.8, thickness=2)
FAINT = Style(colour=GREY)
SMALL = Style(0.42, GREY)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a contact sheet: what it shows, in one or two lines, and grey pictures uint8 (H, W) with captions."""

    label: tuple[str, ...]
    pictures: Sequence[NDArray[np.uint8]]
    captions: Sequence[str] = ()


def blank(width: int, height: int, title: str = "") -> Image:
    """White uint8 (height, width, 3) with ``title``, made smaller until it fits."""
    canvas = np.full((height, width, 3), 255, np.uint8)
    (full, _), _ = cv2.getTextSize(title, _FONT, TITLE.scale, TITLE.thickness)
    fitted = min(1.0, (width - 2 * MARGIN) / max(full, 1))
    text(canvas, title, (MARGIN, 48), replace(TITLE, scale=TITLE.scale * fitted))
    return canvas


def text(canvas: Image, words: str, place: tuple[int, int], style: Style = PLAIN, *, align: str = "left") -> None:
    """``words`` on the line through ``place`` (x, y) px; ``align`` left, centre or right of x."""
    (width, _), _ = cv2.getTextSize(words, _FONT, style.scale, style.thickness)
    shift = {"left": 0, "centre": width // 2, "right": width}[align]
    at = (place[0] - shift, place[1])
    cv2.putText(canvas, words, at, _FONT, style.scale, style.colour, style.thickness, cv2.LINE_AA)


def blend(a: Bgr, b: Bgr, share: float) -> Bgr:
    """The colour ``share`` (0-1) of the way from ``a`` to ``b``."""
    blue, green, red = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return blue, green, red


def axes(canvas: Image, corner: tuple[int, int], size: int, low: float = 0.0) -> None:
    """A square of ``size`` px with lines at fifths; both axes end at 1, the upright one begins at ``low``."""
    x0, y0 = corner
    x1, y1 = x0 + size, y0 + size
    for fifth in range(6):
        x, y = x0 + fifth * size // 5, y1 - fifth * size // 5
        cv2.line(canvas, (x, y0), (x, y1), PALE, 1)
        cv2.line(canvas, (x0, y), (x1, y), PALE, 1)
        text(canvas, f"{round(low + fifth * (1.0 - low) / 5, 2):g}", (x0 - 10, y + 5), SMALL, align="right")
        text(canvas, f"{fifth / 5:.1f}", (x, y1 + 20), SMALL, align="centre")


def contact_sheet(rows: Sequence[Row], *, title: str, columns: int = 8) -> Image:
    """uint8 (H, W, 3) BGR: a row of pictures for each of ``rows``, wrapped after ``columns``."""
    step_x, step_y = _TILE + _GAP, _TILE + _CAPTION
    lines = [max(1, math.ceil(len(row.pictures) / columns)) for row in rows]
    canvas = blank(2 * MARGIN + _LABEL + columns * step_x, 80 + sum(lines) * step_y + MARGIN, title)
    y = 80
    for row, count in zip(rows, lines, strict=True):
        for n, words in enumerate(row.label):
            text(canvas, words, (MARGIN, y + 40 + 20 * n), PLAIN if n == 0 else SMALL)
        for n, picture in enumerate(row.pictures):
            left, top = MARGIN + _LABEL + n % columns * step_x, y + n // columns * step_y
            tile = cv2.resize(picture, (_TILE, _TILE), interpolation=cv2.INTER_NEAREST)
            canvas[top : top + _TILE, left : left + _TILE] = tile[:, :, None]
            if n < len(row.captions):
                text(canvas, row.captions[n], (left, top + _TILE + 13), Style(0.36, GREY))
        y += count * step_y
    return canvas
