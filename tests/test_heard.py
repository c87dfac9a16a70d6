"""What the companion hears: every topic of the contract as the unit really says it, and everything else counted."""

from __future__ import annotations

import json
import math
import string
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.core import wire
from edge.core.heard import (
    MAX_BYTES,
    REASONS,
    Ear,
    EarSettings,
    HeardAudience,
    HeardAvailability,
    HeardCamera,
    HeardEvent,
    HeardFeedback,
    HeardMood,
    HeardPrivacy,
    HeardState,
)
from edge.core.lateness import WINDOW_S, Lateness
from edge.core.topics import Topics
from edge.data import EMOTIONS, Audience

TOPICS = Topics("moodcast", "hall")
BOOT, NEXT_BOOT = "9f2c41d07ab3e655", "00c41d07ab3e6551"
PROBS = {**dict.fromkeys(EMOTIONS, 0.03), "happy": 0.82}
STAMP = {"schema": 1, "unit": "hall", "boot": BOOT, "ts": "2026-10-20T09:12:03.120Z", "clock": "synced"}


def said(seq: int = 1, up_s: float = 10.0, **fields: Any) -> bytes:
    """A mood as the unit says it, with changes."""
    mood = {
        "track_id": "9f2c41d0-17",
        "emotion": "happy",
        "in_view": 1,
        "confidence": 0.82,
        "abstain": False,
        "probs": PROBS,
        "valence": 0.7,
        "arousal": 0.4,
        "held_s": 2.3,
        "face_px": 112,
        "model": "3f9a02c1",
    }
    return json.dumps({**STAMP, "seq": seq, "up_s": up_s, **mood, **fields}).encode()


def without(name: str) -> bytes:
    told = json.loads(said())
    del told[name]
    return json.dumps(told).encode()


def an_ear(**options: Any) -> Ear:
    return Ear(TOPICS, EarSettings(stale_s=10.0), **options)


def reasons(ear: Ear) -> dict[str, int]:
    """Counts that are not 0."""
    return {reason: n for reason, n in ear.counts.items() if n}


def test_a_mood() -> None:
    heard = an_ear().hear(TOPICS.emotion, said(seq=7, up_s=884.2), False, 100.0)
    assert isinstance(heard, HeardMood)
    assert (heard.emotion, heard.confidence, heard.valence, heard.arousal) == ("happy", 0.82, 0.7, 0.4)
    assert (heard.track_id, heard.held_s, heard.abstain, heard.face_px) == ("9f2c41d0-17", 2.3, False, 112)
    assert (heard.origin.boot, heard.origin.seq, heard.origin.up_s, heard.origin.late_s) == (BOOT, 7, 884.2, 0.0)


def test_nobody_in_view() -> None:
    stamp = wire.Stamp("hall", BOOT, 3, STAMP["ts"], "synced", 5.0)
    heard = an_ear().hear(TOPICS.emotion, json.dumps(wire.emotion(stamp, [], model="3f9a02c1")).encode(), False, 0.0)
    assert isinstance(heard, HeardMood)
    assert (heard.emotion, heard.track_id, heard.confidence, heard.abstain) == ("none", "", 0.0, True)


def test_the_other_topics() -> None:
    ear, stamp = an_ear(), wire.Stamp("hall", BOOT, 3, STAMP["ts"], "synced", 5.0)
    audience = Audience(in_view=3, seen=4, window_s=60.0, valence=0.2, arousal=-0.1, t_s=0.0)
    event = ear.hear(TOPICS.event, said(event_type="start"), False, 0.0)
    assert isinstance(event, HeardEvent)
    assert (event.event_type, event.emotion) == ("start", "happy")
    everyone = ear.hear(TOPICS.audience, json.dumps(wire.audience(stamp, audience)).encode(), False, 0.0)
    assert isinstance(everyone, HeardAudience)
    assert (everyone.in_view, everyone.seen, everyone.window_s) == (3, 4, 60.0)
    state = ear.hear(TOPICS.state, json.dumps(wire.state(stamp, "degraded", "why")).encode(), True, 0.0)
    assert isinstance(state, HeardState)
    assert (state.state, state.reason, state.origin.retained) == ("degraded", "why", True)
    camera = ear.hear(TOPICS.camera, json.dumps(wire.camera(stamp, "online", "")).encode(), True, 0.0)
    assert isinstance(camera, HeardCamera)
    assert ear.hear(TOPICS.availability, b"online", True, 0.0) == HeardAvailability(True)
    assert ear.hear(TOPICS.availability, b"offline", False, 0.0) == HeardAvailability(False)
    assert ear.hear(TOPICS.privacy_state, b"paused", True, 0.0) == HeardPrivacy(True)
    assert reasons(ear) == {"heard": 7}


