"""Redraws a block of lines in a terminal in place, without flicker and without scrolling."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"
_OTHER_SCREEN, _THIS_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


class Terminal:
    """The whole terminal, given back at the end of the ``with``. Nothing is written when it is none."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stdout if out is None else out
        self.real = self._out.isatty()

    def __enter__(self) -> Terminal:
        self._write(_OTHER_SCREEN)
        return self

    def __exit__(self, *_: object) -> None:
        self._write(_THIS_SCREEN)

    def draw(self, lines: Sequence[str]) -> None:
        """Shows ``lines``, cut to the terminal's size."""
        columns, rows = shutil.get_terminal_size()
        cut = [line[:columns] + _CLEAR_LINE for line in lines[: rows - 1]]
        self._write(_HOME + "\r\n".join(cut) + _CLEAR_BELOW)

    def _write(self, text: str) -> None:
        if self.real:
            self._out.write(text)
            self._out.flush()
