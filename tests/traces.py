"""Traces made by a script: what a perfect camera and a mediocre network would report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.core.people import People, PeopleSettings
from edge.data import EMOTIONS, EmotionEvent, Face, Floats

Step = tuple[float, list[tuple[Face, Floats]]]


def reading(emotion: str, strength: float = 0.8) -> Floats:
    """A distribution with ``strength`` on ``emotion`` and the rest spread evenly."""
    probs = np.full(len(EMOTIONS), (1.0 - strength) / (len(EMOTIONS) - 1))
    probs[EMOTIONS.index(emotion)] = strength
    return probs


def face_at(x: float, y: float = 100.0, size: float = 100.0) -> Face:
    return Face(box_xywh_px=(x, y, size, size), landmarks_px=None, score=0.9)


def one_person(segments: Sequence[tuple[str, float]], *, rate_hz: float = 30.0) -> list[Step]:
    """One still face showing each emotion for its seconds, in turn; "" means no face."""
    steps: list[Step] = []
    begin_s, n = 0.0, 0
    for emotion, duration_s in segments:
        while n / rate_hz < begin_s + duration_s - 1e-9:
            steps.append((n / rate_hz, [(face_at(200.0), reading(emotion))] if emotion else []))
            n += 1
        begin_s += duration_s
    return steps


def run(steps: Sequence[Step], settings: PeopleSettings | None = None) -> list[EmotionEvent]:
    """The events of a trace."""
    people = People(settings or PeopleSettings())
    events: list[EmotionEvent] = []
    for t_s, found in steps:
        tracks = people.see([face for face, _ in found], t_s)
        readings = {track.id: probs for track, (_, probs) in zip(tracks, found, strict=True)}
        events += people.read(readings, t_s)
    return events