FEEDBACK = "moodcast/hall/feedback"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"kind": "like", "item_id": "music-x"}, HeardFeedback("like", "music-x", "", "mqtt")),
        ({"kind": "not_quite", "value": "calmer"}, HeardFeedback("not_quite", "", "calmer", "mqtt")),
        ({"kind": "pause"}, HeardFeedback("pause", "", "", "mqtt")),
        ({"kind": "skip", "item_id": "a", "value": None, "source": "x"}, HeardFeedback("skip", "a", "", "x")),
        ({"kind": "skip"}, None),
        ({"kind": "pause", "item_id": "music-x"}, None),
        ({"kind": "dance"}, None),
        ({"kind": "like", "item_id": "x" * 500}, None),
        ({"kind": "like", "item_id": "\ud800"}, None),
        ({"kind": "like", "item_id": "a", "schema": 2}, None),
        ([1], None),
        (None, None),
    ],
)
def test_feedback(told: object, expected: HeardFeedback | None) -> None:
    ear = an_ear(own_boot=NEXT_BOOT)
    assert ear.hear(FEEDBACK, json.dumps(told).encode(), False, 0.0) == expected
    assert ear.counts["heard"] == (expected is not None)


def test_our_own_feedback_does_not_come_back() -> None:
    ear = an_ear(own_boot=NEXT_BOOT)
    own = json.dumps({"schema": 1, "boot": NEXT_BOOT, "kind": "like", "item_id": "music-x"}).encode()
    assert ear.hear(FEEDBACK, own, False, 0.0) is None
    assert reasons(ear) == {"own": 1}


NAN = said().replace(b"0.7,", b"NaN,")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"none", "malformed"),
        (b"[" * 16_000, "malformed"),
        (b"1" * 16_000, "malformed"),
        (b" " * 1_000_000, "too_large"),
        (said(schema=2), "other_schema"),
        (said(schema=True), "other_schema"),
        (said(unit="lobby"), "other_unit"),
        (NAN, "malformed"),
        (said(confidence=math.nan), "malformed"),
        (said(valence=1e999), "malformed"),
        (said(confidence=1.2), "malformed"),
        (said(confidence="0.8"), "malformed"),
        (said(confidence=True), "malformed"),
        (said(confidence=None), "malformed"),
        (said(arousal=10**400), "malformed"),
        (said(abstain=0), "malformed"),
        (said(emotion="joy"), "malformed"),
        (said(emotion=["happy"]), "malformed"),
        (said(emotion={}), "malformed"),
        (said(probs={**PROBS, "sad": 0.9}), "malformed"),
        (said(probs=[0.1] * 7), "malformed"),
        (said(track_id="../../x-1"), "malformed"),
        (said(track_id="9f2c41d0-\u0663"), "malformed"),
        (said(seq=0), "malformed"),
        (said(seq=1.0), "malformed"),
        (said(up_s=-1.0), "malformed"),
        (said(boot="9f2c"), "malformed"),
        (said(boot="Z" * 16), "malformed"),
        (said(held_s=-0.1), "malformed"),
        *((without(name), "malformed") for name in ("emotion", "probs", "boot", "seq", "up_s", "unit", "schema")),
    ],
    ids=lambda value: repr(value)[:60] if isinstance(value, bytes) else value,
)
def test_rubbish_is_counted(payload: bytes, reason: str) -> None:
    ear = an_ear()
    assert ear.hear(TOPICS.emotion, payload, False, 0.0) is None
    assert reasons(ear) == {reason: 1}


def test_new_fields_are_no_mistake() -> None:
    assert an_ear().hear(TOPICS.emotion, said(gaze="left"), False, 0.0) is not None


@pytest.mark.parametrize("topic", [TOPICS.emotion, TOPICS.event, TOPICS.audience, FEEDBACK])
def test_a_moment_is_never_retained(topic: str) -> None:
    ear = an_ear()
    assert ear.hear(topic, said(event_type="start"), True, 0.0) is None
    assert reasons(ear) == {"retained": 1}


def test_other_topics_are_none_of_our_business() -> None:
    ear = an_ear()
    assert ear.hear("moodcast/lobby/emotion", said(), False, 0.0) is None
    assert reasons(ear) == {"unknown_topic": 1}


