"""What goes over the wire fits the schemas, whatever the records hold; and docs/mqtt.md shows what is true."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import schemas
from edge.core import wire
from edge.core.wire import Stamper, Topics
from edge.data import EMOTIONS, UNSURE, Audience, EmotionEvent, Face, Health, Latency, Mood, Person, Track

DOC = Path(__file__).resolve().parent.parent / "docs" / "mqtt.md"
BOOT = "9f2c41d07ab3e655"
WALL_S = 1_792_487_523.12  # 2026-10-20T09:12:03.120Z

times = st.floats(0, 1e7)
fractions = st.floats(0, 1)
signed = st.floats(-1, 1)
counts = st.integers(0, 10**9)
millis = st.builds(Latency, p50_ms=st.floats(0, 1e5), p95_ms=st.floats(0, 1e5))


@st.composite
def moods(draw: st.DrawFn) -> Mood:
    raw = np.array([draw(st.floats(1e-9, 1)) for _ in EMOTIONS])
    probs = raw / raw.sum()
    return Mood(
        track_id=draw(st.integers(1, 10**6)),
        probs=probs,
        confidence=float(probs.max()),
        abstain=draw(st.booleans()),
        usable=draw(st.booleans()),
        valence=draw(signed),
        arousal=draw(signed),
        t_s=draw(times),
    )


@st.composite
def events(draw: st.DrawFn) -> EmotionEvent:
    mood = draw(moods())
    emotion = draw(st.sampled_from(EMOTIONS))
    return EmotionEvent(
        event_type=draw(st.sampled_from(["start", "update", "end"])),
        track_id=mood.track_id,
        emotion=emotion,
        confidence=float(mood.probs[EMOTIONS.index(emotion)]),
        held_s=draw(times),
        mood=mood,
        face_px=draw(st.floats(1, 4000)),
        t_s=mood.t_s,
    )


@st.composite
def persons(draw: st.DrawFn) -> Person:
    mood = draw(moods())
    face = Face((draw(st.floats(-50, 4000)), 3.0, draw(st.floats(1, 4000)), draw(st.floats(1, 4000))), None, 0.9)
    track = Track(mood.track_id, face, 0.0, mood.t_s)
    return Person(track, mood, draw(st.sampled_from((*EMOTIONS, UNSURE))), draw(times))


audiences = st.builds(
    Audience,
    in_view=st.integers(0, 99),
    seen=st.integers(2, 99),
    window_s=st.floats(5, 3600),
    valence=signed,
    arousal=signed,
    t_s=times,
)
healths = st.builds(
    Health,
    frames_per_s=st.floats(0, 1000),
    looks_per_s=st.floats(0, 1000),
    looks_wanted_hz=st.floats(0, 1000),
    shed=st.sampled_from(["none", "slow", "late", "throttled"]),
    frame_age_ms=st.floats(0, 1e6),
    frames_dropped=counts,
    frames_passed=counts,
    stages=st.dictionaries(st.sampled_from(["find", "track", "classify", "publish"]), millis),
    cpu_percent=st.floats(0, 1600),
    rss_mb=st.floats(0, 1e6),
    temperature_c=st.none() | st.floats(-40, 150),
    throttled=st.none() | st.booleans(),
    outbox_depth=counts,
    outbox_dropped=counts,
    reconnects=counts,
    camera_reopens=counts,
    starts=st.integers(1, 10**6),
)


def stamp(t_s: float = 100.0, *, synced: bool = True) -> wire.Stamp:
    return Stamper("kiosk-7f3a", BOOT, 15.787).stamp(t_s, WALL_S, synced=synced)


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schemas.load(name))


def validate(name: str, payload: object) -> None:
    validator(name).validate(json.loads(json.dumps(payload, allow_nan=False)))


@given(events(), st.booleans())
def test_event_fits_its_schema(event: EmotionEvent, synced: bool) -> None:
    payload = wire.event(stamp(synced=synced), event, model="3f9a02c1")
    validate("event", payload)
    assert payload["track_id"] == f"9f2c41d0-{event.track_id}"
    probs = payload["probs"]
    assert isinstance(probs, dict)
    assert list(probs) == list(EMOTIONS)
    assert abs(sum(float(str(p)) for p in probs.values()) - 1) <= 0.001


@given(st.lists(persons(), max_size=3))
def test_emotion_fits_its_schema(people: list[Person]) -> None:
    payload = wire.emotion(stamp(), people, model="3f9a02c1")
    validate("emotion", payload)
    assert payload["emotion"] == (people[0].emotion if people else "none")
    assert payload["in_view"] == len(people)


@given(persons())
def test_confidence_is_that_of_the_emotion_told(person: Person) -> None:
    told = wire.emotion(stamp(), [person], model="3f9a02c1")["confidence"]
    i = None if person.emotion == UNSURE else EMOTIONS.index(person.emotion)
    assert told == pytest.approx(person.mood.probs.max() if i is None else person.mood.probs[i], abs=1e-4)


@given(audiences)
def test_audience_fits_its_schema(audience: Audience) -> None:
    validate("audience", wire.audience(stamp(), audience))


@given(healths)
def test_health_fits_its_schema(health: Health) -> None:
    validate("health", wire.health(stamp(), health))


@pytest.mark.parametrize("state", ["starting", "running", "degraded", "paused", "stopping"])
def test_state_fits_its_schema(state: wire.UnitState) -> None:
    validate("state", wire.state(stamp(), state, "x" * 5000))
    validate("state", wire.state(stamp(), state))


@pytest.mark.parametrize("state", ["online", "stalled", "recovering", "absent", "paused"])
def test_camera_fits_its_schema(state: wire.CameraState) -> None:
    validate("camera", wire.camera(stamp(), state, "no /dev/video0"))


def test_info_fits_its_schema() -> None:
    settings = {"mqtt": {"host": "127.0.0.1", "password_file": None, "tls": False}, "mood": {"tau_s": 0.35}}
    payload = wire.info(
        stamp(), versions={"moodcast": "0.1.0"}, model="3f9a02c1", model_sha256="3f" * 32, settings=settings
    )
    validate("info", payload)
    assert payload["settings"] == settings


def test_responses_fit_their_schema() -> None:
    validate("response", wire.response("ok", {"state": "running"}, transaction="a1"))
    validate("response", wire.response("error", error="unknown verb", transaction=7))


@pytest.mark.parametrize("paused", [True, False])
def test_privacy_is_plain_text_and_reads_back(paused: bool) -> None:
    text = wire.privacy_state(paused=paused)
    validate("privacy_state", text)
    validate("privacy_set", text)
    assert wire.parse_privacy_set(text.encode() + b"\n") is paused


@pytest.mark.parametrize("payload", [b"", b"off", b"PAUSED", b'{"state":"on"}', b"\xff\xfe"])
def test_privacy_set_ignores_anything_else(payload: bytes) -> None:
    assert wire.parse_privacy_set(payload) is None


def test_availability_fits_its_schema() -> None:
    validate("availability", wire.ONLINE)
    validate("availability", wire.OFFLINE)


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(7),
        np.float32(0.5),
        np.zeros((2, 2), np.uint8),
        [1, 2],
        (1, 2),
        b"jpeg",
        bytearray(b"x"),
        {1, 2},
        object(),
        float("nan"),
        float("inf"),
        "x" * (wire.MAX_TEXT + 1),
        {"deep": {"deeper": [1]}},
        {7: "not text"},
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_scalars_pass(value: object) -> None:
    with pytest.raises(ValueError, match=r"wire|JSON"):
        wire.checked({"x": value})


def test_scalars_and_dictionaries_pass() -> None:
    given = {"a": 1, "b": 0.5, "c": "text", "d": None, "e": True, "f": {"g": {"h": 2}}, "i": np.float64(0.25)}
    assert json.loads(json.dumps(wire.checked(given))) == given


def test_stamps_count_and_tell_the_time() -> None:
    stamper = Stamper("kiosk-7f3a", BOOT, 100.0)
    first = stamper.stamp(984.213, WALL_S, synced=True)
    second = stamper.stamp(984.5, WALL_S + 1, synced=False)
    assert (first.seq, second.seq) == (1, 2)
    assert first.ts == "2026-10-20T09:12:03.120Z"
    assert first.up_s == 884.213
    assert (first.clock, second.clock) == ("synced", "unsynced")


@pytest.mark.parametrize("boot", ["", "9f2c41d0", "9f2c41d07ab3e65Z", "9F2C41D07AB3E655"])
def test_a_short_boot_id_is_refused(boot: str) -> None:
    with pytest.raises(ValueError, match="16 hexadecimal digits"):
        Stamper("kiosk-7f3a", boot, 0.0)


def test_topics() -> None:
    topics = Topics("moodcast", "kiosk-7f3a")
    names = [value for key, value in vars(topics).items() if key not in ("unit", "root")]
    assert all(name.startswith("moodcast/kiosk-7f3a/") for name in names)
    assert len(set(names)) == len(names)
    assert topics.response("status") == "moodcast/kiosk-7f3a/response/status"
    assert topics.verb(topics.request("status")) == "status"
    assert topics.verb(topics.privacy_set) is None


def test_every_schema_is_valid_closed_and_described() -> None:
    for name in schemas.names():
        schema = schemas.load(name)
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["description"]
        if "schema" in schema.get("properties", {}):
            assert schema["additionalProperties"] is False
            assert all(part.get("description") for part in schema["properties"].values()), name
            with pytest.raises(jsonschema.ValidationError):
                validate(name, {"unknown": 1})


def documented() -> list[tuple[str, Any]]:
    """Examples of docs/mqtt.md: each follows a heading with the topic; the table names the schema."""
    text = DOC.read_text(encoding="utf-8")
    found = re.findall(r"<!-- schema: (\w+) -->\n```(json|text)\n(.*?)\n```", text, re.S)
    return [(name, json.loads(body) if kind == "json" else body) for name, kind, body in found]


@pytest.mark.parametrize(("name", "example"), documented() if DOC.exists() else [])
def test_documented_examples_fit_their_schemas(name: str, example: Any) -> None:
    validate(name, example)


def test_every_payload_is_documented() -> None:
    assert {name for name, _ in documented()} == set(schemas.names())


def test_every_topic_is_documented() -> None:
    text = DOC.read_text(encoding="utf-8")
    topics = Topics("B", "U")
    for key, value in vars(topics).items():
        if key not in ("unit", "root", "requests"):
            assert f"`{value.removeprefix('B/U/')}`" in text, value
    assert "`request/<verb>`" in text
    assert "`response/<verb>`" in text
