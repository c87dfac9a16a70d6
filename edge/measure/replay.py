"""Running the pure core over a recorded trace: the same events as on the device, and why.

A trace is what ``moodcast analyze --json`` prints: one JSON object a line with ``t_s`` and ``faces``, each face with
``box_xywh_px``, optional ``score`` and, where it was read, ``probs`` by emotion. Other keys are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.core.people import People, PeopleSettings
from edge.core.smooth import checked
from edge.core.track import single
from edge.core.trigger import TriggerState
from edge.data import EMOTIONS, EmotionEvent, Face, Floats, Person
from edge.errors import InputError


@dataclass(frozen=True, slots=True)
class Step:
    """One frame of a trace: faces and their readings (None: not read, or not usable), at the time of the recording."""

    t_s: float
    faces: tuple[Face, ...]
    readings: tuple[Floats | None, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the core made of one step."""

    step: Step
    events: tuple[EmotionEvent, ...]
    people: tuple[Person, ...]
    states: tuple[TriggerState | None, ...]
    """The trigger of each of ``people``."""


def read_trace(path: Path) -> Iterator[Step]:
    """The steps of a trace file.

    Raises InputError naming file and line for what is no trace.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a trace: {error}") from error
    last_s = -np.inf
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            step = _step(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}:{number}: not a step of a trace ({error!r}); a trace is what `moodcast analyze --json` prints"
            ) from error
        if step.t_s < last_s:
            raise InputError(
                f"{path}:{number}: t_s goes back from {last_s} to {step.t_s}; replay one recording at a time"
            )
        last_s = step.t_s
        yield step


def replay(steps: Iterable[Step], settings: PeopleSettings) -> Iterator[Replayed]:
    """Runs the core over ``steps``; at the end everyone leaves, so that every start has its end."""
    people, t_s = People(settings), None
    for step in steps:
        t_s = step.t_s
        faces = single(step.faces)
        read = {id(face): probs for face, probs in zip(step.faces, step.readings, strict=True)}
        readings = {
            track.id: probs
            for track, face in zip(people.see(faces, t_s), faces, strict=True)
            if (probs := read[id(face)]) is not None and people.readable(track)
        }
        events = people.read(readings, t_s)
        present = people.now(t_s)
        yield Replayed(step, tuple(events), present, tuple(people.explain(p.track.id) for p in present))
    if t_s is not None:
        yield Replayed(Step(t_s, (), ()), tuple(people.leave(t_s)), (), ())


def _step(record: dict[str, Any]) -> Step:
    faces: list[Face] = []
    readings: list[Floats | None] = []
    for found in record["faces"]:
        x, y, width, height = (float(v) for v in found["box_xywh_px"])
        faces.append(Face((x, y, width, height), None, float(found.get("score", 1.0))))
        probs = found.get("probs")
        read = probs and found.get("usable", True)
        readings.append(None if not read else checked(np.array([float(probs[e]) for e in EMOTIONS])))
    return Step(float(record["t_s"]), tuple(faces), tuple(readings))
