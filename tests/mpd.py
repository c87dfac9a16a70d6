"""A real MPD with a null output and a folder of WAVs of its own, on a free loopback port; it can be restarted."""

from __future__ import annotations

import shutil
import signal
import struct
import subprocess
import time
import wave
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from tests.mosquitto import free_port

START_S = 5.0
RATE_HZ = 44100
"""MPD sends 4 KiB at a time to the output and tells the time in such steps: 46 ms."""


def write_wav(path: Path, seconds: float, *, title: str = "", artist: str = "") -> Path:
    """Silence, with title and artist in an INFO chunk, which MPD reads."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(bytes(2 * round(seconds * RATE_HZ)))
    if title:
        chunks = b"".join(_chunk(name, text.encode() + b"\0") for name, text in ((b"INAM", title), (b"IART", artist)))
        data = path.read_bytes() + _chunk(b"LIST", b"INFO" + chunks)
        path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    return path


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


class Mpd:
    """The daemon. Its state file is kept over restarts when ``remembers``, as Debian's package does."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, *, remembers: bool = False, password: str | None = None) -> None:
        """Skips the test where mpd is not installed."""
        program = shutil.which("mpd") or shutil.which("mpd", path="/usr/sbin:/usr/local/bin")
        if program is None:
            pytest.skip("needs the program mpd (apt install mpd), which is not here")
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.music = folder / "music"
        self.music.mkdir()
        self._log = folder / "mpd.log"
        lines = [
            f'music_directory "{self.music}"',
            f'db_file "{folder / "db"}"',
            f'bind_to_address "{self.host}"',
            f'port "{self.port}"',
            'zeroconf_enabled "no"',
            'auto_update "no"',
            "audio_output {",
            'type "null"',
            'name "null"',
            'mixer_type "software"',
            "}",
        ]
        if remembers:
            lines += [f'state_file "{folder / "state"}"', 'state_file_interval "1"']
        if password is not None:
            lines += [f'password "{password}@read,add,control,admin"', 'default_permissions ""']
        self._password = password
        self._config = folder / "mpd.conf"
        self._config.write_text("\n".join(lines) + "\n")

    def start(self) -> Mpd:
        """Starts it, waits until it answers and has read the folder."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "--no-daemon", "--stderr", str(self._config)], stdout=log, stderr=log
            )
        end_s = time.monotonic() + START_S
        while time.monotonic() < end_s and self._process.poll() is None:
            if self._answers():
                return self
            time.sleep(0.02)
        raise RuntimeError(f"mpd did not start:\n{self._log.read_text()}")

    def _answers(self) -> bool:
        try:
            client = self.client()
        except OSError:
            return False
        update(client)
        client.disconnect()
        return True

    def client(self) -> Any:
        """A person with a remote control."""
        library = pytest.importorskip("mpd", reason="needs python-mpd2, which is not here")
        client = library.MPDClient()
        client.timeout = 5.0
        client.connect(self.host, self.port)
        if self._password is not None:
            client.password(self._password)
        return client

    def stop(self) -> None:
        """Ends it as its service would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Lets it hang: connections stay open, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(5)
            self._process = None

    def __enter__(self) -> Mpd:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def update(client: Any) -> None:
    """Lets MPD read its folder again, and waits for it."""
    client.update()
    end_s = time.monotonic() + START_S
    while "updating_db" in client.status() and time.monotonic() < end_s:
        time.sleep(0.02)
