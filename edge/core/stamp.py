"""Who says a message, in which order, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal

BOOT_MIN = 16
"""Hexadecimal digits of ``boot``: 64 bits, so that two boots never share one."""

Clock = Literal["synced", "unsynced"]


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who says a message, in which order, and when."""

    unit: str
    boot: str
    """Random for each start of the service. With ``seq`` it names a message, so that repeats can be dropped."""
    seq: int
    """Counts all messages of this boot from 1. Gaps are normal: of some topics only the newest is sent."""
    ts: str
    """Wall clock, ISO 8601 in UTC with milliseconds."""
    clock: Clock
    """``unsynced``: the wall clock was never set since power-on, do not trust ``ts``."""
    up_s: float
    """Seconds since the service started, from the monotonic clock."""


class Stamper:
    """Makes the stamps of one boot. Not thread-safe: one loop publishes."""

    def __init__(self, unit: str, boot: str, start_s: float) -> None:
        """``boot``: random hexadecimal text of at least 16 digits; ``start_s``: monotonic seconds of the start."""
        if len(boot) < BOOT_MIN or not all(c in "0123456789abcdef" for c in boot):
            raise ValueError(f"boot must be at least {BOOT_MIN} hexadecimal digits, got {boot!r}")
        self.unit = unit
        self.boot = boot
        self._start_s = start_s
        self._seq = 0

    def stamp(self, t_s: float, wall_s: float, *, synced: bool) -> Stamp:
        """The next stamp. ``t_s``: monotonic seconds; ``wall_s``: seconds since 1970 in UTC."""
        self._seq += 1
        moment = datetime.fromtimestamp(wall_s, tz=timezone.utc).isoformat(timespec="milliseconds")
        return Stamp(
            unit=self.unit,
            boot=self.boot,
            seq=self._seq,
            ts=moment.replace("+00:00", "Z"),
            clock="synced" if synced else "unsynced",
            up_s=round(t_s - self._start_s, 3),
        )
