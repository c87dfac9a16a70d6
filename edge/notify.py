"""Telling systemd how the service is doing: the sd_notify protocol, a datagram to ``$NOTIFY_SOCKET``.

systemd-python would need a compiler and libsystemd's headers at installation; the protocol itself is one datagram
(sd_notify(3)). Without systemd every call does nothing.
"""

from __future__ import annotations

import os
import socket


class Notifier:
    """Sends READY, STATUS, WATCHDOG and STOPPING to the service manager, when there is one."""

    def __init__(self, address: str | None = None) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        # A leading @ stands for the abstract namespace, which the kernel writes as a zero byte.
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def ready(self) -> None:
        self._send("READY=1")

    def status(self, text: str) -> None:
        self._send(f"STATUS={text}")

    def watchdog(self) -> None:
        """To be called on real progress only."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.connect(self._address)
                sock.sendall(message.encode())
        except OSError:
            # The manager went away or its queue is full; the service does not depend on being heard, and the
            # watchdog's own time-out is the answer if it stays so.
            return
