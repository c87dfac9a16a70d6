"""Following faces from frame to frame: an id for each person, kept through short losses.

Faces are matched to where the known people are expected, best pair first. Optimal assignment (Kuhn 1955) gave the same
ids on composed sequences: with the handful of faces a kiosk sees, the pairs that it would change are those that no
geometry decides (docs/tracking.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge.core.motion import Motion, centre
from edge.data import Box, Face, Track

_NEAR_FACES = 0.6
"""Boxes that do not overlap enough still match when their centres are nearer than this many face widths ..."""
_NEAR_FACES_PER_S = 1.0
"""... and so much more for each second since the person was last seen ..."""
_SIZE_RATIO = 1.6
"""... and their sizes differ by at most this factor: fast motion at low frame rates, not another person behind."""
_SIZE_WEIGHT = 0.5
"""Weight of the difference in size beside overlap: of two people who cross, the nearer one is larger."""
_HOLE_S = 0.5
"""A hole in the video up to here is no loss of a person; a longer one counts as if nobody had been there."""

_TWICE_IOU = 0.3
"""Two boxes with more overlap show one face: of two faces of one size of which 70 % are visible each, it is at most
0.18; YuNet itself drops boxes from 0.3 on. Haar gave the man of the clips a second box, 0.44 over his own, in 13 of 62
frames, which lived on as a second person."""


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two ``(x, y, width, height)`` boxes, 0-1; 0 when either is empty."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    inter = width * height
    return inter / (a[2] * a[3] + b[2] * b[3] - inter)


def single(faces: Sequence[Face]) -> list[Face]:
    """``faces`` without those that a better one overlaps too much: one face found twice. Their order stays."""
    kept: list[int] = []
    for n in sorted(range(len(faces)), key=lambda n: (-faces[n].score, n)):
        if all(iou(faces[n].box_xywh_px, faces[k].box_xywh_px) <= _TWICE_IOU for k in kept):
            kept.append(n)
    return [faces[n] for n in sorted(kept)]


class Tracker:
    """Gives every face an id. Ids count up from 1 and are never reused."""

    def __init__(self, *, max_lost_s: float = 0.7, min_iou: float = 0.2) -> None:
        self._max_lost_s = max_lost_s
        self._min_iou = min_iou
        self._motions: list[Motion] = []
        self._next_id = 1
        self._looked_s = -math.inf

    def change(self, *, max_lost_s: float, min_iou: float) -> None:
        """Other settings from now on; everyone is kept."""
        self._max_lost_s = max_lost_s
        self._min_iou = min_iou

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All living tracks, those lost for up to ``max_lost_s`` included, oldest first."""
        return tuple(m.track for m in self._motions)

    @property
    def anyone(self) -> bool:
        """Whether there is a living track."""
        return bool(self._motions)

    def update(self, faces: Sequence[Face], t_s: float) -> tuple[Track, ...]:
        """Takes the faces of the frame of ``t_s``; returns the track of each face, in the order of ``faces``.

        A track's face is smoothed (``edge.core.motion``), the first one and one after a long loss as found. Times must
        not decrease.
        """
        self._motions = [m for m in self._motions if not self._gone(m, t_s)]
        taken = self._match(faces, t_s)
        seen: list[Track] = []
        for index, face in enumerate(faces):
            motion = taken.get(index)
            if motion is None:
                motion = Motion(self._next_id, face, t_s)
                self._next_id += 1
                self._motions.append(motion)
            else:
                motion.moved(face, t_s)
            seen.append(motion.track)
        for motion in self._motions:
            if motion.track.last_s < t_s and motion.missed_s is None:
                motion.missed_s = t_s
        self._looked_s = t_s
        return tuple(seen)

    def ahead(self, t_s: float) -> tuple[Track, ...]:
        """Those seen at the last look, with their faces where they are expected at ``t_s``: a frame without a look.
        Nobody is lost by it."""
        return tuple(m.ahead(t_s) for m in self._motions if m.missed_s is None)

    def clear(self) -> None:
        """Forgets everyone: the camera was closed. Ids go on counting."""
        self._motions = []

    def _gone(self, motion: Motion, t_s: float) -> bool:
        """Certainly out of sight for too long: the first and the last frame without the face are further apart than
        that. Who turns away for 0.6 s at 5 frames a second is not seen for 0.8 s."""
        if motion.missed_s is None:
            return t_s - motion.track.last_s > self._max_lost_s + _HOLE_S
        absent_s = max(self._looked_s, motion.missed_s) - motion.missed_s
        return absent_s > self._max_lost_s or t_s - motion.missed_s > self._max_lost_s + _HOLE_S

    def _match(self, faces: Sequence[Face], t_s: float) -> dict[int, Motion]:
        """Best pairs first; each face and each track at most once. Keys are indices into ``faces``."""
        pairs: list[tuple[float, int, int]] = []
        for m, motion in enumerate(self._motions):
            expected, gap_s = motion.expected(t_s), t_s - motion.track.last_s
            for f, face in enumerate(faces):
                affinity = self._affinity(expected, face.box_xywh_px, gap_s)
                if affinity > 0:
                    pairs.append((affinity, m, f))
        pairs.sort(key=lambda p: (-p[0], p[1], p[2]))
        taken: dict[int, Motion] = {}
        used: set[int] = set()
        for _, m, f in pairs:
            if m not in used and f not in taken:
                used.add(m)
                taken[f] = self._motions[m]
        return taken

    def _affinity(self, expected: Box, found: Box, gap_s: float) -> float:
        """Positive when the boxes may be one person: above 2 when they overlap, below 2 when they are only near."""
        side, expected_side = math.sqrt(max(found[2] * found[3], 0.0)), math.sqrt(max(expected[2] * expected[3], 0.0))
        ratio = max(side, expected_side) / max(min(side, expected_side), 1e-9)
        unlike = _SIZE_WEIGHT * min(math.log(ratio), 1.0)
        overlap = iou(expected, found)
        if overlap >= self._min_iou:
            return 2.0 + overlap - unlike
        (x0, y0), (x1, y1) = centre(expected), centre(found)
        reach = _NEAR_FACES + _NEAR_FACES_PER_S * gap_s
        distance = math.hypot(x1 - x0, y1 - y0) / max(expected[2], found[2], 1e-9)
        if distance >= reach or ratio > _SIZE_RATIO:
            return 0.0
        return 1.0 - distance / reach + (1.0 - 2 * unlike) * 0.2
