"""A progress line on stderr, shown only where it is a terminal."""

from __future__ import annotations

import shutil
from types import TracebackType
from typing import TextIO

_BAR = 24
_CLEAR = "\r\x1b[K"


class Progress:
    """One line that is drawn over itself. Does nothing where ``stream`` is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = False
        self._terminal = stream.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.clear()

    def show(self, text: str, *, done: int | None = None, total: int | None = None) -> None:
        """Draws ``text``, after a bar where ``done`` of ``total`` are known."""
        if not self._terminal:
            return
        line = text if done is None or not total else f"[{bar(done, total)}] {done}/{total} {text}"
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(_CLEAR + line[:width])
        self._stream.flush()
        self._shown = True

    def clear(self) -> None:
        """Takes the line away, so that other output can be printed in its place."""
        if self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._shown = False


def bar(done: int, total: int) -> str:
    """``_BAR`` characters, ``#`` for the part that is done."""
    filled = min(_BAR, _BAR * done // total)
    return "#" * filled + "." * (_BAR - filled)
