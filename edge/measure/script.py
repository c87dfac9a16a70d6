"""How well a run followed the script of the bundled clip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

UNSCORED_S = 1.0
"""After each scripted change nothing is scored: the change itself takes part of it, smoothing and dwell the rest."""
_STEP_S = 0.05


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the clip, in seconds from its first frame, and the emotions to be seen in it, one a person."""

    from_s: float
    to_s: float
    emotions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """One person's emotion held from ``from_s`` to ``to_s``, as a subscriber learnt it."""

    emotion: str
    from_s: float
    to_s: float


def read_script(path: Path) -> list[Segment]:
    """The segments of a script file, in order."""
    script = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [
        Segment(float(s["from_s"]), float(s["to_s"]), tuple(p["emotion"] for p in s["people"]))
        for s in script["segments"]
    ]


def spans(events: Sequence[dict[str, Any]], end_s: float) -> list[Span]:
    """What held when, from `event` payloads with ``t_s``; what has not ended holds until ``end_s``."""
    begun: dict[str, tuple[str, float]] = {}
    found: list[Span] = []
    for event in events:
        track = str(event["track_id"])
        if event["event_type"] == "start":
            begun[track] = (str(event["emotion"]), float(event["t_s"]))
        elif event["event_type"] == "end" and track in begun:
            emotion, from_s = begun.pop(track)
            found.append(Span(emotion, from_s, float(event["t_s"])))
    return found + [Span(emotion, from_s, end_s) for emotion, from_s in begun.values()]


def script_accuracy(script: Sequence[Segment], held: Sequence[Span], end_s: float) -> float:
    """Share of the scored time for which the held emotions are the scripted ones; the clip repeats.

    With several people it is the share of matched emotions (as multisets) among the larger of the two counts; nobody
    in view counts as right when nothing is held.
    """
    period_s = script[-1].to_s
    total = right = 0.0
    for n in range(int(end_s / _STEP_S)):
        t_s = (n + 0.5) * _STEP_S
        segment = next(s for s in script if s.from_s <= t_s % period_s < s.to_s)
        if t_s % period_s - segment.from_s < UNSCORED_S:
            continue
        wanted = Counter(segment.emotions)
        seen = Counter(s.emotion for s in held if s.from_s <= t_s < s.to_s)
        most = max(wanted.total(), seen.total())
        total += 1.0
        right += (wanted & seen).total() / most if most else 1.0
    return right / total if total else 0.0
