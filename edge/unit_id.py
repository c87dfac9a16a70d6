"""Who this device is: an id that differs between devices and does not give their serial number away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

SERIAL = Path("/proc/device-tree/serial-number")
"""Of the board (Raspberry Pi, Jetson); ends in a zero byte."""
MACHINE_ID = Path("/etc/machine-id")
"""Made when the system was installed. Cards copied afterwards share it, so it comes second."""
SALT = b"moodcast unit id 1"
"""Not secret. It makes the hash ours: man machine-id asks not to use the machine id itself outside the machine."""
ROUNDS = 200_000
"""Of PBKDF2, 0.1-0.3 s on a Pi: a Pi's serial number has 32 free bits, which one plain hash would give away in minutes.
The id keeps only 32 bits of the hash, so that many serial numbers fit each id."""
PREFIX = "moodcast"


def read_source(path: Path) -> str | None:
    """The file's text without blanks and zero bytes; None when it is missing, empty or all zeros."""
    try:
        text = path.read_text(errors="replace").strip("\0 \t\r\n")
    except OSError:
        return None
    return text if text.strip("0") else None


def derive_unit_id(*, fallback: str, read: Callable[[Path], str | None] = read_source) -> str:
    """Such as ``moodcast-7f3a9c21``: from the board's serial number, else the machine id, else ``fallback``.

    ``fallback``: random text that the caller keeps over restarts. ``read`` gives a file's text, or None.
    """
    for path in (SERIAL, MACHINE_ID):
        text = read(path)
        if text:
            return _hashed(path.name, text)
    return _hashed("random", fallback)


def client_id(role: str, unit: str) -> str:
    """MQTT client id of one of the unit's daemons: ``moodcast-sense-<unit>``, its own prefix not repeated."""
    return f"{PREFIX}-{role}-{unit.removeprefix(f'{PREFIX}-')}"


def _hashed(kind: str, text: str) -> str:
    # The kind is hashed too: a serial number never gives the id that the same text as machine id would.
    digest = hashlib.pbkdf2_hmac("sha256", f"{kind}:{text}".encode(), SALT, ROUNDS)
    return f"{PREFIX}-{digest[:4].hex()}"
