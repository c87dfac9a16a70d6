"""The records that flow through Moodcast, each documented once, here.

Conventions: images are uint8 ``(H, W, 3)`` in BGR order. Boxes are ``(x, y, width, height)`` in pixels of the
frame they were found in, origin at the top left, x to the right, y down. Times ending in ``_s`` are seconds of the
monotonic clock unless the name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven emotions. Every ``probs`` array, label list and table in the project has this order."""

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]
EventType = Literal["start", "update", "end"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture from a camera. It never leaves the process."""

    image: Image
    """uint8 ``(H, W, 3)`` BGR, C-contiguous."""
    t_s: float
    """Monotonic seconds at capture. A source that is not live counts in the time of the recording."""
    seq: int
    """Counts captured frames from 0; a gap means frames dropped or passed over."""
    small: Image | None = None
    """uint8 ``(h, w, 3)`` BGR: the same picture, smaller and of the same shape, where the camera makes one for
    nothing. Faces are searched in it, and cut out of ``image``."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face found in a frame."""

    box_xywh_px: Box
    """In pixels of the frame; may reach beyond its edges."""
    landmarks_px: Floats | None
    """float ``(5, 2)``: right eye, left eye, nose tip, right and left mouth corner (the person's right, so the
    right eye stands left in the picture). None where the back end gives none."""
    score: float
    """Confidence of the face finder, 0-1."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What the emotion network reads in N faces, each for itself; N may be 0."""

    probs: Floats
    """float64 ``(N, 7)`` in the order of EMOTIONS, rows summing to 1. Without meaning where the face is not usable."""
    usable: Floats
    """float64 ``(N,)``, 0-1: how sure the network is that there is a face that can be read, and no background, false
    alarm or unreadable blur. 1 from a network without such an output."""

    def rows(self, usable_min: float) -> list[Floats | None]:
        """The probabilities ``(7,)`` of each face, None where ``usable`` is below ``usable_min``."""
        return [row if score >= usable_min else None for row, score in zip(self.probs, self.usable, strict=True)]


@dataclass(frozen=True, slots=True)
class Track:
    """One person followed over time."""

    id: int
    """From 1, never reused while the process lives."""
    face: Face
    """The newest face, or the last one seen while the track is lost; box and landmarks smoothed over time."""
    first_s: float
    last_s: float
    """When the face was last really seen."""


@dataclass(frozen=True, slots=True)
class Mood:
    """The smoothed emotion of one track."""

    track_id: int
    probs: Floats
    """float ``(7,)`` in the order of EMOTIONS, each >= 0, summing to 1."""
    confidence: float
    """The largest of ``probs``."""
    abstain: bool
    """True while ``confidence`` is below the configured floor: nothing should be concluded from this mood."""
    usable: bool
    """False when the newest face was too small to be read, or the network found nothing to read in it; ``probs`` are
    then those of earlier faces."""
    valence: float
    """-1 (unpleasant) to 1 (pleasant)."""
    arousal: float
    """-1 (calm) to 1 (excited)."""
    t_s: float
    attention: float | None = None
    """How much the face points this way, 0-1, by its pose alone (the eyes are not looked at); None while the face
    finder gives no landmarks."""


@dataclass(frozen=True, slots=True)
class EmotionEvent:
    """A person's emotion starts, goes on or ends. Every start is followed by exactly one end."""

    event_type: EventType
    track_id: int
    emotion: str
    """One of EMOTIONS."""
    confidence: float
    """0-1: probability of ``emotion`` in the mood of this moment."""
    held_s: float
    """Seconds since the emotion was first seen, its dwell included."""
    mood: Mood
    face_px: float
    """Shorter side of the face's box."""
    t_s: float


@dataclass(frozen=True, slots=True)
class Person:
    """One person in view, with the emotion that holds at this moment."""

    track: Track
    mood: Mood
    emotion: str
    """One of EMOTIONS, or UNSURE while none holds."""
    held_s: float
    """Seconds since ``emotion`` was first seen; 0 for UNSURE."""

    @property
    def face_px(self) -> float:
        """Shorter side of the face's box."""
        return min(self.track.face.box_xywh_px[2:])


UNSURE = "unsure"
"""A face is in view, but no emotion holds (on the wire only: never a label of a model)."""
NOBODY = "none"
"""No face is in view (on the wire only)."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Everyone in view, as numbers that point at nobody."""

    in_view: int
    seen: int
    """Different tracks seen in the window; at least the configured k, or there is no Audience."""
    window_s: float
    valence: float
    """Mean over the people seen in the window whose mood does not abstain; 0 when those are fewer than k."""
    arousal: float
    t_s: float
    attention: float | None = None
    """Mean over the people seen in the window whose attention is known; None when those are fewer than k."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Duration of one stage over the last window, in milliseconds."""

    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Health:
    """How the unit is doing. None: this machine does not tell."""

    frames_per_s: float
    """Frames taken from the camera."""
    looks_per_s: float
    """Of them searched for faces."""
    looks_wanted_hz: float
    """The rate of looks with somebody in view, after shedding."""
    shed: str
    """Why that is below the configured rate: none, slow, late or throttled (``edge.core.schedule.Shed``)."""
    frame_age_ms: float
    """Age of the newest frame searched when its results were ready, median."""
    frames_dropped: int
    """Frames overwritten by newer ones before they were taken, since the start."""
    frames_passed: int
    """Frames taken and, by the schedule, not searched, since the start."""
    stages: dict[str, Latency]
    """By stage: motion, find, track, classify, smooth, publish."""
    cpu_percent: float
    """Of one core, over the last window."""
    rss_mb: float
    temperature_c: float | None
    throttled: bool | None
    outbox_depth: int
    outbox_dropped: int
    reconnects: int
    camera_reopens: int
    starts: int
    """Starts of the service on this device, this one included."""
