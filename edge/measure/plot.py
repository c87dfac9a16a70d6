"""Confusion matrix and calibration of an evaluation as one picture, drawn with OpenCV alone."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge.data import EMOTIONS, Floats, Image
from edge.measure.drawing import (
    BLUE,
    FAINT,
    GREY,
    INK,
    MARGIN,
    PALE,
    RED,
    SMALL,
    WHITE,
    Style,
    axes,
    blank,
    blend,
    text,
)
from edge.measure.evaluate import Evaluation
from edge.measure.metrics import CalibrationBin, Ints

_CELL_W, _CELL_H = 84, 62
_LABEL_W = 110
_TOP = 172
_SQUARE = 440
_BARS = 90


def plot(evaluation: Evaluation, *, title: str) -> Image:
    """uint8 (H, W, 3) BGR: rows of the confusion matrix shaded by their share, and confidence against accuracy."""
    left = MARGIN + _LABEL_W
    matrix_width = len(EMOTIONS) * _CELL_W
    second = left + matrix_width + 130
    width = second + _SQUARE + MARGIN
    height = max(_TOP + len(evaluation.truths) * _CELL_H, _TOP + _SQUARE + 40 + _BARS) + 75
    canvas = blank(width, height, title)
    text(canvas, _summary(evaluation), (MARGIN, 80), Style(0.55, GREY))
    _matrix(canvas, evaluation.counts, evaluation.truths, (left, _TOP))
    _calibration(canvas, evaluation.bins, (second, _TOP))
    return canvas


def plot_confusion(evaluation: Evaluation, *, title: str) -> Image:
    """uint8 (H, W, 3) BGR: the confusion matrix, rows shaded by their share."""
    left = MARGIN + _LABEL_W
    height = _TOP + len(evaluation.truths) * _CELL_H + 60
    canvas = blank(left + len(EMOTIONS) * _CELL_W + MARGIN, height, title)
    text(canvas, _summary(evaluation), (MARGIN, 80), Style(0.34, GREY))
    _matrix(canvas, evaluation.counts, evaluation.truths, (left, _TOP))
    return canvas


def plot_reliability(evaluation: Evaluation, *, title: str) -> Image:
    """uint8 (H, W, 3) BGR: accuracy by confidence and how many answers lie where (a reliability diagram)."""
    canvas = blank(_SQUARE + 2 * MARGIN + 90, _TOP + _SQUARE + 40 + _BARS + 75, title)
    text(canvas, f"expected calibration error {evaluation.report['ece']}", (MARGIN, 80), SMALL)
    _calibration(canvas, evaluation.bins, (MARGIN + 60, _TOP))
    return canvas


def plot_risk_coverage(evaluation: Evaluation, *, title: str) -> Image:
    """uint8 (H, W, 3) BGR: accuracy of the most confident answers, by the share that is answered."""
    canvas = blank(_SQUARE + 2 * MARGIN + 90, _TOP + _SQUARE + 75, title)
    corner = (MARGIN + 60, _TOP)
    points = evaluation.selective
    low = min(0.9, int(10.0 * float(points[:, 1].min(initial=1.0))) / 10.0)
    text(canvas, "accuracy by coverage: the least confident are not answered", (corner[0], corner[1] - 42), FAINT)
    axes(canvas, corner, _SQUARE, low)
    _line(canvas, points, corner, low)
    selective = evaluation.report["selective"].items()
    shown = [f"{float(share.removeprefix('coverage_')):.0%}: {value}" for share, value in selective]
    text(canvas, "   ".join(shown), (MARGIN, 80), SMALL)
    text(canvas, "coverage", (corner[0] + _SQUARE // 2, corner[1] + _SQUARE + 44), SMALL, align="centre")
    return canvas


def _line(canvas: Image, points: Floats, corner: tuple[int, int], low: float) -> None:
    """``points`` (K, 2) of coverage and accuracy in `axes` from ``low``."""
    x = corner[0] + points[:, 0] * _SQUARE
    y = corner[1] + _SQUARE - (points[:, 1] - low) / (1.0 - low) * _SQUARE
    places = np.column_stack([x, y]).round().astype(np.int32)
    cv2.polylines(canvas, [places], False, BLUE, 2, cv2.LINE_AA)
    cv2.rectangle(canvas, corner, (corner[0] + _SQUARE, corner[1] + _SQUARE), GREY, 1)


def _summary(evaluation: Evaluation) -> str:
    report = evaluation.report
    shown = ("n", "accuracy", "ferplus_all", "ferplus_majority", "ferplus_standard", "fer2013", "macro_recall", "ece")
    return "   ".join(f"{key} {report[key]}" for key in shown if report.get(key) is not None)


def _matrix(canvas: Image, counts: Ints, truths: Sequence[str], corner: tuple[int, int]) -> None:
    x0, y0 = corner
    text(canvas, "answer", (x0 + len(EMOTIONS) * _CELL_W // 2, y0 - 42), FAINT, align="centre")
    text(canvas, "truth", (x0 - 12, y0 - 14), FAINT, align="right")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for column, emotion in enumerate(EMOTIONS):
        text(canvas, emotion, (x0 + column * _CELL_W + _CELL_W // 2, y0 - 14), align="centre")
    for row, truth in enumerate(truths):
        middle = y0 + row * _CELL_H + _CELL_H // 2
        text(canvas, truth, (x0 - 12, middle), align="right")
        text(canvas, f"n {int(counts[row].sum())}", (x0 - 12, middle + 18), SMALL, align="right")
        for column in range(len(EMOTIONS)):
            place = (x0 + column * _CELL_W, y0 + row * _CELL_H)
            _cell(canvas, place, float(shares[row, column]), int(counts[row, column]))
    end = (x0 + len(EMOTIONS) * _CELL_W, y0 + len(truths) * _CELL_H)
    cv2.rectangle(canvas, corner, end, PALE, 1)
    text(canvas, "shade and large figure: share of the truth's row in %", (x0, end[1] + 26), SMALL)


def _cell(canvas: Image, place: tuple[int, int], share: float, count: int) -> None:
    x, y = place
    cv2.rectangle(canvas, (x + 1, y + 1), (x + _CELL_W - 1, y + _CELL_H - 1), blend(WHITE, BLUE, share), cv2.FILLED)
    colour = WHITE if share > 0.55 else INK
    text(canvas, f"{100 * share:.0f}", (x + _CELL_W // 2, y + 30), Style(0.6, colour), align="centre")
    fainter = WHITE if share > 0.55 else GREY
    text(canvas, str(count), (x + _CELL_W // 2, y + 50), Style(0.4, fainter), align="centre")


def _calibration(canvas: Image, bins: Sequence[CalibrationBin], corner: tuple[int, int]) -> None:
    x0, y0 = corner
    x1, y1 = x0 + _SQUARE, y0 + _SQUARE
    text(canvas, "accuracy by confidence", (x0, y0 - 42), FAINT)
    axes(canvas, corner, _SQUARE)
    points = []
    for b in (b for b in bins if b.n):
        left, right = x0 + round(b.low * _SQUARE), x0 + round(b.high * _SQUARE)
        top = y1 - round(b.accuracy * _SQUARE)
        cv2.rectangle(canvas, (left + 2, top), (right - 2, y1), blend(WHITE, BLUE, 0.45), cv2.FILLED)
        points.append((x0 + round(b.confidence * _SQUARE), top))
    cv2.line(canvas, (x0, y1), (x1, y0), GREY, 1, cv2.LINE_AA)
    cv2.polylines(canvas, [np.array(points, np.int32)], False, BLUE, 2, cv2.LINE_AA)
    for point in points:
        cv2.circle(canvas, point, 4, RED, cv2.FILLED, cv2.LINE_AA)
    cv2.rectangle(canvas, corner, (x1, y1), GREY, 1)
    _histogram(canvas, bins, (x0, y1 + 40))


def _histogram(canvas: Image, bins: Sequence[CalibrationBin], corner: tuple[int, int]) -> None:
    """How many answers fall into each bin, below the calibration and on the same axis."""
    x0, bottom = corner[0], corner[1] + _BARS
    most = max((b.n for b in bins), default=0) or 1
    for b in bins:
        left, right = x0 + round(b.low * _SQUARE), x0 + round(b.high * _SQUARE)
        cv2.rectangle(canvas, (left + 2, bottom - round(b.n / most * _BARS)), (right - 2, bottom), GREY, cv2.FILLED)
    cv2.line(canvas, (x0, bottom), (x0 + _SQUARE, bottom), GREY, 1)
    text(canvas, f"answers by confidence, at most {most} in a bin", (x0, bottom + 24), SMALL)
