"""What goes in and out of the link: settings, received messages, figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from edge.core.outbox import DropReason
from edge.core.reconnect import Protocol


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """Where and how to connect."""

    host: str
    client_id: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: str | None = None
    """PEM; None: the system's authorities."""
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    keepalive_s: int = 15
    outbox_max: int = 1000
    reconnect_max_s: float = 30.0
    in_flight_max: int = 20
    """Unacknowledged messages handed to the broker at a time."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message from the broker."""

    topic: str
    payload: bytes
    retained: bool
    """Stored by the broker before we came: not a command for now."""


@dataclass(frozen=True, slots=True)
class LinkStats:
    """How the connection is doing."""

    connected: bool
    protocol: Protocol | None
    """Of the present connection; None without one."""
    client_id: str
    depth: int
    """Messages not yet acknowledged by the broker."""
    dropped: int
    """Messages lost since the start: overflow, too old, refused by the broker."""
    drops: Mapping[DropReason, int]
    """All drops by reason; ``superseded`` (a newer message of the same key) is no loss."""
    connects: int
    """Successful connections since the start."""
    tries: int
    last_error: str | None
    """Why the last connection failed or ended, or what the broker denied; None while all is well."""
    login_refused: bool
    takeover: bool
    """Another client uses our id: we go on under another one, until the next start."""

    @property
    def reconnects(self) -> int:
        """Connections after the first."""
        return max(0, self.connects - 1)
