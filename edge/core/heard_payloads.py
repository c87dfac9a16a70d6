"""What the payloads of one topic each must be: JSON in, records out, or an error of MALFORMED."""

from __future__ import annotations

import json
from typing import Any, cast, get_args

from edge.core.heard_records import (
    FeedbackKind,
    HeardAudience,
    HeardCamera,
    HeardEvent,
    HeardFeedback,
    HeardMood,
    HeardState,
    Origin,
)
from edge.core.wire import MAX_TEXT, CameraState, UnitState
from edge.data import EMOTIONS, NOBODY, UNSURE, EventType

MALFORMED = (ValueError, TypeError, KeyError, OverflowError, RecursionError)
"""What the functions here raise for a payload that is not what it should be: from json, or from taking it as read."""
MAX_ID = 120
MAX_COUNT = 2**53
"""The largest whole number that JSON readers agree on."""
HEX = frozenset("0123456789abcdef")
_SUM_TOLERANCE = 0.01
"""The contract promises 0.001; a foreign publisher may round to two decimals."""
_WITH_ITEM = ("like", "skip", "finished")

Json = dict[str, Any]


def read_mood(told: Json, origin: Origin) -> HeardMood:
    emotion = one_of(told["emotion"], (*EMOTIONS, UNSURE, NOBODY))
    if emotion == NOBODY:
        return HeardMood(origin, 0, "", NOBODY, 0.0, abstain=True, valence=0.0, arousal=0.0, held_s=0.0, face_px=0)
    in_view = count(told["in_view"], at_least=1)
    return HeardMood(origin, in_view, track_id(told["track_id"]), emotion, **_of_mood(told))


def read_event(told: Json, origin: Origin) -> HeardEvent:
    event_type = cast(EventType, one_of(told["event_type"], get_args(EventType)))
    return HeardEvent(
        origin, track_id(told["track_id"]), event_type, one_of(told["emotion"], EMOTIONS), **_of_mood(told)
    )


def _of_mood(told: Json) -> Json:
    """The fields that a mood and an event share."""
    probs = told["probs"]
    if abs(sum(number(probs[name], 0.0, 1.0) for name in EMOTIONS) - 1.0) > _SUM_TOLERANCE:
        raise ValueError("probs")
    if not isinstance(told["abstain"], bool):
        raise TypeError("abstain")
    return {
        "confidence": number(told["confidence"], 0.0, 1.0),
        "abstain": told["abstain"],
        "valence": number(told["valence"], -1.0, 1.0),
        "arousal": number(told["arousal"], -1.0, 1.0),
        "held_s": number(told["held_s"], 0.0, MAX_COUNT),
        "face_px": count(told["face_px"], at_least=0),
    }


def read_audience(told: Json, origin: Origin) -> HeardAudience:
    window_s = number(told["window_s"], 0.0, MAX_COUNT)
    valence, arousal = number(told["valence"], -1.0, 1.0), number(told["arousal"], -1.0, 1.0)
    in_view, seen = count(told["in_view"], at_least=0), count(told["seen"], at_least=2)
    return HeardAudience(origin, in_view, seen, window_s, valence, arousal)


def read_state(told: Json, origin: Origin) -> HeardState:
    state = cast(UnitState, one_of(told["state"], get_args(UnitState)))
    return HeardState(origin, state, text(told["reason"], MAX_TEXT))


def read_camera(told: Json, origin: Origin) -> HeardCamera:
    state = cast(CameraState, one_of(told["state"], get_args(CameraState)))
    return HeardCamera(origin, state, text(told["reason"], MAX_TEXT))


def read_feedback(told: Json) -> HeardFeedback:
    kind = cast(FeedbackKind, one_of(told["kind"], get_args(FeedbackKind)))
    item_id, value = (text(told.get(name) or "", MAX_ID) for name in ("item_id", "value"))
    if (kind in _WITH_ITEM) != bool(item_id) or (kind in ("not_quite", "language")) != bool(value):
        raise ValueError("item_id, value")
    return HeardFeedback(kind, item_id, value, text(told.get("source") or "mqtt", MAX_ID))


# Checks: each returns the value or raises one of _MALFORMED ---------------------------------------------------------


def read_object(payload: bytes) -> Json:
    told = json.loads(payload.decode("utf-8"), parse_constant=_no_constant)
    if not isinstance(told, dict):
        raise TypeError("not an object")
    return told


def _no_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are no JSON


def number(value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError("number")
    return float(value)


def count(value: object, *, at_least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= MAX_COUNT:
        raise ValueError("count")
    return value


def text(value: object, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise ValueError("text")
    value.encode("utf-8")  # half a surrogate pair would raise later, where nobody expects it
    return value


def one_of(value: object, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError("word")
    return value


def track_id(value: object) -> str:
    given = text(value, MAX_ID)
    boot, _, digits = given.partition("-")
    if len(boot) != 8 or not set(boot) <= HEX or not (digits.isascii() and digits.isdigit()):
        raise ValueError("track_id")
    return given
