"""When to look and what to read: the price of watching, decided from seconds and from what is in view.

A look (finding faces) costs most of a frame. Nobody in view: a look when something moved, and now and then in any case.
Somebody in view: looks at a rate, on whichever frames lie nearest to it; the network reads only tracks that are due.
The rate falls when looks take long, frames come late or the processor is slowed down. Frames between two looks are no
loss: the tracker is told of looks alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from edge.core.pace import Pace
from edge.data import Track

Shed = Literal["none", "slow", "late", "throttled"]
"""Why looks are rarer than configured: they take long, frames come late, the processor is slowed down."""

LEAST_LOOKS_HZ = 2.0
"""Somebody in view is looked for at least so often: a hole of more than half a second is an absence to the
tracker (``edge.core.track``)."""
_BUSY = 0.6
"""A look may take this share of the time between two: the rest is for camera, broker and the kiosk's browser."""
_LATE_S, _IN_TIME_S = 0.25, 0.12
"""A frame older than the first when it is taken comes late, younger than the second in time. Drivers and decoders take
0.03 to 0.08 s on an idle machine; a quarter of a second is half of what people call immediate in all."""
_MEAN_S = 2.0
"""Time constant of the means of duration and age: one slow frame sheds nothing."""
_WORSE_S, _BETTER_S = 2.0, 10.0
"""Lateness halves the rate at most so often, and doubles it again only after so long: no swinging."""
_LEAST_FACTOR = 1 / 8
_THROTTLED_FACTOR = 0.5
_FULL_RATE_S = 2.0
"""The camera keeps its rate for so long after the last person: who turned away is mostly back by then."""
_FORGET_S = 30.0


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """Rates in hertz."""

    looks_hz: float = 10.0
    """Somebody in view."""
    idle_looks_hz: float = 2.0
    """Nobody in view and something moves: at most."""
    still_s: float = 2.0
    """Nobody in view and nothing moves: a look after so many seconds all the same."""
    idle_camera_hz: float = 2.5
    """Frames asked of the camera while nobody is in view."""
    settled_reads_hz: float = 5.0
    """Readings of a person whose emotion holds and was read again last time; others are read at each look."""
    reads_max: int = 8
    """Readings at one look; who waited longest comes first."""


class Schedule:
    """Decides for each frame. Times are ``Frame.t_s`` and must not decrease."""

    def __init__(self, settings: ScheduleSettings) -> None:
        self._set = settings
        self._pace = Pace()
        self._look_s = -math.inf
        self._anyone_s = -math.inf
        self._read_s: dict[int, float] = {}
        self._throttled = False
        self._duration_s = 0.0
        self._late_s = 0.0
        self._late_factor = 1.0
        self._changed_s = -math.inf

    def change(self, settings: ScheduleSettings) -> None:
        """Other settings from now on."""
        self._set = settings
        self._pace.reset()

    def throttle(self, *, throttled: bool) -> None:
        """Whether the processor is slowed down by heat or low voltage."""
        self._throttled = throttled

    def look(self, t_s: float, *, anyone: bool, moved: bool) -> bool:
        """Whether to look for faces in the frame of ``t_s``; call it once for each frame.

        ``anyone``: somebody is followed, the briefly lost included; ``moved``: the picture changed since the last look.
        """
        if anyone:
            self._anyone_s = t_s
            wanted = self._pace.wanted(t_s, 1.0 / self.looks_hz)
        else:
            since_s = t_s - self._look_s
            wanted = since_s >= self._set.still_s or (moved and since_s >= 1.0 / self._set.idle_looks_hz)
            if wanted:
                self._pace.reset()
                self._pace.wanted(t_s, 1.0 / self.looks_hz)
        if wanted:
            self._look_s = t_s
        return wanted

    def due(self, tracks: Sequence[Track], t_s: float, *, settled: Collection[int]) -> list[Track]:
        """Those of ``tracks``, seen and readable at the look of ``t_s``, that the network is to read now.

        ``settled``: ids of tracks whose emotion holds and was read again last time.
        """
        # Half the time between looks belongs to either side, as in `look`.
        wait_s = 1.0 / self._set.settled_reads_hz - 0.5 / self.looks_hz
        last_s = {track.id: self._read_s.get(track.id, -math.inf) for track in tracks}
        due = [track for track in tracks if track.id not in settled or t_s - last_s[track.id] >= wait_s]
        if len(due) > self._set.reads_max:
            order = {number: place for place, number in enumerate(self._read_s)}
            due = sorted(due, key=lambda track: order.get(track.id, -1))[: self._set.reads_max]
        if self._read_s and t_s - min(self._read_s.values()) > _FORGET_S:
            self._read_s = {i: s for i, s in self._read_s.items() if t_s - s <= _FORGET_S}
        for track in due:
            self._read_s.pop(track.id, None)  # so that the order of the dictionary is that of the readings
            self._read_s[track.id] = t_s
        return due

    def looked(self, t_s: float, *, took_s: float, late_s: float) -> None:
        """The look of ``t_s`` took ``took_s`` seconds; its frame was ``late_s`` old when it was taken."""
        part = 1.0 - math.exp(-min(1.0 / self.looks_hz, _MEAN_S) / _MEAN_S)
        self._duration_s += part * (took_s - self._duration_s)
        self._late_s += part * (late_s - self._late_s)
        since_s = t_s - self._changed_s
        if self._late_s > _LATE_S and since_s >= _WORSE_S:
            self._late_factor, self._changed_s = max(self._late_factor / 2, _LEAST_FACTOR), t_s
        elif self._late_s < _IN_TIME_S and since_s >= _BETTER_S and self._late_factor < 1.0:
            self._late_factor, self._changed_s = min(self._late_factor * 2, 1.0), t_s

    @property
    def looks_hz(self) -> float:
        """The rate of looks with somebody in view, now."""
        rate_hz = min(rate for rate, _ in self._limits())
        return max(rate_hz, min(LEAST_LOOKS_HZ, self._set.looks_hz))

    @property
    def shed(self) -> Shed:
        """What holds the rate down most."""
        limits = self._limits()
        return min(limits, key=lambda limit: limit[0])[1]

    def camera_hz(self, t_s: float) -> float:
        """Frames a second that are enough: no camera need give more."""
        somebody = t_s - self._anyone_s < _FULL_RATE_S
        # No more than is looked at: a frame that is decoded and not searched costs a third of one that is.
        return self.looks_hz if somebody else self._set.idle_camera_hz

    def _limits(self) -> list[tuple[float, Shed]]:
        wanted_hz = self._set.looks_hz
        limits: list[tuple[float, Shed]] = [(wanted_hz, "none")]
        if self._throttled:
            limits.append((wanted_hz * _THROTTLED_FACTOR, "throttled"))
        if self._late_factor < 1.0:
            limits.append((wanted_hz * self._late_factor, "late"))
        if self._duration_s * wanted_hz > _BUSY:
            limits.append((_BUSY / self._duration_s, "slow"))
        return limits
