"""The aiming view: where the faces are and how well the camera sees, on an empty canvas. Figures only, no pixel."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from edge.core import wire
from edge.core.picture import complaint, quality
from edge.data import Box, Frame
from edge.vision.finders import FaceFinder

_RATE_FRAMES = 30


@dataclass(frozen=True, slots=True)
class Sight:
    """One look through the camera, in numbers."""

    width_px: int
    height_px: int
    boxes_xywh_px: tuple[Box, ...]
    brightness: float
    """0-1."""
    sharpness: float
    sharpest: float
    """The highest sharpness so far: turn the lens until the present one reaches it."""
    frames_per_s: float
    readable_px: float
    """Faces with a shorter side below this are not read."""
    hint: str
    """What is wrong with the picture, or nothing."""


class Aimer:
    """Looks at frames. Keeps nothing of a picture but its figures."""

    def __init__(self, finder: FaceFinder, *, readable_px: float) -> None:
        self._finder = finder
        self._readable_px = readable_px
        self._times_s: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._sharpest = 0.0

    def look(self, frame: Frame, now_s: float) -> Sight:
        self._times_s.append(now_s)
        span_s = self._times_s[-1] - self._times_s[0]
        found = quality(frame.image)
        self._sharpest = max(self._sharpest, found.sharpness)
        height, width = frame.image.shape[:2]
        return Sight(
            width_px=width,
            height_px=height,
            boxes_xywh_px=tuple(face.box_xywh_px for face in self._finder.find(frame.image)),
            brightness=found.brightness,
            sharpness=found.sharpness,
            sharpest=self._sharpest,
            frames_per_s=(len(self._times_s) - 1) / span_s if span_s > 0 else 0.0,
            readable_px=self._readable_px,
            hint=complaint(found),
        )


def payload(sight: Sight) -> wire.Payload:
    """What the browser gets. Held to the rule of the wire: scalars and dictionaries of them, nothing else."""
    names = ("x", "y", "width", "height")
    boxes = {
        str(number): dict(zip(names, (round(float(side), 1) for side in box), strict=True))
        for number, box in enumerate(sight.boxes_xywh_px, start=1)
    }
    return wire.checked(
        {
            "width_px": sight.width_px,
            "height_px": sight.height_px,
            "boxes": boxes,
            "brightness": round(sight.brightness, 3),
            "sharpness": round(sight.sharpness, 1),
            "sharpest": round(sight.sharpest, 1),
            "frames_per_s": round(sight.frames_per_s, 1),
            "readable_px": sight.readable_px,
            "hint": sight.hint,
        }
    )


def figures(sight: Sight) -> str:
    """All figures in one line."""
    sizes = [f"{min(box[2:]):.0f} px{_small(box, sight)}" for box in sight.boxes_xywh_px]
    return (
        f"{sight.width_px} x {sight.height_px}, {sight.frames_per_s:.1f} frames/s, brightness {sight.brightness:.2f}, "
        f"sharpness {sight.sharpness:.1f} of {sight.sharpest:.1f}, faces: {', '.join(sizes) or 'none'}"
        + (f". {sight.hint}" if sight.hint else "")
    )


def canvas(sight: Sight, *, columns: int, rows: int) -> list[str]:
    """The boxes on an empty canvas of characters, with a frame round the picture's edge. At least 10 x 5."""
    columns, rows = max(columns, 10), max(rows, 5)
    cells = [[" "] * columns for _ in range(rows)]
    _rectangle(cells, 0, 0, columns - 1, rows - 1)
    for box in sight.boxes_xywh_px:
        x, y, width, height = box
        left, right = (_cell(side, sight.width_px, columns) for side in (x, x + width))
        top, bottom = (_cell(side, sight.height_px, rows) for side in (y, y + height))
        _rectangle(cells, left, top, right, bottom)
        label = f"{min(width, height):.0f}px{_small(box, sight)}"
        for offset, character in enumerate(label):
            if left + 1 + offset < columns:
                cells[min(top + 1, rows - 1)][left + 1 + offset] = character
    return ["".join(row) for row in cells]


def _small(box: Box, sight: Sight) -> str:
    return " too small" if min(box[2:]) < sight.readable_px else ""


def _cell(position_px: float, size_px: int, cells: int) -> int:
    return min(max(math.floor(position_px / size_px * cells), 0), cells - 1)


def _rectangle(cells: list[list[str]], left: int, top: int, right: int, bottom: int) -> None:
    for column in range(left, right + 1):
        cells[top][column] = cells[bottom][column] = "-"
    for row in range(top, bottom + 1):
        cells[row][left] = cells[row][right] = "|"
    for row, column in ((top, left), (top, right), (bottom, left), (bottom, right)):
        cells[row][column] = "+"
