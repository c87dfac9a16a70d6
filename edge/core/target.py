"""Where in the valence-arousal plane a suggestion should lie, given mood, goal and how sure the mood is.

The automatic goal:

| mood                                  | goal      | what it means                                            |
|---------------------------------------|-----------|----------------------------------------------------------|
| happy, surprise, neutral              | `sustain` | stay where the mood is, never on the unpleasant side     |
| sad                                   | `elevate` | gently: one step from the mood towards bright            |
| angry, fear, disgust                  | `calm`    | one long step towards quiet and pleasant                 |
| not known, unpleasant and aroused     | `calm`    | read from valence and arousal                            |
| not known, unpleasant and not aroused | `elevate` | likewise                                                 |
| not known, otherwise                  | `sustain` | likewise                                                 |

A step starts at the mood and goes only part of the way: the iso principle of music therapy (I. M. Altshuler, "A
psychiatrist's experience with music as a therapeutic agent", 1948) - first meet the mood, then lead it. The plane is
that of J. A. Russell, "A circumplex model of affect", J. Personality and Social Psychology 39 (1980).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.core.policy import Settings
from edge.core.suggestion import Situation

AUTO_GOAL = {
    "happy": "sustain",
    "surprise": "sustain",
    "neutral": "sustain",
    "sad": "elevate",
    "angry": "calm",
    "fear": "calm",
    "disgust": "calm",
}
# Where a goal leads, (valence, energy), and the longest step towards it. A sad mood (-0.63, -0.27) comes to about
# (0.4, 0.1): gentle music, not party music. An angry one (-0.51, 0.59) comes to (0.4, -0.5).
BRIGHT, BRIGHT_STEP = (0.8, 0.2), 1.1
QUIET, QUIET_STEP = (0.5, -0.6), 1.4
PLEASANT_FROM = 0.4
"""`sustain` never aims below this valence: nobody is kept in an unpleasant mood."""
_UNPLEASANT, _AROUSED = -0.15, 0.1
# "Not quite?": from wherever the policy would have aimed, this far towards the pole.
_WISHES = {"brighter": ((1.0, 0.7), 0.6), "calmer": ((0.5, -0.9), 0.7)}

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Target:
    """What the mood asks of a suggestion."""

    valence: float
    energy: float
    goal: str
    """elevate, sustain or calm: ``auto`` resolved."""
    weight: float
    """0-1: how much of the target comes from the mood; the rest from what suits everyone."""
    for_everyone: bool
    """Several people or an unsure mood: only moderate items without a minimum age."""
    music_energy_max: float
    """Music above this is never suggested: for anger, nothing faster than now and nothing fast at all."""


def bounded(value: float, low: float, high: float) -> float:
    """``value`` held within [low, high]; 0, held likewise, where it is not a number."""
    return min(max(value if not math.isnan(value) else 0.0, low), high)


def resolve_goal(situation: Situation) -> str:
    """The goal, with ``auto`` replaced by the table above."""
    if situation.goal != "auto":
        return situation.goal
    known = AUTO_GOAL.get(situation.emotion or "")
    if known or not situation.valence < _UNPLEASANT:
        return known or "sustain"
    return "calm" if situation.arousal > _AROUSED else "elevate"


def is_tense(situation: Situation) -> bool:
    """Anger, named or read from the plane: unpleasant and aroused."""
    return situation.emotion in ("angry", "disgust", "fear") or (
        situation.valence < _UNPLEASANT and situation.arousal > _AROUSED
    )


def mood_weight(situation: Situation, settings: Settings) -> float:
    """0-1: linear from ``confidence_low`` to ``confidence_full``; half of that for several people."""
    span = max(settings.confidence_full - settings.confidence_low, 1e-6)
    weight = bounded((situation.confidence - settings.confidence_low) / span, 0.0, 1.0)
    return weight * (0.5 if situation.people > 1 else 1.0)


def find_target(situation: Situation, settings: Settings) -> Target:
    """The target of a situation; every number is finite and within [-1, 1] whatever comes in."""
    mood = bounded(situation.valence, -1.0, 1.0), bounded(situation.arousal, -1.0, 1.0)
    goal, weight = resolve_goal(situation), mood_weight(situation, settings)
    wanted = _led(mood, goal)
    valence = weight * wanted[0] + (1.0 - weight) * settings.crowd_valence
    energy = weight * wanted[1] + (1.0 - weight) * settings.crowd_energy
    rules = settings.time_rules
    energy += sum(r.energy for r in rules if r.kind == "any" and r.applies(situation.hour, situation.weekday))
    if situation.wish in _WISHES:
        valence, energy = _step((valence, energy), *_WISHES[situation.wish])
    tense = is_tense(situation)
    fastest = min(mood[1], 0.0) if tense else 1.0
    return Target(
        valence=bounded(valence, -1.0, 1.0),
        energy=bounded(min(energy, 0.0) if tense else energy, -1.0, 1.0),
        goal=goal,
        weight=weight,
        for_everyone=situation.people > 1 or weight <= 0.0,
        music_energy_max=fastest,
    )


def _led(mood: Point, goal: str) -> Point:
    if goal == "elevate":
        return _step(mood, BRIGHT, BRIGHT_STEP)
    if goal == "calm":
        return _step(mood, QUIET, QUIET_STEP)
    return max(mood[0], PLEASANT_FROM), mood[1]


def _step(start: Point, end: Point, longest: float) -> Point:
    """From ``start`` straight towards ``end``, at most ``longest``."""
    across, up = end[0] - start[0], end[1] - start[1]
    part = min(1.0, longest / max(math.hypot(across, up), 1e-9))
    return start[0] + part * across, start[1] + part * up
