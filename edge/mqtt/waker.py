"""Wakes the link's thread while it waits for the network."""

from __future__ import annotations

import contextlib
import socket


class Waker:
    """A pair of sockets: ``wake`` makes the other end readable for ``select``. Before ``open`` it does nothing."""

    def __init__(self) -> None:
        self._near: socket.socket | None = None
        self._far: socket.socket | None = None

    def open(self) -> None:
        """To be called before the thread starts."""
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)

    def wake(self) -> None:
        """Never blocks; may be called from any thread, also after ``close``."""
        if self._near is not None:
            with contextlib.suppress(OSError):  # full: enough bytes are on their way; closed: nobody to wake
                self._near.send(b"\0")

    def fileno(self) -> int:
        """For ``select``."""
        assert self._far is not None
        return self._far.fileno()

    def drain(self) -> None:
        """Forgets the calls of ``wake`` so far."""
        assert self._far is not None
        with contextlib.suppress(BlockingIOError):
            self._far.recv(65536)

    def close(self) -> None:
        """May be called again."""
        for end in (self._near, self._far):
            if end is not None:
                end.close()
