"""When a frame was captured: of a recording by its position, of a live camera by the driver's stamp."""

from __future__ import annotations

_STAMP_AGE_MAX_S = 1.0


def capture_time_s(*, stamp_s: float, now_s: float, last_s: float) -> float:
    """The driver's stamp where it can be one of the monotonic clock, else ``now_s``. Later than ``last_s``.

    Drivers stamp frames with clocks of their own choice, and some give 0: a stamp that is older than a second, lies in
    the future or not after the last frame is not believed.
    """
    believable = now_s - _STAMP_AGE_MAX_S < stamp_s <= now_s and stamp_s > last_s
    return stamp_s if believable else now_s


class Timeline:
    """Lays the passes of a recording end to end on one axis.

    In real time its zero is the moment of the first frame after ``begin``; else 0 at the very first one, and a pass
    always starts one frame interval after the last frame before it.
    """

    def __init__(self, *, realtime: bool) -> None:
        self._realtime = realtime
        self._origin_s: float | None = None if realtime else 0.0
        self._last_s: float | None = None
        self._interval_s = 0.0

    def begin(self) -> None:
        """The recording was opened."""
        if self._realtime:
            self._origin_s = None
        elif self._last_s is not None:
            self.begin_pass()

    def begin_pass(self) -> None:
        """The recording starts over."""
        if self._last_s is not None:
            self._origin_s = self._last_s + self._interval_s

    def t_s(self, *, position_s: float, interval_s: float, now_s: float) -> float:
        """Time of the frame at ``position_s`` in the recording that is shown for ``interval_s``."""
        if self._origin_s is None:
            self._origin_s = now_s - position_s
        self._last_s = self._origin_s + position_s
        self._interval_s = interval_s
        return self._last_s
