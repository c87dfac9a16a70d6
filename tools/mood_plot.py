"""Flips against delay of every method at every rate as one picture, drawn with OpenCV alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
_WIDTH, _HEIGHT = 1100, 620
_LEFT, _TOP, _RIGHT, _BOTTOM = 90, 70, 720, 540
_DELAY_S = (0.0, 1.2)
_FLIPS = (1.0, 400.0)
_INK, _PALE, _GREY = (40, 36, 32), (225, 222, 218), (130, 124, 118)
_COLOURS = (
    (130, 124, 118), (60, 60, 205), (150, 84, 22), (200, 160, 90), (60, 140, 40),
    (120, 190, 110), (30, 150, 220), (160, 50, 140), (210, 130, 200),
)  # fmt: skip
_MARKERS = {"5": cv2.MARKER_SQUARE, "10": cv2.MARKER_DIAMOND, "30": cv2.MARKER_TRIANGLE_UP, "2-30": cv2.MARKER_CROSS}


def _place(delay_s: float, flips: float) -> tuple[int, int]:
    across = (delay_s - _DELAY_S[0]) / (_DELAY_S[1] - _DELAY_S[0])
    up = np.log(max(flips, _FLIPS[0]) / _FLIPS[0]) / np.log(_FLIPS[1] / _FLIPS[0])
    return round(_LEFT + across * (_RIGHT - _LEFT)), round(_BOTTOM - up * (_BOTTOM - _TOP))


def _text(canvas: Image, text: str, at: tuple[int, int], scale: float = 0.5) -> None:
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)


def _axes(canvas: Image) -> None:
    for tenth in range(0, 13, 2):
        x, _ = _place(tenth / 10, 1.0)
        cv2.line(canvas, (x, _TOP), (x, _BOTTOM), _PALE, 1)
        _text(canvas, f"{tenth / 10:.1f}", (x - 12, _BOTTOM + 22))
    for flips in (1, 2, 5, 10, 20, 50, 100, 200, 400):
        _, y = _place(0.0, flips)
        cv2.line(canvas, (_LEFT, y), (_RIGHT, y), _PALE, 1)
        _text(canvas, str(flips), (_LEFT - 40, y + 5))
    limit, _ = _place(0.8, 1.0)
    cv2.line(canvas, (limit, _TOP), (limit, _BOTTOM), _GREY, 2)
    cv2.rectangle(canvas, (_LEFT, _TOP), (_RIGHT, _BOTTOM), _GREY, 1)
    _text(canvas, "flips a minute against median delay to a real change; left and low is better", (_LEFT, 40), 0.6)
    _text(canvas, "median delay, s; the thick line is the limit of 0.8 s", (_LEFT, _BOTTOM + 50))


def draw(report: dict[str, dict[str, dict[str, float | None]]]) -> Image:
    """uint8 (H, W, 3) BGR; rows without a median delay are left out."""
    canvas = np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)
    _axes(canvas)
    for n, (name, rates) in enumerate(report.items()):
        colour = _COLOURS[n % len(_COLOURS)]
        cv2.circle(canvas, (_RIGHT + 30, _TOP + 15 + 28 * n), 6, colour, cv2.FILLED, cv2.LINE_AA)
        _text(canvas, name, (_RIGHT + 46, _TOP + 20 + 28 * n))
        for rate, row in rates.items():
            delay_s, flips = row["delay_p50_s"], row["flips_a_minute"]
            if delay_s is not None and flips is not None:
                cv2.drawMarker(canvas, _place(delay_s, flips), colour, _MARKERS[rate], 13, 2, cv2.LINE_AA)
    for n, (rate, marker) in enumerate(_MARKERS.items()):
        at = (_RIGHT + 30, _BOTTOM - 90 + 26 * n)
        cv2.drawMarker(canvas, at, _GREY, marker, 13, 2, cv2.LINE_AA)
        _text(canvas, f"{rate} readings a second", (at[0] + 16, at[1] + 5))
    return canvas
