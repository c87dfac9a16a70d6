"""Between the outbox and one connection: hands messages over as fast as they are acknowledged."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from edge.core.outbox import Message, Outbox
from edge.mqtt.connection import Connection, EndedError
from edge.mqtt.records import Received
from edge.mqtt.waker import Waker

ACK_TIMEOUT_S = 20.0
"""A broker that answers pings but acknowledges nothing for so long is left: it would block all messages for good."""


@dataclass(slots=True)
class Turn:
    """What one turn brought."""

    received: list[Received]
    acked: list[tuple[Message, float]] = field(default_factory=list)
    """With the seconds since the message was put into the outbox."""
    denied: list[str] = field(default_factory=list)
    """What the broker's access rules forbid, in words."""


class Traffic:
    """The messages of one connection. ``outbox`` is shared with the publishing threads, under ``lock``."""

    def __init__(self, connection: Connection, outbox: Outbox, lock: threading.Lock, *, limit: int) -> None:
        """``limit``: unacknowledged messages at a time."""
        self.first: deque[Message] = deque()
        """Go before the outbox, and are forgotten when the connection ends."""
        self._connection = connection
        self._outbox = outbox
        self._lock = lock
        self._limit = min(limit, connection.receive_max)
        self._tokens: dict[int, int] = {}
        self._progress_s = time.monotonic()

    @property
    def idle(self) -> bool:
        """Everything is acknowledged."""
        with self._lock:
            return not (self.first or self._outbox.depth or self._connection.unacked)

    def turn(self, waker: Waker, timeout_s: float) -> Turn:
        """Hands over what may go, waits for the network or for ``waker``, and tells what came. Raises EndedError."""
        connection = self._connection
        waited = bool(connection.unacked)
        self._hand_over()
        connection.step(waker, timeout_s)
        turn = Turn(received=connection.received, denied=connection.denied)
        now_s = time.monotonic()
        if connection.acked or not waited:
            self._progress_s = now_s
        elif now_s - self._progress_s > ACK_TIMEOUT_S:
            raise EndedError("unreachable", f"the broker acknowledged nothing for {ACK_TIMEOUT_S:.0f} s")
        for mid, refusal in connection.acked:
            token = self._tokens.pop(mid, None)
            if token is None:
                continue
            with self._lock:
                done = self._outbox.acknowledge(token, refused=refusal is not None)
            if done is None:
                continue
            if refusal is None:
                turn.acked.append((done.message, now_s - done.put_s))
            else:
                turn.denied.append(f"publishing to {done.message.topic} was refused: {refusal}")
        connection.forget_notes()
        return turn

    def _hand_over(self) -> None:
        while len(self._connection.unacked) < self._limit:
            if self.first:
                self._connection.publish(self.first.popleft())
                continue
            now_s = time.monotonic()
            with self._lock:
                queued = self._outbox.take(now_s)
            if queued is None:
                return
            self._tokens[self._connection.publish(queued.message, queued.expiry_left_s(now_s))] = queued.token
