"""Stands in for systemd where it does not run: ``wait_ready.py SECONDS COMMAND...``.

Starts the command with a NOTIFY_SOCKET, waits for READY=1 at most so long, and ends the command. Exit 0: READY came.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main(limit_s: float, command: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        Path(folder).chmod(0o755)
        address = Path(folder) / "notify"
        manager.bind(str(address))
        address.chmod(0o777)
        process = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": str(address)})
        try:
            return _wait(manager, process, time.monotonic() + limit_s)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(manager: socket.socket, process: subprocess.Popen[bytes], end_s: float) -> int:
    while time.monotonic() < end_s:
        if select.select([manager], [], [], 0.2)[0]:
            if b"READY=1" in manager.recv(4096):
                return 0
        elif process.poll() is not None:
            print(f"ended with status {process.returncode} before READY", file=sys.stderr)
            return 1
    print("READY did not come in time", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
