"""Following faces from frame to frame: an id for each person, kept through short losses.

Matching is greedy by overlap with the predicted box: with the handful of faces a kiosk sees, the best pair first
gives the same answer as an optimal assignment in all but contrived cases, and it needs nothing but numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edge.data import Box, Face, Track

_VELOCITY_TAU_S = 0.25
"""Time constant of the velocity estimate. Detector boxes jitter by some per cent of their width from frame to frame;
a quarter of a second averages that out and still follows a person who turns round."""
_NEAR_FACES = 0.6
"""Boxes that do not overlap enough still match when their centres are nearer than this many face widths ..."""
_SIZE_RATIO = 1.6
"""... and their sizes differ by at most this factor: fast motion at low frame rates, not another person behind."""


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two ``(x, y, width, height)`` boxes, 0-1; 0 when either is empty."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    inter = width * height
    return inter / (a[2] * a[3] + b[2] * b[3] - inter)


@dataclass(slots=True)
class _Motion:
    """Constant-velocity model of a box's centre, in pixels and seconds."""

    track: Track
    vx_px_s: float = 0.0
    vy_px_s: float = 0.0

    def predicted(self, t_s: float) -> Box:
        x, y, width, height = self.track.face.box_xywh_px
        gap_s = t_s - self.track.last_s
        return (x + self.vx_px_s * gap_s, y + self.vy_px_s * gap_s, width, height)

    def moved(self, face: Face, t_s: float) -> None:
        """Takes the newly seen face. The velocity is smoothed in time, so the frame rate does not matter."""
        old, gap_s = self.track, t_s - self.track.last_s
        if gap_s > 0:
            (x0, y0), (x1, y1) = _centre(old.face.box_xywh_px), _centre(face.box_xywh_px)
            alpha = 1.0 - math.exp(-gap_s / _VELOCITY_TAU_S)
            self.vx_px_s += alpha * ((x1 - x0) / gap_s - self.vx_px_s)
            self.vy_px_s += alpha * ((y1 - y0) / gap_s - self.vy_px_s)
        self.track = Track(id=old.id, face=face, first_s=old.first_s, last_s=t_s)


class Tracker:
    """Gives every face an id. Ids count up from 1 and are never reused."""

    def __init__(self, *, max_lost_s: float = 0.7, min_iou: float = 0.2) -> None:
        self._max_lost_s = max_lost_s
        self._min_iou = min_iou
        self._motions: list[_Motion] = []
        self._next_id = 1

    def change(self, *, max_lost_s: float, min_iou: float) -> None:
        """Other settings from now on; everyone is kept."""
        self._max_lost_s = max_lost_s
        self._min_iou = min_iou

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All living tracks, those lost for less than ``max_lost_s`` included, oldest first."""
        return tuple(m.track for m in self._motions)

    def update(self, faces: Sequence[Face], t_s: float) -> tuple[Track, ...]:
        """Takes the faces of the frame of ``t_s``; returns the track of each face, in the order of ``faces``.

        Times must not decrease.
        """
        self._motions = [m for m in self._motions if t_s - m.track.last_s <= self._max_lost_s]
        taken = self._match(faces, t_s)
        seen: list[Track] = []
        for index, face in enumerate(faces):
            motion = taken.get(index)
            if motion is None:
                motion = _Motion(Track(id=self._next_id, face=face, first_s=t_s, last_s=t_s))
                self._next_id += 1
                self._motions.append(motion)
            else:
                motion.moved(face, t_s)
            seen.append(motion.track)
        return tuple(seen)

    def clear(self) -> None:
        """Forgets everyone: the camera was closed. Ids go on counting."""
        self._motions = []

    def _match(self, faces: Sequence[Face], t_s: float) -> dict[int, _Motion]:
        """Best pairs first; each face and each track at most once. Keys are indices into ``faces``."""
        pairs: list[tuple[float, int, int]] = []
        for m, motion in enumerate(self._motions):
            expected = motion.predicted(t_s)
            for f, face in enumerate(faces):
                affinity = self._affinity(expected, face.box_xywh_px)
                if affinity > 0:
                    pairs.append((affinity, m, f))
        pairs.sort(key=lambda p: (-p[0], p[1], p[2]))
        taken: dict[int, _Motion] = {}
        used: set[int] = set()
        for _, m, f in pairs:
            if m not in used and f not in taken:
                used.add(m)
                taken[f] = self._motions[m]
        return taken

    def _affinity(self, expected: Box, found: Box) -> float:
        """Positive when the boxes may be one person: 1 + IoU when they overlap, below 1 when they are only near."""
        overlap = iou(expected, found)
        if overlap >= self._min_iou:
            return 1.0 + overlap
        (x0, y0), (x1, y1) = _centre(expected), _centre(found)
        width = max(expected[2], found[2], 1e-9)
        ratio = width / max(min(expected[2], found[2]), 1e-9)
        distance = math.hypot(x1 - x0, y1 - y0) / width
        return 1.0 - distance if distance < _NEAR_FACES and ratio <= _SIZE_RATIO else 0.0


def _centre(box: Box) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2
