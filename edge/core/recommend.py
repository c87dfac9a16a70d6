"""Ranks a catalogue for a situation. Pure: mood, goal, local time and history come in, ranked choices go out.

The score of an item is a sum of parts (``Choice.parts``). Every part but ``variety`` is computed from that item, its
own history, the situation and the settings, never from the rest of the catalogue (nothing is normalised over it). So
the order of two items before the variety step does not change when others are added or removed. The list is then filled
greedily, each place by the item whose score less its likeness to those above is largest: maximal marginal relevance, J.
Carbonell and J. Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998. Ties go to the smaller id.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.core.genre_prior import GENRE, GENRE_MOOD, GENRE_TIME
from edge.core.policy import DEFAULT_SETTINGS, Settings
from edge.core.reason import sentence
from edge.core.suggestion import KINDS, Action, Choice, Item, Past, Situation
from edge.core.target import Target, bounded, find_target
from edge.data import Floats

__all__ = ["Choice", "Index", "Item", "Past", "Settings", "Situation", "recommend"]

_ACTIONS: tuple[Action, ...] = ("shown", "played", "finished", "liked", "skipped")
_OUT_OF_HOURS, _IN_HOURS = -1.0, 0.3
_MANY_S = 1e12


class Index:
    """The items as arrays, made once for a catalogue. Later items with an id that occurred before are left out."""

    def __init__(self, items: Sequence[Item]) -> None:
        unique = {item.id: item for item in reversed(items)}
        self.items: tuple[Item, ...] = tuple(unique[key] for key in sorted(unique))
        """Sorted by id."""
        self.row = {item.id: row for row, item in enumerate(self.items)}
        self.valence: Floats = np.array([bounded(i.valence, -1.0, 1.0) for i in self.items], dtype=np.float64)
        self.energy: Floats = np.array([bounded(i.energy, -1.0, 1.0) for i in self.items], dtype=np.float64)
        self.minimum_age = np.array([i.minimum_age for i in self.items], dtype=np.int64)
        self.kind = np.array([KINDS.index(i.kind) for i in self.items], dtype=np.int64)
        self.creator = _codes([i.creator for i in self.items])
        self.genres, self.genre = sorted({i.genre for i in self.items}), _codes([i.genre for i in self.items])
        self.language = np.array([i.language if i.text else "" for i in self.items], dtype=str)
        """Only where there are words to read; empty otherwise."""
        self.hour_part: Floats = np.array([_hour_part(i.hours) for i in self.items]).reshape(len(self.items), 24)
        """What an item's own hours add to its time part, float ``(N, 24)``."""
        self.is_music = self.kind == KINDS.index("music")

    def __len__(self) -> int:
        return len(self.items)


def recommend(
    situation: Situation,
    index: Index,
    history: Sequence[Past] = (),
    settings: Settings = DEFAULT_SETTINGS,
    *,
    n: int = 5,
) -> tuple[Choice, ...]:
    """The best ``n`` items for the situation, best first; fewer when fewer fit, none from an empty index.

    For a player, ``settings`` has ``kinds=("music",)``. Any number in the situation and the history may be wrong, even
    not a number: the scores stay finite.
    """
    target = find_target(situation, settings)
    parts = _parts(situation, target, index, history, settings)
    base = np.where(_eligible(situation, target, index, settings), sum(parts.values()), -np.inf)
    choices = []
    for row, variety in _varied(base, index, settings, n):
        own = {name: float(values[row]) for name, values in parts.items()} | {"variety": variety}
        reason = sentence(index.items[row], situation, target, own)
        choices.append(Choice(item=index.items[row], reason=reason, score=sum(own.values()), parts=own))
    return tuple(choices)


def _parts(
    situation: Situation, target: Target, index: Index, history: Sequence[Past], settings: Settings
) -> dict[str, Floats]:
    """The parts of every item's score, each float ``(N,)``, in the order of ``Choice.parts``."""
    surprise = situation.wish == "surprise"
    distance2 = (index.valence - target.valence) ** 2 + (index.energy - target.energy) ** 2
    age = _ages(index, history)
    novelty = 1.0 - np.exp(-np.minimum(age["shown"], age["played"]) / settings.novelty_s)
    return {
        "mood": (0.3 if surprise else 1.0) * np.exp(-distance2 / (2.0 * settings.mood_width**2)),
        "time": settings.time_weight * _time_part(situation, index, settings),
        "genre": (0.0 if surprise else settings.genre_weight) * _genre_part(situation, target, index),
        "novelty": (3.0 if surprise else 1.0) * settings.novelty_weight * novelty,
        "recency": -settings.recency_weight
        * np.maximum(np.exp(-age["shown"] / settings.shown_s), np.exp(-age["played"] / settings.played_s)),
        "feedback": settings.liked_weight * np.exp(-age["liked"] / settings.liked_s)
        + settings.finished_weight * np.exp(-age["finished"] / settings.finished_s)
        - settings.skipped_weight * np.exp(-age["skipped"] / settings.skipped_s),
    }


