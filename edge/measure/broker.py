"""A real mosquitto for a measurement: on a free loopback port, in a folder of its own, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from edge.embedded_broker import free_port
from edge.errors import BrokerError

_START_S = 5.0


class Mosquitto:
    """Runs inside a ``with``. Raises BrokerError when the program is not installed or does not come up."""

    def __init__(self) -> None:
        # Debian keeps it in /usr/sbin, which users seldom have in PATH.
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise BrokerError("needs the program mosquitto, which is not installed: `apt install mosquitto`")
        self._program = program
        self._folder = TemporaryDirectory(prefix="moodcast-bench-")
        self.port = free_port()

    def __enter__(self) -> Mosquitto:
        config = Path(self._folder.name) / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nlog_dest none\n{user}")
        command = [self._program, "-c", str(config)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 - found by name
        end_s = time.monotonic() + _START_S
        while time.monotonic() < end_s and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:  # noqa: PERF203 - not up yet
                time.sleep(0.02)
            else:
                return self
        self._end()
        raise BrokerError(f"{self._program} did not start; try `{self._program} -p {self.port} -v`")

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._folder.cleanup()
