"""How a face moves: where it is expected, and box and landmarks without the finder's jitter. Seconds, not frames."""

from __future__ import annotations

import math

import numpy as np

from edge.data import Box, Face, Floats, Track

_VELOCITY_TAU_S = 0.25
"""Time constant of the velocity estimate. Detector boxes jitter by some per cent of their width from frame to frame;
a quarter of a second averages that out and still follows a person who turns round."""
_REST_HZ = 1.5
_PER_SPEED_HZ = 3.0
"""The filter's cut-off: at rest, and per face width a second of speed. At constant speed the box lags by at most
1 / (2 pi 3) = 5 % of the face's width. Chosen on development seeds (docs/tracking.md)."""
_SPEED_HZ = 1.0
"""Cut-off of the speed that steers it, as in the paper."""


SAME_S = 1e-3
"""Closer in time, two frames are one: no speed can be taken from them."""


def centre(box: Box) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2


class Steady:
    """Box and landmarks of one face, smoothed by one filter for all of them, so that the face keeps its shape.

    One Euro filter: G. Casiez, N. Roussel and D. Vogel, CHI 2012: calm at rest, quick in motion. Here with
    ``1 - exp(-2 pi f dt)``, exact for a low-pass of first order, so that the frame rate does not matter; and with the
    rms speed over all coordinates, so that one weight serves all and what is told stays between what was found.
    """

    def __init__(self, face: Face, t_s: float) -> None:
        self._begin(face, t_s)

    def _begin(self, face: Face, t_s: float) -> None:
        self._values = self._found = _values(face)
        self._speed: Floats = np.zeros_like(self._values)
        self._last_s = t_s

    def take(self, face: Face, t_s: float) -> Face:
        """The face found at ``t_s``; returns it smoothed. As found where landmarks came or went."""
        values, gap_s = _values(face), t_s - self._last_s
        if values.shape != self._values.shape or gap_s < SAME_S:
            self._begin(face, t_s)
            return face
        speed = (values - self._found) / gap_s
        self._speed = self._speed + _part(_SPEED_HZ, gap_s) * (speed - self._speed)
        width = max(float(values[2]), 1e-9)
        widths_per_s = math.sqrt(float(self._speed @ self._speed) / len(values)) / width
        part = _part(_REST_HZ + _PER_SPEED_HZ * widths_per_s, gap_s)
        self._values = self._values + part * (values - self._values)
        self._found, self._last_s = values, t_s
        return _face(self._values, face)


def _part(cut_off_hz: float, gap_s: float) -> float:
    return 1.0 - math.exp(-2.0 * math.pi * cut_off_hz * gap_s)


def _values(face: Face) -> Floats:
    """Box and, where there are some, landmarks: float (4,) or (14,)."""
    box = np.array(face.box_xywh_px, dtype=np.float64)
    return box if face.landmarks_px is None else np.concatenate([box, face.landmarks_px.ravel()])


def _face(values: Floats, found: Face) -> Face:
    x, y, width, height = values[:4].tolist()
    points = values[4:].reshape(5, 2) if len(values) > 4 else None
    return Face(box_xywh_px=(x, y, width, height), landmarks_px=points, score=found.score)


class Motion:
    """One person's track: constant velocity of the box's centre in pixels and seconds, and what is told of the face."""

    def __init__(self, track_id: int, face: Face, t_s: float) -> None:
        self.track = Track(id=track_id, face=face, first_s=t_s, last_s=t_s)
        self.missed_s: float | None = None
        """Time of the first frame in which the face was missing; None while it is seen."""
        self._steady = Steady(face, t_s)
        self._found = face.box_xywh_px
        # Sums of the exponential average and their weight: divided by it, a new track's velocity is not biased to
        # standing still (as in Kingma and Ba 2015, section 3). Composed sequences: 13 switches instead of 16.
        self._sum_px_s = (0.0, 0.0)
        self._weight = 0.0

    def expected(self, t_s: float) -> Box:
        """Where the finder would find the face at ``t_s``."""
        x, y, width, height = self._found
        ahead_s = (t_s - self.track.last_s) / max(self._weight, 1e-9)
        return x + self._sum_px_s[0] * ahead_s, y + self._sum_px_s[1] * ahead_s, width, height

    def ahead(self, t_s: float) -> Track:
        """The track with its face where it is expected at ``t_s``, without a look; nothing counts as seen."""
        track = self.track
        ahead_s = (t_s - track.last_s) / max(self._weight, 1e-9)
        dx, dy = self._sum_px_s[0] * ahead_s, self._sum_px_s[1] * ahead_s
        x, y, width, height = track.face.box_xywh_px
        points = track.face.landmarks_px
        moved = None if points is None else points + np.array((dx, dy))
        face = Face(box_xywh_px=(x + dx, y + dy, width, height), landmarks_px=moved, score=track.face.score)
        return Track(id=track.id, face=face, first_s=track.first_s, last_s=track.last_s)

    def moved(self, face: Face, t_s: float) -> None:
        """Takes the newly seen face. The velocity is smoothed in time, so the frame rate does not matter."""
        old, gap_s = self.track, t_s - self.track.last_s
        if gap_s >= SAME_S:
            (x0, y0), (x1, y1) = centre(self._found), centre(face.box_xywh_px)
            part = 1.0 - math.exp(-gap_s / _VELOCITY_TAU_S)
            vx, vy = self._sum_px_s
            self._sum_px_s = (vx + part * ((x1 - x0) / gap_s - vx), vy + part * ((y1 - y0) / gap_s - vy))
            self._weight += part * (1.0 - self._weight)
        self._found, self.missed_s = face.box_xywh_px, None
        self.track = Track(id=old.id, face=self._steady.take(face, t_s), first_s=old.first_s, last_s=t_s)
