"""The words Moodcast speaks over MQTT: records in, plain dictionaries out. Nothing is computed here.

The contract is ``docs/mqtt.md``; ``edge/schemas`` holds a JSON Schema for each payload. Only text, numbers, booleans,
null and dictionaries of those pass: no array, no bytes, so no picture and no embedding can leave by accident.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, Union

from edge.core.stamp import Stamp, Stamper
from edge.core.topics import OFFLINE, ONLINE, PRIVACY_ON, PRIVACY_PAUSED, Topics, parse_privacy_set
from edge.data import EMOTIONS, NOBODY, UNSURE, Audience, EmotionEvent, Health, Mood, Person

__all__ = [
    "OFFLINE", "ONLINE", "PRIVACY_ON", "PRIVACY_PAUSED", "CameraState", "Payload", "Scalar", "Stamp", "Stamper",
    "Topics", "UnitState", "audience", "camera", "checked", "emotion", "event", "health", "info", "parse_privacy_set",
    "privacy_state", "response", "stamped", "state", "wire_track_id",
]  # fmt: skip

Scalar = str | int | float | bool | None
Payload = dict[str, Union[Scalar, "Payload"]]

SCHEMA_VERSION = 1
MAX_TEXT = 2000
"""Characters in one text field. The longest real one, a GStreamer pipeline, has some hundred; no picture fits."""
UnitState = Literal["starting", "running", "degraded", "paused", "stopping"]
CameraState = Literal["online", "stalled", "recovering", "absent", "paused"]
Status = Literal["ok", "error"]


def event(stamp: Stamp, event: EmotionEvent, *, model: str) -> Payload:
    """``event``: a person's emotion starts, goes on or ends. ``model``: first digits of the network's sha256."""
    return checked(
        {
            **stamped(stamp),
            "track_id": wire_track_id(stamp.boot, event.track_id),
            "event_type": event.event_type,
            "emotion": event.emotion,
            "confidence": _fraction(event.confidence),
            **_mood(event.mood),
            "held_s": _seconds(event.held_s),
            "face_px": round(float(event.face_px)),
            "model": model,
        }
    )


def emotion(stamp: Stamp, people: Sequence[Person], *, model: str) -> Payload:
    """``emotion``: the mood of the main person, who comes first in ``people``; the others are only counted.

    Nobody in view: it is ``none`` and the fields about the person are null.
    """
    if not people:
        absent = ("track_id", "confidence", "abstain", "probs", "valence", "arousal", "attention", "held_s", "face_px")
        nobody = {"emotion": NOBODY, "in_view": 0, **dict.fromkeys(absent)}
        return checked({**stamped(stamp), **nobody, "model": model})
    person = people[0]
    mood = person.mood
    known = mood.confidence if person.emotion == UNSURE else float(mood.probs[EMOTIONS.index(person.emotion)])
    return checked(
        {
            **stamped(stamp),
            "track_id": wire_track_id(stamp.boot, person.track.id),
            "emotion": person.emotion,
            "in_view": len(people),
            "confidence": _fraction(known),
            **_mood(mood),
            "held_s": _seconds(person.held_s),
            "face_px": round(float(person.face_px)),
            "model": model,
        }
    )


def audience(stamp: Stamp, audience: Audience) -> Payload:
    """``audience``: everyone in view, as numbers that point at nobody."""
    return checked(
        {
            **stamped(stamp),
            "in_view": audience.in_view,
            "seen": audience.seen,
            "window_s": _seconds(audience.window_s),
            "valence": _fraction(audience.valence),
            "arousal": _fraction(audience.arousal),
            "attention": None if audience.attention is None else _fraction(audience.attention),
        }
    )


def health(stamp: Stamp, health: Health) -> Payload:
    """``health``: how the unit is doing. Null: this machine does not tell."""
    stages: Payload = {
        name: {"p50_ms": _number(of.p50_ms, 3), "p95_ms": _number(of.p95_ms, 3)} for name, of in health.stages.items()
    }
    return checked(
        {
            **stamped(stamp),
            "frames_per_s": _number(health.frames_per_s, 2),
            "looks_per_s": _number(health.looks_per_s, 2),
            "looks_wanted_hz": _number(health.looks_wanted_hz, 2),
            "shed": health.shed,
            "frame_age_ms": _number(health.frame_age_ms, 1),
            "frames_dropped": health.frames_dropped,
            "frames_passed": health.frames_passed,
            "stages": stages,
            "cpu_percent": _number(health.cpu_percent, 1),
            "rss_mb": _number(health.rss_mb, 1),
            "temperature_c": None if health.temperature_c is None else _number(health.temperature_c, 1),
            "throttled": health.throttled,
            "outbox_depth": health.outbox_depth,
            "outbox_dropped": health.outbox_dropped,
            "reconnects": health.reconnects,
            "camera_reopens": health.camera_reopens,
            "starts": health.starts,
        }
    )


def state(stamp: Stamp, state: UnitState, reason: str = "") -> Payload:
    """``state``: what the service as a whole does, with a reason in words (empty when there is nothing to say)."""
    return checked({**stamped(stamp), "state": state, "reason": reason[:MAX_TEXT]})


def camera(stamp: Stamp, state: CameraState, reason: str = "") -> Payload:
    """``camera``: what the camera does, with a reason in words."""
    return checked({**stamped(stamp), "state": state, "reason": reason[:MAX_TEXT]})


def info(
    stamp: Stamp, *, versions: Mapping[str, str], model: str, model_sha256: str, settings: Mapping[str, object]
) -> Payload:
    """``info``: what runs here. ``settings``: the effective configuration with its secrets already masked."""
    return checked(
        {
            **stamped(stamp),
            "versions": dict(versions),
            "model": model,
            "model_sha256": model_sha256,
            "settings": dict(settings),
        }
    )


def privacy_state(*, paused: bool) -> str:
    """``privacy/state`` is plain text: ``paused`` or ``on``."""
    return PRIVACY_PAUSED if paused else PRIVACY_ON


def response(
    status: Status, data: Mapping[str, object] | None = None, error: str | None = None, transaction: Scalar = None
) -> Payload:
    """``response/<verb>``: the answer to a request, with the request's own ``transaction``."""
    given = None if data is None else dict(data)
    return checked({"status": status, "data": given, "error": error, "transaction": transaction})


