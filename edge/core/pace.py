"""Picking frames at an even rate out of those that come."""

from __future__ import annotations

import math


class Pace:
    """Takes the frames that lie nearest to an even beat: half a frame early is as good as half a frame late."""

    def __init__(self) -> None:
        self._seen_s = -math.inf
        self._next_s = -math.inf

    def wanted(self, t_s: float, every_s: float) -> bool:
        """Whether to take the frame of ``t_s`` for a beat of ``every_s`` seconds; 0 takes all. Times must not decrease.

        A beat that was missed, in a hole of the video, is not made up for.
        """
        gap_s, self._seen_s = t_s - self._seen_s, t_s
        if t_s < self._next_s - min(gap_s, every_s) / 2:
            return False
        behind = t_s - self._next_s > every_s
        self._next_s = (t_s if behind else self._next_s) + every_s
        return True

    def reset(self) -> None:
        """The next frame is wanted, and the beat begins with it."""
        self._next_s = -math.inf
