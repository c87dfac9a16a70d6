"""How late a message came, without a common clock."""

from __future__ import annotations

WINDOW_S = 60.0
"""The fastest message of the last one to two windows says what is usual. Two clocks drift apart by some milliseconds
in that time; and after the unit's clock stood still (suspend), messages count as late for at most two windows."""


class Lateness:
    """Compares the sender's clock with ours: the difference (arrival - ``up_s``) is smallest for the fastest message,
    and what exceeds that was spent waiting, mostly in an outbox while the broker was away."""

    def __init__(self) -> None:
        self._boot = ""
        self._since_s = 0.0
        self._now: float | None = None
        """Smallest difference since ``_since_s``."""
        self._before: float | None = None
        """Smallest difference in the window before."""

    def of(self, boot: str, up_s: float, t_s: float) -> float:
        """Seconds by which this message is later than the fastest one of late; 0 for the first of a boot."""
        difference = t_s - up_s
        if boot != self._boot:
            self._boot, self._since_s, self._now, self._before = boot, t_s, None, None
        # A window ends at a message, so that silence does not make one forget what is usual.
        if self._now is not None and t_s - self._since_s >= WINDOW_S:
            self._since_s, self._now, self._before = t_s, None, self._now
        self._now = difference if self._now is None else min(self._now, difference)
        usual = self._now if self._before is None else min(self._now, self._before)
        return difference - usual
