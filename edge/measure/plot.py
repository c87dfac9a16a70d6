"""Confusion matrix and calibration of an evaluation as one picture, drawn with OpenCV alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.data import EMOTIONS, Image
from edge.measure.evaluate import Evaluation
from edge.measure.metrics import CalibrationBin, Ints

Bgr = tuple[int, int, int]
_INK: Bgr = (40, 36, 32)
_PALE: Bgr = (222, 218, 214)
_GREY: Bgr = (130, 124, 118)
_BLUE: Bgr = (150, 84, 22)
_RED: Bgr = (60, 60, 205)
_WHITE: Bgr = (255, 255, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, slots=True)
class _Style:
    scale: float = 0.5
    colour: Bgr = _INK
    thickness: int = 1


_PLAIN = _Style()
_TITLE = _Style(0.8, thickness=2)
_FAINT = _Style(colour=_GREY)
_SMALL = _Style(0.42, _GREY)

_MARGIN = 40
_CELL_W, _CELL_H = 84, 62
_LABEL_W = 110
_TOP = 172
_SQUARE = 440
_BARS = 90


def plot(evaluation: Evaluation, *, title: str) -> Image:
    """uint8 (H, W, 3) BGR: rows of the confusion matrix shaded by their share, and confidence against accuracy."""
    left = _MARGIN + _LABEL_W
    matrix_width = len(EMOTIONS) * _CELL_W
    second = left + matrix_width + 130
    width = second + _SQUARE + _MARGIN
    height = max(_TOP + len(evaluation.truths) * _CELL_H, _TOP + _SQUARE + 40 + _BARS) + 75
    canvas = np.full((height, width, 3), 255, np.uint8)
    (full, _), _ = cv2.getTextSize(title, _FONT, _TITLE.scale, _TITLE.thickness)
    fitted = min(1.0, (width - 2 * _MARGIN) / max(full, 1))
    _text(canvas, title, (_MARGIN, 48), replace(_TITLE, scale=_TITLE.scale * fitted))
    _text(canvas, _summary(evaluation), (_MARGIN, 80), _Style(0.55, _GREY))
    _matrix(canvas, evaluation.counts, evaluation.truths, (left, _TOP))
    _calibration(canvas, evaluation.bins, (second, _TOP))
    return canvas


def _summary(evaluation: Evaluation) -> str:
    report = evaluation.report
    shown = ("n", "accuracy", "ferplus_all", "ferplus_majority", "ferplus_standard", "fer2013", "macro_recall", "ece")
    return "   ".join(f"{key} {report[key]}" for key in shown if report.get(key) is not None)


def _matrix(canvas: Image, counts: Ints, truths: Sequence[str], corner: tuple[int, int]) -> None:
    x0, y0 = corner
    _text(canvas, "answer", (x0 + len(EMOTIONS) * _CELL_W // 2, y0 - 42), _FAINT, align="centre")
    _text(canvas, "truth", (x0 - 12, y0 - 14), _FAINT, align="right")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for column, emotion in enumerate(EMOTIONS):
        _text(canvas, emotion, (x0 + column * _CELL_W + _CELL_W // 2, y0 - 14), align="centre")
    for row, truth in enumerate(truths):
        middle = y0 + row * _CELL_H + _CELL_H // 2
        _text(canvas, truth, (x0 - 12, middle), align="right")
        _text(canvas, f"n {int(counts[row].sum())}", (x0 - 12, middle + 18), _SMALL, align="right")
        for column in range(len(EMOTIONS)):
            place = (x0 + column * _CELL_W, y0 + row * _CELL_H)
            _cell(canvas, place, float(shares[row, column]), int(counts[row, column]))
    end = (x0 + len(EMOTIONS) * _CELL_W, y0 + len(truths) * _CELL_H)
    cv2.rectangle(canvas, corner, end, _PALE, 1)
    _text(canvas, "shade and large figure: share of the truth's row in %", (x0, end[1] + 26), _SMALL)


def _cell(canvas: Image, place: tuple[int, int], share: float, count: int) -> None:
    x, y = place
    cv2.rectangle(canvas, (x + 1, y + 1), (x + _CELL_W - 1, y + _CELL_H - 1), _blend(_WHITE, _BLUE, share), cv2.FILLED)
    colour = _WHITE if share > 0.55 else _INK
    _text(canvas, f"{100 * share:.0f}", (x + _CELL_W // 2, y + 30), _Style(0.6, colour), align="centre")
    fainter = _WHITE if share > 0.55 else _GREY
    _text(canvas, str(count), (x + _CELL_W // 2, y + 50), _Style(0.4, fainter), align="centre")


def _calibration(canvas: Image, bins: Sequence[CalibrationBin], corner: tuple[int, int]) -> None:
    x0, y0 = corner
    x1, y1 = x0 + _SQUARE, y0 + _SQUARE
    _text(canvas, "accuracy by confidence", (x0, y0 - 42), _FAINT)
    for tenth in range(0, 11, 2):
        x, y = x0 + tenth * _SQUARE // 10, y1 - tenth * _SQUARE // 10
        cv2.line(canvas, (x, y0), (x, y1), _PALE, 1)
        cv2.line(canvas, (x0, y), (x1, y), _PALE, 1)
        _text(canvas, f"{tenth / 10:.1f}", (x0 - 10, y + 5), _SMALL, align="right")
        _text(canvas, f"{tenth / 10:.1f}", (x, y1 + 20), _SMALL, align="centre")
    points = []
    for b in (b for b in bins if b.n):
        left, right = x0 + round(b.low * _SQUARE), x0 + round(b.high * _SQUARE)
        top = y1 - round(b.accuracy * _SQUARE)
        cv2.rectangle(canvas, (left + 2, top), (right - 2, y1), _blend(_WHITE, _BLUE, 0.45), cv2.FILLED)
        points.append((x0 + round(b.confidence * _SQUARE), top))
    cv2.line(canvas, (x0, y1), (x1, y0), _GREY, 1, cv2.LINE_AA)
    cv2.polylines(canvas, [np.array(points, np.int32)], False, _BLUE, 2, cv2.LINE_AA)
    for point in points:
        cv2.circle(canvas, point, 4, _RED, cv2.FILLED, cv2.LINE_AA)
    cv2.rectangle(canvas, corner, (x1, y1), _GREY, 1)
    _histogram(canvas, bins, (x0, y1 + 40))


def _histogram(canvas: Image, bins: Sequence[CalibrationBin], corner: tuple[int, int]) -> None:
    """How many answers fall into each bin, below the calibration and on the same axis."""
    x0, bottom = corner[0], corner[1] + _BARS
    most = max((b.n for b in bins), default=0) or 1
    for b in bins:
        left, right = x0 + round(b.low * _SQUARE), x0 + round(b.high * _SQUARE)
        cv2.rectangle(canvas, (left + 2, bottom - round(b.n / most * _BARS)), (right - 2, bottom), _GREY, cv2.FILLED)
    cv2.line(canvas, (x0, bottom), (x0 + _SQUARE, bottom), _GREY, 1)
    _text(canvas, f"answers by confidence, at most {most} in a bin", (x0, bottom + 24), _SMALL)


def _blend(a: Bgr, b: Bgr, share: float) -> Bgr:
    blue, green, red = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return blue, green, red


def _text(canvas: Image, text: str, place: tuple[int, int], style: _Style = _PLAIN, *, align: str = "left") -> None:
    (width, _), _ = cv2.getTextSize(text, _FONT, style.scale, style.thickness)
    shift = {"left": 0, "centre": width // 2, "right": width}[align]
    at = (place[0] - shift, place[1])
    cv2.putText(canvas, text, at, _FONT, style.scale, style.colour, style.thickness, cv2.LINE_AA)
