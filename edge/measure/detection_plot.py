"""Precision-recall curves of face finders and a contact sheet of misses and false alarms, drawn with OpenCV alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from edge.data import Floats, Image
from edge.measure.detection import BoxEvaluation, Tile

Bgr = tuple[int, int, int]
_INK: Bgr = (40, 36, 32)
_PALE: Bgr = (222, 218, 214)
_GREY: Bgr = (130, 124, 118)
_COLOURS: tuple[Bgr, ...] = ((150, 84, 22), (60, 60, 205), (70, 140, 40), (160, 60, 160))
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MARGIN, _TILE, _COLUMNS, _SQUARE = 50, 96, 12, 440
_ROW = _TILE + 18
_TOP = 110


def plot_boxes(evaluation: BoxEvaluation, *, title: str) -> Image:
    """uint8 (H, W, 3) BGR: the curves with each back end's working point, then the tiles of the first back end."""
    rows = [math.ceil(len(tiles) / _COLUMNS) or 1 for tiles in (evaluation.misses, evaluation.alarms)]
    width = 2 * _MARGIN + _COLUMNS * _TILE
    height = _TOP + _SQUARE + 90 + sum(rows) * _ROW + 2 * 40 + _MARGIN
    canvas = np.full((height, width, 3), 255, np.uint8)
    _text(canvas, title, (_MARGIN, 48), scale=0.75)
    report = evaluation.report
    _text(canvas, f"{report['n_images']} pictures, {report['n_faces']} faces that count", (_MARGIN, 76), colour=_GREY)
    _curves(canvas, evaluation)
    y = _TOP + _SQUARE + 90
    first = next(iter(report["back_ends"]), "")
    for name, tiles, lines in (("missed", evaluation.misses, rows[0]), ("false", evaluation.alarms, rows[1])):
        _text(canvas, f"{first}: {name}, the worst {len(tiles)}", (_MARGIN, y))
        _sheet(canvas, tiles, y + 14)
        y += lines * _ROW + 40
    return canvas


def precision(points: Floats, *, faces: int, images: int) -> Floats:
    """Precision (K,) of `box_sets.curve` points (K, 3): faces found against faces found and false boxes."""
    hits, false = points[:, 1] * faces, points[:, 2] * images
    return np.asarray(hits / np.maximum(hits + false, 1e-9), np.float64)


def _curves(canvas: Image, evaluation: BoxEvaluation) -> None:
    x0, y0, side = _MARGIN + 30, _TOP, _SQUARE
    report = evaluation.report
    for tenth in range(0, 11, 2):
        x, y = x0 + tenth * side // 10, y0 + side - tenth * side // 10
        cv2.line(canvas, (x, y0), (x, y0 + side), _PALE, 1)
        cv2.line(canvas, (x0, y), (x0 + side, y), _PALE, 1)
        _text(canvas, f"{tenth / 10:.1f}", (x - 10, y0 + side + 20), scale=0.42, colour=_GREY)
        _text(canvas, f"{tenth / 10:.1f}", (x0 - 34, y + 5), scale=0.42, colour=_GREY)
    _text(canvas, "recall ->, precision ^; a dot: as configured", (x0, y0 + side + 44), scale=0.42, colour=_GREY)
    for n, (name, points) in enumerate(evaluation.curves.items()):
        colour, figures = _COLOURS[n % len(_COLOURS)], report["back_ends"][name]
        rates = np.column_stack([points[:, 1], precision(points, faces=report["n_faces"], images=report["n_images"])])
        places = np.round(np.array([x0, y0 + side]) + rates * np.array([side, -side])).astype(np.int32)
        cv2.polylines(canvas, [places.reshape(-1, 1, 2)], False, colour, 2, cv2.LINE_AA)
        cv2.line(canvas, (x0 + side + 40, y0 + 20 + 60 * n), (x0 + side + 70, y0 + 20 + 60 * n), colour, 3)
        _text(canvas, name, (x0 + side + 80, y0 + 26 + 60 * n))
        _text(canvas, _line(figures), (x0 + side + 80, y0 + 48 + 60 * n), scale=0.45, colour=_GREY)
        _dot(canvas, figures, report, (x0, y0 + side), colour)


def _dot(
    canvas: Image, figures: Mapping[str, Any], report: Mapping[str, Any], corner: tuple[int, int], colour: Bgr
) -> None:
    if figures["recall"] is None:
        return
    point = np.array([[0.0, figures["recall"], figures["false_per_image"]]])
    share = float(precision(point, faces=report["n_faces"], images=report["n_images"])[0])
    place = (corner[0] + round(figures["recall"] * _SQUARE), corner[1] - round(share * _SQUARE))
    cv2.circle(canvas, place, 6, colour, cv2.FILLED, cv2.LINE_AA)


def _line(figures: Mapping[str, float | None]) -> str:
    shown = [f"recall {figures['recall']}", f"false a picture {figures['false_per_image']}", f"{figures['ms']} ms"]
    if figures["landmark_error"] is not None:
        shown.append(f"landmarks {figures['landmark_error']}")
    return "   ".join(shown)


def _sheet(canvas: Image, tiles: Sequence[Tile], y0: int) -> None:
    for n, tile in enumerate(tiles):
        x, y = _MARGIN + n % _COLUMNS * _TILE, y0 + n // _COLUMNS * _ROW
        room = _TILE - 6
        scale = room / max(tile.image.shape[:2])
        size = (max(1, round(tile.image.shape[1] * scale)), max(1, round(tile.image.shape[0] * scale)))
        canvas[y : y + size[1], x : x + size[0]] = cv2.resize(tile.image, size, interpolation=cv2.INTER_LINEAR)
        label = tile.name[:9] if math.isnan(tile.score) else f"{tile.score:.2f} {tile.name[:6]}"
        _text(canvas, label, (x, y + _TILE + 6), scale=0.34, colour=_GREY)


def _text(canvas: Image, text: str, place: tuple[int, int], *, scale: float = 0.55, colour: Bgr = _INK) -> None:
    cv2.putText(canvas, text, place, _FONT, scale, colour, 1, cv2.LINE_AA)
