"""A stand-in for the journal: a datagram socket where libsystemd looks for it, seen only by the program under test.

The program runs in a mount namespace of its own in which /run is empty but for that socket. python3-systemd is the
real one of the system, made importable as tools/install does it: by a link.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import pytest

SYSTEM = Path("/usr/lib/python3/dist-packages/systemd")
_RUN = "/run/systemd/journal"
_MOUNT = f'mount -t tmpfs none /run && mkdir -p {_RUN} && mount --bind "$0" {_RUN} && exec "$@"'


def missing() -> str:
    """Why there can be no journal here; nothing where there can."""
    suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    if not any(path.name.endswith(suffixes) for path in SYSTEM.glob("_journal.*")):
        return "needs python3-systemd for this Python (apt install python3-systemd), which is not here"
    if subprocess.run([*_namespace(), "true"], capture_output=True, check=False).returncode != 0:
        return "needs the right to make a mount namespace (unshare --mount), which this user has not"
    return ""


def needs_journal() -> None:
    if why := missing():
        pytest.skip(why)


def _namespace() -> list[str]:
    return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]


class FakeJournal:
    """Listens while open. ``command`` and ``environment`` are what a program needs to find it, as under systemd."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._modules = folder.with_name("modules")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._entries: list[dict[str, str]] = []

    def __enter__(self) -> FakeJournal:
        for folder in (self._folder, self._modules):
            folder.mkdir()
        (self._modules / "systemd").symlink_to(SYSTEM)
        self._socket.bind(str(self._folder / "socket"))
        self._socket.settimeout(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def command(self, command: Sequence[str]) -> list[str]:
        return [*_namespace(), "sh", "-c", _MOUNT, str(self._folder), *command]

    def environment(self, stderr: IO[bytes]) -> dict[str, str]:
        """With ``stderr`` as the stream that systemd would have connected to the journal."""
        found = os.fstat(stderr.fileno())
        path = os.pathsep.join([str(self._modules), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**os.environ, "JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}", "PYTHONPATH": path}

    def entries(self) -> list[dict[str, str]]:
        """All that came so far, as fields."""
        with contextlib.suppress(TimeoutError):
            while True:
                self._entries.append(dict(_fields(self._socket.recv(1 << 20))))
        return self._entries


def _fields(datagram: bytes) -> Iterator[tuple[str, str]]:
    """The journal's own format: KEY=value lines; a value with line breaks as KEY, its length in 8 bytes, the value."""
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + size], rest[9 + size :]
        yield name.decode(), value.decode()
        datagram = rest