def wire_track_id(boot: str, track_id: int) -> str:
    """A track's name outside the process: ids count from 1 in each boot, so the boot is part of it."""
    return f"{boot[:8]}-{track_id}"


def checked(payload: Mapping[str, object]) -> Payload:
    """The same dictionary, known to hold nothing but JSON scalars and dictionaries of them.

    Raises ValueError for arrays, lists, bytes, other objects, numbers that JSON lacks, and overlong text.
    """
    return {_key(key): _value(key, value) for key, value in payload.items()}


def _key(key: object) -> str:
    if not isinstance(key, str) or len(key) > MAX_TEXT:
        raise ValueError(f"a key on the wire must be text, got {type(key).__name__}")
    return key


def _value(key: str, value: object) -> Scalar | Payload:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise ValueError(f"`{key}`: {len(value)} characters; at most {MAX_TEXT} go over the wire")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"`{key}`: {value} is not a number that JSON knows")
        return float(value)
    if isinstance(value, dict):
        return checked(value)
    raise ValueError(
        f"`{key}`: {type(value).__name__} does not go over the wire, only scalars and dictionaries of them"
    )


def stamped(stamp: Stamp) -> dict[str, Scalar]:
    """The fields that every JSON message begins with."""
    return {
        "schema": SCHEMA_VERSION,
        "unit": stamp.unit,
        "boot": stamp.boot,
        "seq": stamp.seq,
        "ts": stamp.ts,
        "clock": stamp.clock,
        "up_s": stamp.up_s,
    }


def _mood(mood: Mood) -> dict[str, object]:
    return {
        "abstain": bool(mood.abstain),
        "probs": {name: _fraction(p) for name, p in zip(EMOTIONS, mood.probs, strict=True)},
        "valence": _fraction(mood.valence),
        "arousal": _fraction(mood.arousal),
        "attention": None if mood.attention is None else _fraction(mood.attention),
    }


def _fraction(value: float) -> float:
    # Seven probabilities rounded to 4 decimals still sum to 1 within 0.00035. Adding 0 turns -0.0 into 0.0.
    return round(float(value), 4) + 0.0


def _seconds(value: float) -> float:
    return round(float(value), 3) + 0.0


def _number(value: float, decimals: int) -> float:
    return round(float(value), decimals) + 0.0
