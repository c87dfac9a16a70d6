"""Writes a cursor theme whose only cursor is transparent: ``cursor.py FOLDER`` (for the kiosk; man Xcursor, FILES)."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

IMAGE = 0xFFFD0002


def transparent(size_px: int = 24) -> bytes:
    """An Xcursor file with one image of 1 x 1 transparent pixel."""
    head = struct.pack("<4sIII", b"Xcur", 16, 0x10000, 1) + struct.pack("<III", IMAGE, size_px, 28)
    return head + struct.pack("<IIIIIIIII", 36, IMAGE, size_px, 1, 1, 1, 0, 0, 0) + struct.pack("<I", 0)


if __name__ == "__main__":
    theme = Path(sys.argv[1]) / "moodcast-none"
    (theme / "cursors").mkdir(parents=True, exist_ok=True)
    (theme / "index.theme").write_text("[Icon Theme]\nName=moodcast-none\n")
    for name in ("default", "left_ptr", "pointer", "hand2", "text", "xterm"):
        (theme / "cursors" / name).write_bytes(transparent())
