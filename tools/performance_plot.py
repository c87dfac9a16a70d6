"""How the cost of a look grows with pixels and faces, beside the yardstick, as one picture drawn with OpenCV alone."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Point = tuple[float, float, float]
"""Megapixels or faces, milliseconds of ours, milliseconds of the yardstick."""
_WIDTH, _HEIGHT = 1100, 480
_TOP, _BOTTOM = 80, 400
_PANELS = ((90, 520), (640, 1070))
_INK, _PALE, _GREY = (40, 36, 32), (225, 222, 218), (130, 124, 118)
_OURS, _THEIRS = (150, 84, 22), (60, 60, 205)
_MS_STEPS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def _text(canvas: Image, text: str, at: tuple[int, int], scale: float = 0.48, colour: tuple[int, ...] = _INK) -> None:
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)


def _limits(points: Sequence[Point]) -> tuple[float, float]:
    """Least and most milliseconds of the axis: the steps around all values."""
    values = [value for _, *both in points for value in both]
    low = max((step for step in _MS_STEPS if step <= min(values)), default=_MS_STEPS[0])
    high = min((step for step in _MS_STEPS if step >= max(values)), default=_MS_STEPS[-1])
    return low, high


def _panel(canvas: Image, points: Sequence[Point], *, sides: tuple[int, int], title: str, across: str) -> None:
    left, right = sides
    low, high = _limits(points)
    most = max(x for x, _, _ in points)

    def place(x: float, ms: float) -> tuple[int, int]:
        up = np.log(ms / low) / np.log(high / low)
        return round(left + x / most * (right - left)), round(_BOTTOM - up * (_BOTTOM - _TOP))

    _text(canvas, title, (left, _TOP - 30), 0.58)
    for step in (s for s in _MS_STEPS if low <= s <= high):
        _, y = place(0.0, step)
        cv2.line(canvas, (left, y), (right, y), _PALE, 1)
        _text(canvas, f"{step:g}", (left - 46, y + 5), 0.42, _GREY)
    for x, _, _ in points:
        at, _ = place(x, low)
        cv2.line(canvas, (at, _BOTTOM), (at, _BOTTOM + 5), _GREY, 1)
    for x in (points[0][0], points[-1][0]):
        _text(canvas, f"{x:.2g}", (place(x, low)[0] - 10, _BOTTOM + 22), 0.42, _GREY)
    _text(canvas, across, (left + 100, _BOTTOM + 44), 0.45, _GREY)
    _text(canvas, "ms", (left - 46, _TOP - 12), 0.42, _GREY)
    cv2.rectangle(canvas, (left, _TOP), (right, _BOTTOM), _GREY, 1)
    for column, colour in ((1, _OURS), (2, _THEIRS)):
        line = np.array([place(point[0], point[column]) for point in points], np.int32)
        cv2.polylines(canvas, [line], False, colour, 2, cv2.LINE_AA)
        for x, y in line.tolist():
            cv2.circle(canvas, (x, y), 4, colour, cv2.FILLED, cv2.LINE_AA)


def draw(by_pixels: Sequence[Point], by_faces: Sequence[Point]) -> Image:
    """uint8 (H, W, 3) BGR. The vertical axes are logarithmic."""
    canvas = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    _panel(canvas, by_pixels, sides=_PANELS[0], title="by pixels, one face", across="megapixels of the picture")
    _panel(canvas, by_faces, sides=_PANELS[1], title="by faces, 640 x 480", across="faces in the picture")
    for n, (name, colour) in enumerate((("Moodcast, a look with every face read", _OURS), ("yardstick", _THEIRS))):
        cv2.circle(canvas, (100 + n * 400, _HEIGHT - 14), 5, colour, cv2.FILLED, cv2.LINE_AA)
        _text(canvas, name, (115 + n * 400, _HEIGHT - 9))
    return canvas
