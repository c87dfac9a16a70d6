"""What the machine tells of itself: CPU time, memory, temperature, throttling, whether its clock is set."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

_TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")
# The Raspberry Pi's firmware, through the kernel; bit 2 is "currently throttled", bit 0 "under-voltage".
_PI_THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
_PI_THROTTLED_NOW = 0b101
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


def rss_mb() -> float:
    """Resident memory of this process, in megabytes (10^6 bytes)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def return_free_memory() -> None:
    """Gives back to the system what loading needed and freed; does nothing where the C library cannot (musl)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def temperature_c() -> float | None:
    """Temperature of the SoC in degrees Celsius, or None where the kernel does not tell."""
    try:
        return int(_TEMPERATURE.read_text()) / 1000.0
    except (OSError, ValueError):
        return None


def throttled() -> bool | None:
    """Whether the SoC is slowed down by heat or low voltage now, or None where nobody tells."""
    try:
        return bool(int(_PI_THROTTLED.read_text(), 16) & _PI_THROTTLED_NOW)
    except (OSError, ValueError):
        return None


def clock_synced() -> bool:
    """Whether the kernel holds its wall clock for synchronised (a Pi has no clock of its own)."""
    buffer = ctypes.create_string_buffer(512)  # struct timex has 208 bytes; modes = 0 only reads
    state = ctypes.CDLL(None).adjtimex(buffer)
    return bool(state not in (-1, _TIME_ERROR))


class CpuMeter:
    """CPU time of this process in per cent of one core, since the last asking."""

    def __init__(self) -> None:
        self._cpu_s, self._wall_s = time.process_time(), time.monotonic()

    def percent(self) -> float:
        cpu_s, wall_s = time.process_time(), time.monotonic()
        used = 100.0 * (cpu_s - self._cpu_s) / max(wall_s - self._wall_s, 1e-6)
        self._cpu_s, self._wall_s = cpu_s, wall_s
        return used
