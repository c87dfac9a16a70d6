"""What the companion has heard over MQTT: one record for each topic. Made by ``edge.core.heard``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.core.wire import CameraState, UnitState
from edge.data import EventType


@dataclass(frozen=True, slots=True)
class Origin:
    """Who said a message, when, and how old it was when it came."""

    boot: str
    seq: int
    up_s: float
    """Seconds since the start of the unit's service."""
    late_s: float
    """How much longer it took than the fastest message of late. 0 for retained messages: their age is not known."""
    retained: bool


@dataclass(frozen=True, slots=True)
class HeardMood:
    """``emotion``: the mood of the main person."""

    origin: Origin
    in_view: int
    """People in view, the main one included."""
    track_id: str
    """Empty when nobody is in view."""
    emotion: str
    """One of EMOTIONS, UNSURE or NOBODY."""
    confidence: float
    abstain: bool
    valence: float
    arousal: float
    held_s: float
    face_px: int
    """All numbers are 0 when nobody is in view; ``abstain`` is then True."""


@dataclass(frozen=True, slots=True)
class HeardEvent:
    """``event``: a person's emotion starts, goes on or ends."""

    origin: Origin
    track_id: str
    event_type: EventType
    emotion: str
    """One of EMOTIONS."""
    confidence: float
    abstain: bool
    valence: float
    arousal: float
    held_s: float
    face_px: int


@dataclass(frozen=True, slots=True)
class HeardAudience:
    """``audience``: everyone in view."""

    origin: Origin
    in_view: int
    seen: int
    window_s: float
    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class HeardState:
    """``state``: what the unit does. Void while its availability is offline."""

    origin: Origin
    state: UnitState
    reason: str


@dataclass(frozen=True, slots=True)
class HeardCamera:
    """``camera``: what the unit's camera does."""

    origin: Origin
    state: CameraState
    reason: str


@dataclass(frozen=True, slots=True)
class HeardAvailability:
    """``availability``: whether the unit is connected to the broker."""

    online: bool


@dataclass(frozen=True, slots=True)
class HeardPrivacy:
    """``privacy/state``."""

    paused: bool


FeedbackKind = Literal["like", "skip", "finished", "not_quite", "pause", "resume", "language"]


@dataclass(frozen=True, slots=True)
class HeardFeedback:
    """``feedback``: somebody touched a page or a player."""

    kind: FeedbackKind
    item_id: str
    """Of the catalogue; empty where the kind is not about an item."""
    value: str
    """brighter, calmer or surprise for ``not_quite``; the language for ``language``; else empty."""
    source: str
    """Who says so; ``mqtt`` where it is not told."""


Heard = (
    HeardMood | HeardEvent | HeardAudience | HeardState | HeardCamera | HeardAvailability | HeardPrivacy | HeardFeedback
)
