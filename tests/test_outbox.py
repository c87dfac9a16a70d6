"""The outbox against a model of what it promises, and the policy of reconnecting."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge.core.outbox import LOSSES, Message, Outbox, Queued
from edge.core.reconnect import FIRST_S, SHORT_S, SHORT_TIMES, Cause, Reconnect


def message(text: str = "x") -> Message:
    return Message("t", text)


def texts(outbox: Outbox, t_s: float = 0.0) -> list[str]:
    """Takes all."""
    found = []
    while (queued := outbox.take(t_s)) is not None:
        found.append(queued.message.payload)
    return found


def filled(*names: str, limit: int = 100) -> Outbox:
    outbox = Outbox(limit=limit)
    for name in names:
        outbox.put(message(name), 0.0)
    return outbox


def test_first_in_first_out() -> None:
    assert texts(filled("a", "b", "c")) == ["a", "b", "c"]


def test_the_oldest_goes_when_full() -> None:
    outbox = filled("a", "b", "c", limit=2)
    assert texts(outbox) == ["b", "c"]
    assert outbox.dropped == outbox.drops["overflow"] == 1


def test_only_the_newest_of_a_key() -> None:
    outbox = Outbox(limit=10)
    outbox.put(message("old"), 0.0, key="emotion")
    outbox.put(message("event"), 0.0)
    outbox.put(message("new"), 0.0, key="emotion")
    outbox.put(message("other"), 0.0, key="health")
    assert texts(outbox) == ["event", "new", "other"]
    assert outbox.drops["superseded"] == 1
    assert outbox.dropped == 0


def test_too_old_is_not_sent() -> None:
    outbox = Outbox(limit=10)
    outbox.put(message("old"), 0.0, max_age_s=5.0)
    outbox.put(message("young"), 4.0, max_age_s=5.0)
    outbox.put(message("lasting"), 0.0)
    assert texts(outbox, 5.1) == ["young", "lasting"]
    assert outbox.drops["age"] == outbox.dropped == 1


def test_an_overflow_takes_the_expired_first() -> None:
    outbox = Outbox(limit=2)
    outbox.put(message("young"), 0.0, max_age_s=100.0)
    outbox.put(message("expired"), 0.0, max_age_s=1.0)
    outbox.put(message("new"), 2.0, max_age_s=100.0)
    assert texts(outbox, 2.0) == ["young", "new"]
    assert outbox.drops["overflow"] == 0


def test_expiry_counts_from_put() -> None:
    outbox = Outbox(limit=10)
    queued = outbox.put(message(), 100.0, expiry_s=15)
    assert queued.expiry_left_s(100.0) == 15
    assert queued.expiry_left_s(104.5) == 11
    assert queued.expiry_left_s(115.0) == 1
    assert outbox.take(115.1) is None
    assert outbox.put(message(), 0.0).expiry_left_s(9.0) is None


def test_the_stricter_of_age_and_expiry_counts() -> None:
    outbox = Outbox(limit=10)
    assert outbox.put(message(), 0.0, max_age_s=3.0, expiry_s=15).max_age_s == 3.0
    assert outbox.put(message(), 0.0, max_age_s=30.0, expiry_s=15).max_age_s == 15
    assert outbox.put(message(), 0.0).max_age_s == math.inf


def test_in_flight_goes_back_to_the_front() -> None:
    outbox = filled("a", "b", "c", "d")
    a = outbox.take(0.0)
    outbox.take(0.0)
    outbox.take(0.0)
    assert a is not None
    assert outbox.acknowledge(a.token) == a
    assert (outbox.in_flight, outbox.depth) == (2, 3)
    outbox.requeue()
    assert (outbox.in_flight, outbox.depth) == (0, 3)
    assert texts(outbox) == ["b", "c", "d"]


def test_what_came_back_gives_way_to_a_newer_one() -> None:
    outbox = Outbox(limit=10)
    outbox.put(message("1"), 0.0, key="k")
    outbox.take(0.0)
    outbox.put(message("2"), 0.0, key="k")
    outbox.take(0.0)
    outbox.requeue()
    assert texts(outbox) == ["2"]
    outbox.requeue()
    outbox.put(message("3"), 0.0, key="k")
    assert texts(outbox) == ["3"]
    assert outbox.drops["superseded"] == 2
    outbox.put(message("4"), 0.0, key="k")
    outbox.requeue()
    assert texts(outbox) == ["4"]


def test_refused_messages_are_counted() -> None:
    outbox = filled("a")
    queued = outbox.take(0.0)
    assert queued is not None
    outbox.acknowledge(queued.token, refused=True)
    assert outbox.drops["refused"] == outbox.dropped == 1
    assert outbox.acknowledge(queued.token) is None


def test_full_of_messages_in_flight() -> None:
    outbox = filled("a", "b", limit=2)
    outbox.take(0.0)
    outbox.take(0.0)
    outbox.put(message("c"), 0.0)
    assert outbox.depth == 2
    assert outbox.drops["overflow"] == 1
    outbox.requeue()
    assert texts(outbox) == ["b", "c"]


def test_waits() -> None:
    outbox = Outbox(limit=2)
    assert not outbox.waits("k")
    outbox.put(message(), 0.0, key="k")
    assert outbox.waits("k")
    outbox.take(0.0)
    assert not outbox.waits("k")


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Outbox(limit=0)


class OutboxModel(RuleBasedStateMachine):
    """Any order of putting, sending, acknowledging, losing the connection and waiting."""

    @initialize(limit=st.integers(1, 8))
    def begin(self, limit: int) -> None:
        self.limit = limit
        self.outbox = Outbox(limit=limit)
        self.t_s = 0.0
        self.put: list[Queued] = []
        self.acked: set[int] = set()
        self.flying: list[Queued] = []
        self.last_taken = -1

    @rule(key=st.none() | st.sampled_from(["a", "b"]), age_s=st.none() | st.floats(0, 5))
    def add(self, key: str | None, age_s: float | None) -> None:
        self.put.append(self.outbox.put(message(), self.t_s, key=key, max_age_s=age_s))

    @rule()
    def take(self) -> None:
        queued = self.outbox.take(self.t_s)
        if queued is None:
            return
        assert self.t_s - queued.put_s <= queued.max_age_s, "too old"
        assert queued.token > self.last_taken, "out of order"
        assert queued.token not in self.acked, "sent again after its acknowledgement"
        self.last_taken = queued.token
        self.flying.append(queued)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        queued = data.draw(st.sampled_from(self.flying))
        self.flying.remove(queued)
        if self.outbox.acknowledge(queued.token) is not None:
            self.acked.add(queued.token)

    @rule()
    def lose_connection(self) -> None:
        self.outbox.requeue()
        self.flying.clear()
        self.last_taken = -1

    @rule(step_s=st.floats(0, 3))
    def wait(self, step_s: float) -> None:
        self.t_s += step_s

    @invariant()
    def bounded(self) -> None:
        assert self.outbox.depth <= self.limit

    @invariant()
    def accounted(self) -> None:
        drops = sum(self.outbox.drops.values())
        assert len(self.put) == self.outbox.depth + len(self.acked) + drops
        assert self.outbox.dropped == sum(self.outbox.drops[reason] for reason in LOSSES)

    def teardown(self) -> None:
        """Nothing young is lost, and of each key the newest: unless the outbox overflowed."""
        if not hasattr(self, "outbox"):
            return
        self.outbox.requeue()
        overflowed = self.outbox.drops["overflow"] > 0
        left = []
        while (queued := self.outbox.take(self.t_s)) is not None:
            left.append(queued)
        tokens = [q.token for q in left]
        assert tokens == sorted(tokens)
        keys = [q.key for q in left if q.key is not None]
        assert len(keys) == len(set(keys)), "more than one of a key"
        newest = {q.key: q.token for q in self.put if q.key is not None}
        for queued in self.put:
            young = self.t_s - queued.put_s <= queued.max_age_s
            wanted = queued.key is None or newest[queued.key] == queued.token
            if young and wanted and not overflowed:
                assert queued.token in tokens or queued.token in self.acked, "lost"


OutboxModel.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestOutboxModel = OutboxModel.TestCase


# Reconnecting


def policy(protocol: str = "auto", *, draw: float = 0.999999, max_s: float = 30.0) -> Reconnect:
    assert protocol in ("auto", "5", "3.1.1")
    return Reconnect(protocol=protocol, max_s=max_s, draw=lambda: draw)  # type: ignore[arg-type]


def test_waits_double_up_to_the_longest() -> None:
    reconnect = policy()
    waits = [round(reconnect.after("unreachable", None)) for _ in range(8)]
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_full_jitter() -> None:
    assert policy(draw=0.0).after("unreachable", None) == 0.0
    assert policy(draw=0.25).after("unreachable", None) == 0.25 * FIRST_S


def test_many_failures_do_not_overflow() -> None:
    reconnect = policy()
    assert max(reconnect.after("unreachable", None) for _ in range(5000)) <= 30.0


def test_a_connection_that_lasted_starts_over() -> None:
    reconnect = policy()
    for _ in range(6):
        reconnect.after("unreachable", None)
    assert reconnect.after("closed", SHORT_S) <= FIRST_S


def test_a_short_connection_does_not_start_over() -> None:
    reconnect = policy()
    for _ in range(4):
        reconnect.after("unreachable", None)
    assert reconnect.after("closed", 0.1) > 8


def test_a_wrong_password_waits_long_at_once() -> None:
    assert policy(draw=0.0).after("refused_login", None) == 15.0


def test_falls_back_at_once_and_for_good() -> None:
    reconnect = policy()
    assert reconnect.after("refused_protocol", None) == 0.0
    assert reconnect.protocol == "3.1.1"
    assert reconnect.after("refused_protocol", None) > 0
    reconnect.after("closed", 60.0)
    assert reconnect.protocol == "3.1.1"


def test_a_silent_close_tries_both_in_turn() -> None:
    reconnect = policy()
    tried = []
    for _ in range(4):
        tried.append(reconnect.protocol)
        reconnect.after("closed", None)
    assert tried == ["5", "3.1.1", "5", "3.1.1"]


def test_back_to_5_after_a_broker_that_was_starting() -> None:
    reconnect = policy()
    reconnect.after("closed", None)
    spoken: list[str] = [reconnect.protocol]
    reconnect.after("closed", 60.0)
    spoken.append(reconnect.protocol)
    assert spoken == ["3.1.1", "5"]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("cause", ["unreachable", "closed", "refused_protocol", "refused", "taken_over"])
def test_a_fixed_protocol_stays(protocol: str, cause: Cause) -> None:
    reconnect = policy(protocol)
    for lived_s in (None, 0.1, None, 60.0):
        reconnect.after(cause, lived_s)
        assert reconnect.protocol == protocol


def test_told_of_a_takeover() -> None:
    reconnect = policy()
    assert FIRST_S <= reconnect.after("taken_over", 60.0) <= 3 * FIRST_S
    assert reconnect.takeovers == 1


def test_guesses_a_takeover_from_short_connections_in_a_row() -> None:
    reconnect = policy()
    for _ in range(SHORT_TIMES - 1):
        reconnect.after("closed", 0.5)
    assert reconnect.takeovers == 0
    reconnect.after("closed", 0.5)
    assert reconnect.takeovers == 1
    reconnect.after("closed", 0.5)
    assert reconnect.takeovers == 1


@pytest.mark.parametrize(("cause", "lived_s"), [("closed", 60.0), ("unreachable", None), ("closed", None)])
def test_a_broker_that_restarts_is_no_takeover(cause: Cause, lived_s: float | None) -> None:
    reconnect = policy()
    for _ in range(10):
        reconnect.after("closed", 0.5)
        reconnect.after("closed", 0.5)
        reconnect.after(cause, lived_s)
    assert reconnect.takeovers == 0