def _ages(index: Index, history: Sequence[Past]) -> dict[str, Floats]:
    """Seconds since each action last happened to each item, float ``(N,)``; very many where it never did."""
    age: dict[str, Floats] = {action: np.full(len(index), _MANY_S) for action in _ACTIONS}
    for past in history:
        row = index.row.get(past.item_id)
        if row is not None:  # the catalogue may have changed since
            ages = age[past.action]
            ages[row] = min(ages[row], bounded(past.age_s, 0.0, _MANY_S))
    return age


def _time_part(situation: Situation, index: Index, settings: Settings) -> Floats:
    """-1 to 1, float ``(N,)``: the table of times by kind, and the item's own hours."""
    hour, weekday = situation.hour % 24, situation.weekday % 7
    rules = [rule for rule in settings.time_rules if rule.applies(hour, weekday)]
    by_kind = np.array([sum(rule.bias for rule in rules if rule.kind == kind) for kind in KINDS], dtype=np.float64)
    return np.clip(by_kind[index.kind] + index.hour_part[:, hour], -1.0, 1.0)


def _genre_part(situation: Situation, target: Target, index: Index) -> Floats:
    """Starting preference in stars, float ``(N,)``; 0 for what is not music or of a genre without data."""
    mood, time = _prior_mood(situation), _prior_time(situation.hour % 24)
    stars = np.array(
        [
            GENRE.get(genre, 0.0)
            + target.weight * GENRE_MOOD.get((genre, mood), 0.0)
            + GENRE_TIME.get((genre, time), 0.0)
            for genre in index.genres
        ],
        dtype=np.float64,
    )
    return np.where(index.is_music, stars[index.genre], 0.0) if len(index) else np.zeros(0)


def _prior_mood(situation: Situation) -> str:
    """The mood as InCarMusic names it; empty where that data has none (anger, fear, nothing known)."""
    named = {"happy": "happy", "sad": "sad", "surprise": "active"}.get(situation.emotion or "", "")
    quiet = situation.arousal < -0.2 and situation.valence >= 0.0
    return named or ("lazy" if quiet and situation.emotion in (None, "neutral") else "")


def _prior_time(hour: int) -> str:
    """The time of day as InCarMusic names it; the data does not say at which hours, so the borders are ours."""
    if 5 <= hour < 10:
        return "morning"
    if 10 <= hour < 14:
        return "day time"
    return "afternoon" if 14 <= hour < 19 else "night"


def _eligible(situation: Situation, target: Target, index: Index, settings: Settings) -> NDArray[np.bool_]:
    """What may be suggested at all, bool ``(N,)``."""
    wanted = np.array([kind in settings.kinds for kind in KINDS])
    fits = wanted[index.kind] & (index.minimum_age <= (0 if target.for_everyone else settings.age_limit))
    fits &= ~index.is_music | (index.energy <= target.music_energy_max)
    fits &= (index.language == "") | (index.language == situation.language)
    if target.for_everyone:
        fits &= np.abs(index.energy) <= settings.moderate_energy
    return np.asarray(fits, dtype=np.bool_)


def _varied(base: Floats, index: Index, settings: Settings, n: int) -> list[tuple[int, float]]:
    """Rows of the best ``n`` items in order, each with its variety part (0 or less)."""
    score, taken = base.copy(), []
    for _ in range(min(n, int(np.isfinite(base).sum()))):
        row = int(np.argmax(score))  # the first of equals, and rows are sorted by id
        taken.append((row, float(score[row] - base[row])))
        score -= settings.kind_variety * (index.kind == index.kind[row])
        if index.items[row].genre:
            score -= settings.genre_variety * (index.genre == index.genre[row])
        if index.items[row].creator:
            score -= settings.creator_variety * (index.creator == index.creator[row])
        score[row] = -np.inf
    return taken


def _codes(names: list[str]) -> NDArray[np.int64]:
    """A number for each different name, in the order of the sorted names."""
    code = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([code[name] for name in names], dtype=np.int64)


def _hour_part(hours: tuple[int, ...]) -> list[float]:
    if not hours:
        return [0.0] * 24
    return [_IN_HOURS if hour in hours else _OUT_OF_HOURS for hour in range(24)]
