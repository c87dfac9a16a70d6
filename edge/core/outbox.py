"""Messages on their way to the broker: bounded, in order, and honest about what was dropped. Time is an argument."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

DropReason = Literal["overflow", "age", "superseded", "refused"]
LOSSES: tuple[DropReason, ...] = ("overflow", "age", "refused")
"""Drops that lose something. A superseded message was replaced by a newer one of the same key, as wanted."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be published."""

    topic: str
    payload: str
    qos: int = 1
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Queued:
    """A message in the outbox."""

    token: int
    """Names it towards the outbox; counts up in the order of ``put``."""
    message: Message
    key: str | None
    """Of messages with the same key only the newest is kept; None: every one counts."""
    put_s: float
    max_age_s: float
    """Older than this it is not sent any more; may be infinite."""
    expiry_s: float | None
    """The broker should forget it this long after ``put``; None: never."""

    def expiry_left_s(self, t_s: float) -> int | None:
        """What is left of the message expiry in whole seconds (MQTT 5 counts so), at least 1."""
        return None if self.expiry_s is None else max(1, math.ceil(self.expiry_s - (t_s - self.put_s)))


class Outbox:
    """Waiting messages and those in flight (handed over, not acknowledged). Not thread-safe.

    Holds at most ``limit`` messages in all; the oldest goes first when one more comes. After a disconnect those in
    flight go back to the front in their order: each message is delivered at least once, or its drop is counted.
    """

    def __init__(self, *, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        self._limit = limit
        self._waiting: OrderedDict[int, Queued] = OrderedDict()  # in the order of sending
        self._in_flight: OrderedDict[int, Queued] = OrderedDict()  # in the order of handing over
        self._expiring_s = math.inf  # nothing that waits becomes too old before this
        self._by_key: dict[str, int] = {}  # newest waiting message of each key
        self._next_token = 0
        self.drops: dict[DropReason, int] = {"overflow": 0, "age": 0, "superseded": 0, "refused": 0}

    @property
    def depth(self) -> int:
        """Messages not yet acknowledged."""
        return len(self._waiting) + len(self._in_flight)

    @property
    def in_flight(self) -> int:
        """Messages handed over and not yet acknowledged."""
        return len(self._in_flight)

    @property
    def dropped(self) -> int:
        """Messages lost so far."""
        return sum(self.drops[reason] for reason in LOSSES)

    def put(
        self,
        message: Message,
        t_s: float,
        *,
        key: str | None = None,
        max_age_s: float | None = None,
        expiry_s: float | None = None,
    ) -> Queued:
        """Adds a message at the end. An older waiting one of the same ``key`` is replaced by it."""
        if key is not None and key in self._by_key:
            self._drop(self._by_key[key], "superseded")
        if self.depth >= self._limit:
            self._expire(t_s)
        while self.depth >= self._limit:
            self._drop_oldest()
        ages = [limit for limit in (max_age_s, expiry_s) if limit is not None]
        queued = Queued(self._next_token, message, key, t_s, min(ages, default=math.inf), expiry_s)
        self._next_token += 1
        self._waiting[queued.token] = queued
        self._expiring_s = min(self._expiring_s, t_s + queued.max_age_s)
        if key is not None:
            self._by_key[key] = queued.token
        return queued

    def take(self, t_s: float) -> Queued | None:
        """The next message to send, now in flight; None when nothing waits. Drops those that became too old."""
        while self._waiting:
            queued = self._remove(next(iter(self._waiting)))
            if t_s - queued.put_s <= queued.max_age_s:
                self._in_flight[queued.token] = queued
                return queued
            self.drops["age"] += 1
        return None

    def acknowledge(self, token: int, *, refused: bool = False) -> Queued | None:
        """The broker has it. ``refused``: it said no (MQTT 5), which counts as a drop. None: not in flight."""
        queued = self._in_flight.pop(token, None)
        if queued is not None and refused:
            self.drops["refused"] += 1
        return queued

    def waits(self, key: str) -> bool:
        """Whether a message of this key waits to be sent."""
        return key in self._by_key

    def requeue(self) -> None:
        """After a disconnect: what is in flight may be lost and goes back to the front, in order.

        A message whose key has a newer one waiting is dropped instead.
        """
        back: dict[int, Queued] = {}
        for token, queued in self._in_flight.items():
            if queued.key is not None and queued.key in self._by_key:
                self.drops["superseded"] += 1
                continue
            back[token] = queued
        self._in_flight.clear()
        newest = {queued.key: token for token, queued in back.items() if queued.key is not None}
        for token in [t for t, queued in back.items() if queued.key is not None and newest[queued.key] != t]:
            del back[token]
            self.drops["superseded"] += 1
        self._by_key.update(newest)
        for token, queued in reversed(back.items()):
            self._waiting[token] = queued
            self._waiting.move_to_end(token, last=False)
            self._expiring_s = min(self._expiring_s, queued.put_s + queued.max_age_s)

    def _expire(self, t_s: float) -> None:
        if t_s <= self._expiring_s:
            return
        for token in [q.token for q in self._waiting.values() if t_s - q.put_s > q.max_age_s]:
            self._drop(token, "age")
        self._expiring_s = min((q.put_s + q.max_age_s for q in self._waiting.values()), default=math.inf)

    def _drop_oldest(self) -> None:
        if self._waiting:
            self._drop(next(iter(self._waiting)), "overflow")
        else:
            # All is in flight: the oldest may well arrive, but it will not be sent again.
            self._in_flight.popitem(last=False)
            self.drops["overflow"] += 1

    def _drop(self, token: int, reason: DropReason) -> None:
        self._remove(token)
        self.drops[reason] += 1

    def _remove(self, token: int) -> Queued:
        queued = self._waiting.pop(token)
        if queued.key is not None and self._by_key.get(queued.key) == token:
            del self._by_key[queued.key]
        return queued
