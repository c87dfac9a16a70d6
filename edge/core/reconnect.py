"""What to do after a connection to the broker failed or ended: how long to wait, which protocol, under which name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Protocol = Literal["5", "3.1.1"]
Cause = Literal[
    "unreachable",  # no connection, no answer, or it broke on our side
    "closed",  # the broker closed the connection and gave no reason
    "refused_protocol",  # the broker does not speak this version
    "refused_login",  # wrong user name or password, or not allowed to connect
    "refused",  # any other refusal
    "taken_over",  # another client connected with the same id
]

FIRST_S = 1.0
SHORT_S = 5.0
"""A connection that the broker closes sooner than this did not work: the waits go on growing."""
SHORT_TIMES = 3
"""So many short connections in a row mean two clients that throw each other out. MQTT 3.1.1 gives no reason for it,
and Mosquitto 2.0.11 gives none with MQTT 5 either (seen on the wire)."""


class Reconnect:
    """Decides after each connection. Waits are exponential with full jitter (M. Brooker, "Exponential Backoff And
    Jitter", AWS Architecture Blog 2015), so that a hundred units do not come back in the same instant."""

    def __init__(self, *, protocol: Literal["auto", "5", "3.1.1"], max_s: float, draw: Callable[[], float]) -> None:
        """``max_s``: longest wait in seconds; ``draw``: uniform random numbers in [0, 1)."""
        self._auto = protocol == "auto"
        self.protocol: Protocol = "3.1.1" if protocol == "3.1.1" else "5"
        """For the next try."""
        self.takeovers = 0
        """How often another client took our id; above 0 the next try needs a name of its own."""
        self._max_s = max_s
        self._draw = draw
        self._failures = 0
        self._short = 0
        self._only_311 = False

    def after(self, cause: Cause, lived_s: float | None) -> float:
        """Seconds to wait before the next try. ``lived_s``: how long it was connected; None: never."""
        if lived_s is not None and lived_s >= SHORT_S:
            self._failures = 0
        self._short = self._short + 1 if cause == "closed" and lived_s is not None and lived_s < SHORT_S else 0
        if cause == "taken_over" or self._short >= SHORT_TIMES:
            self.takeovers += 1
            self._short = 0
            return min(self._max_s, FIRST_S * (1.0 + 2.0 * self._draw()))
        if self._auto and self._change_protocol(cause, connected=lived_s is not None):
            return 0.0
        if cause == "refused_login":
            # A wrong password does not mend itself, and brokers ban addresses that keep trying.
            return self._max_s * (0.5 + 0.5 * self._draw())
        cap = min(self._max_s, FIRST_S * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return cap * self._draw()

    def _change_protocol(self, cause: Cause, *, connected: bool) -> bool:
        """Sets the version of the next try. True: the broker said that it speaks the other one, so try at once."""
        if cause == "refused_protocol" and self.protocol == "5":
            self._only_311 = True
            self.protocol = "3.1.1"
            return True
        if self._only_311 or (connected and self._short):
            return False
        # Old brokers just close the connection at a CONNECT they do not understand; so does one that is starting.
        silent = cause == "closed" and not connected
        self.protocol = "3.1.1" if silent and self.protocol == "5" else "5"
        return False
