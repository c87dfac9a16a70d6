"""Traces made by a script: what a perfect camera and a mediocre network would report."""

from __future__ import annotations

import json
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


def flicker(seed: int = 7) -> list[Step]:
    """Two people for 20 s at 12 Hz: noisy readings, drop-outs of the detector, one real change each."""
    rng = np.random.default_rng(seed)
    steps: list[Step] = []
    for n in range(240):
        t_s = n / 12
        found: list[tuple[Face, Floats]] = []
        for x, emotions in ((100.0, ("neutral", "happy")), (400.0, ("sad", "surprise"))):
            if rng.random() < 0.1:
                continue
            probs = rng.dirichlet(1.0 + 9.0 * reading(emotions[int(t_s > 10)], 0.75))
            found.append((face_at(x + float(rng.normal(0, 3))), probs))
        steps.append((t_s, found))
    return steps


def main() -> None:
    """Prints ``flicker`` as a trace file."""
    for t_s, found in flicker():
        faces = [
            {
                "box_xywh_px": [round(v, 1) for v in face.box_xywh_px],
                "probs": dict(zip(EMOTIONS, (round(float(p), 5) for p in probs), strict=True)),
            }
            for face, probs in found
        ]
        print(json.dumps({"t_s": round(t_s, 3), "faces": faces}, separators=(",", ":")))


if __name__ == "__main__":
    main()