def test_a_repeat_and_an_older_message_are_dropped() -> None:
    ear = an_ear()
    assert [ear.hear(TOPICS.event, said(seq, event_type="update"), False, 0.0) is None for seq in (5, 5, 4, 6)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert ear.hear(TOPICS.emotion, said(seq=3), False, 0.0) is not None, "each topic counts for itself"
    assert reasons(ear) == {"heard": 3, "replayed": 2}


def test_a_boot_that_is_over_does_not_speak_again() -> None:
    ear = an_ear()
    assert ear.hear(TOPICS.emotion, said(seq=9), False, 0.0)
    assert ear.hear(TOPICS.emotion, said(seq=1, boot=NEXT_BOOT), False, 1.0)
    assert ear.hear(TOPICS.emotion, said(seq=10), False, 2.0) is None
    assert ear.counts["replayed"] == 1


def test_a_stored_state_of_an_older_boot_does_not_silence_the_unit() -> None:
    ear, stamp = an_ear(), wire.Stamp("hall", NEXT_BOOT, 900, STAMP["ts"], "synced", 5.0)
    assert ear.hear(TOPICS.camera, json.dumps(wire.camera(stamp, "online", "")).encode(), True, 0.0)
    assert ear.hear(TOPICS.emotion, said(seq=2), False, 0.0)
    assert ear.hear(TOPICS.emotion, said(seq=3), False, 0.0)


def test_what_waited_in_an_outbox_is_stale() -> None:
    ear = an_ear()
    for second in range(5):
        assert ear.hear(TOPICS.event, said(second + 1, up_s=float(second), event_type="update"), False, 100.0 + second)
    # 20 s without a broker, then everything at once.
    late = [ear.hear(TOPICS.event, said(s, up_s=float(s), event_type="update"), False, 124.9) for s in range(6, 25)]
    assert [heard is not None for heard in late] == [24.9 - s <= 10.0 for s in range(6, 25)]
    assert ear.hear(TOPICS.event, said(30, up_s=25.0, event_type="update"), False, 125.0)


def test_lateness_forgives_drift_and_a_suspend() -> None:
    lateness = Lateness()
    drifting = [lateness.of(BOOT, second * 1.0005, float(second)) for second in range(0, 5000, 5)]
    assert max(drifting) < 0.1
    assert lateness.of(BOOT, 5000.0 * 1.0005, 6000.0) > 900.0, "the unit's clock stood still"
    after = [lateness.of(BOOT, 5002.5 + s, 6000.0 + s) for s in range(5, int(2.5 * WINDOW_S), 5)]
    assert after[-1] < 0.1


def test_memory_is_bounded() -> None:
    ear = an_ear()
    for n in range(1000):
        ear.hear(TOPICS.emotion, said(boot=f"{n:016x}"), False, float(n))
        ear.hear(f"moodcast/hall/x{n}", b"{}", False, float(n))
    assert len(ear._over) <= 16
    assert set(ear.counts) == {*REASONS, "heard"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(EMOTIONS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
ALL = [TOPICS.emotion, TOPICS.event, TOPICS.audience, TOPICS.state, TOPICS.camera, TOPICS.availability, FEEDBACK, "x"]
FIELDS = [*json.loads(said()), "event_type", "in_view", "seen", "window_s", "state", "reason", "kind", "item_id"]


@given(st.sampled_from(ALL), st.binary(max_size=200), st.booleans())
@example(TOPICS.emotion, b"[" * (MAX_BYTES - 1), False)
@example(TOPICS.emotion, b'{"schema":' * 1500, False)
def test_any_bytes_never_raise(topic: str, payload: bytes, retained: bool) -> None:
    ear = an_ear()
    ear.hear(topic, payload, retained, 0.0)
    assert sum(ear.counts.values()) == 1


@given(st.sampled_from(ALL), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4), st.floats())
def test_any_field_never_raises(topic: str, changes: dict[str, Any], t_s: float) -> None:
    """A valid message with some fields replaced by anything: a record with finite numbers, or a count."""
    ear = an_ear(own_boot=NEXT_BOOT)
    told = {**json.loads(said()), "event_type": "start", "in_view": 1, "seen": 3, "window_s": 9.0, "state": "running"}
    told = {**told, "reason": "", "kind": "like", "item_id": "a", **changes}
    heard = ear.hear(topic, json.dumps(told).encode(), False, t_s)
    assert ear.counts["heard"] == (heard is not None)
    if isinstance(heard, (HeardMood, HeardEvent, HeardAudience)):
        assert -1.0 <= heard.valence <= 1.0
        assert -1.0 <= heard.arousal <= 1.0


def test_every_word_of_a_topic_is_a_reason() -> None:
    assert all(set(reason) <= set(string.ascii_lowercase + "_") for reason in REASONS)
