"""Clock, disk, log, temperature, throttling."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Callable
from pathlib import Path

from edge.doctor.check import Check, green, red, skipped

_EARLIEST_YEAR = 2025
"""Moodcast did not exist before: a clock that says so was never set."""
_FREE_BYTES = 100_000_000
"""Room for logs and an update of the packages."""
_HOT_C = 80.0
"""A Raspberry Pi slows down from 80 degrees on (its documentation, "Frequency management and thermal control")."""


def clock_check(*, wall_s: float, synced: bool, may_be_offline: bool = False) -> Check:
    """``wall_s``: seconds since 1970, as the clock says. ``may_be_offline``: a vehicle seldom has a network."""
    now = datetime.datetime.fromtimestamp(wall_s, datetime.timezone.utc)
    said = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now.year < _EARLIEST_YEAR:
        remedy = (
            "connect the network once and switch time synchronisation on: timedatectl set-ntp true; without a network: "
            "a clock module (dtoverlay=i2c-rtc,ds3231), or timedatectl set-time 'YYYY-MM-DD hh:mm:ss'"
        )
        return red("clock", f"not set: {said}", remedy)
    if synced:
        return green("clock", f"{said}, synchronised")
    if may_be_offline:
        return green("clock", f"{said}, not synchronised: messages say clock `unsynced`")
    remedy = "timedatectl set-ntp true, then timedatectl timesync-status; without it `ts` of all messages is in doubt"
    return red("clock", f"not synchronised: {said}", remedy)


def disk_check(folder: Path, *, free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free) -> Check:
    try:
        free = free_bytes(folder)
    except OSError as error:
        remedy = f"make the folder readable to this user, or name another one in daemon.state_dir: {folder}"
        return red("disk", f"{folder}: {error.strerror}", remedy)
    if free < _FREE_BYTES:
        remedy = (
            "make room: sudo journalctl --vacuum-size=50M; sudo apt-get clean; du -xh / | sort -h | tail shows what is "
            "large"
        )
        return red("disk", f"{free / 1e6:.0f} MB free at {folder}", remedy)
    return green("disk", f"{free / 1e9:.1f} GB free at {folder}")


def log_check(*, journal: bool) -> Check:
    """``journal``: python3-systemd can be imported here."""
    if journal:
        return green("log", "of a service: the journal, with priorities; journalctl -u 'moodcast-*' -p warning")
    why = (
        "no python3-systemd, so a service's lines reach the journal without priorities (apt-get install "
        "python3-systemd, then tools/install again)"
    )
    return skipped("log", why)


def temperature_check(celsius: float | None) -> Check:
    if celsius is None:
        return skipped("temperature", "the kernel tells none here")
    if celsius >= _HOT_C:
        remedy = "give it air, a heat sink or a fan; lower camera.rate_hz or camera.width_px"
        return red("temperature", f"{celsius:.0f} degrees Celsius", remedy)
    return green("temperature", f"{celsius:.0f} degrees Celsius")


def throttling_check(throttled: bool | None) -> Check:
    if throttled is None:
        return skipped("throttling", "this board does not tell")
    if throttled:
        remedy = "use the board's own power supply and a short cable, and cool it; vcgencmd get_throttled shows bits"
        return red("throttling", "the processor is slowed down now: low voltage or heat", remedy)
    return green("throttling", "none now")
