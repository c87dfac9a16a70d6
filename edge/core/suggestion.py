"""The records of the recommendation policy: what can be suggested, to which situation, after what, and the result.

``Item`` is made by ``edge.catalogue``; ``Situation`` and ``Past`` by the companion; ``Choice`` by ``recommend``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KINDS: tuple[str, ...] = ("music", "film", "book", "meditation", "activity", "place")
"""Kinds of item, in the order in which equal cards are laid out."""

Goal = Literal["auto", "elevate", "sustain", "calm"]
Wish = Literal["", "brighter", "calmer", "surprise"]
Action = Literal["shown", "played", "finished", "liked", "skipped"]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be suggested. ``docs/catalogue.md`` describes the file it comes from."""

    id: str
    """Unique in the catalogue: a-z, 0-9 and hyphens."""
    kind: str
    """One of KINDS."""
    title: str
    creator: str = ""
    """Performer, director or author; for a place, where it is. Empty where nobody made it."""
    year: int | None = None
    uri: str = ""
    """What a player opens. Empty: the player searches by creator and title."""
    file: str = ""
    """Path inside the player's music folder. Empty: none."""
    language: str = ""
    """ISO 639 code of the original; ``zxx``: without words; empty: does not matter."""
    minutes: float | None = None
    """How long it takes."""
    valence: float = 0.0
    """-1 (dark) to 1 (bright): the feeling that the item carries."""
    energy: float = 0.0
    """-1 (calm) to 1 (driving): the arousal that the item carries."""
    genre: str = ""
    tags: tuple[str, ...] = ()
    hours: tuple[int, ...] = ()
    """Hours of the day, each 0-23, in which it fits. Empty: always."""
    minimum_age: int = 0
    image: str = ""
    """Path of a picture on this device. Empty: none."""
    text: str = ""
    """Words to show or speak: the meditation itself, the instructions of an activity."""


@dataclass(frozen=True, slots=True)
class Situation:
    """For whom and when, without a clock: local time comes in as ``hour`` and ``weekday``."""

    valence: float = 0.0
    """Mood, -1 to 1 (of one person, or the mean of several)."""
    arousal: float = 0.0
    """Mood, -1 to 1."""
    confidence: float = 0.0
    """0-1: how sure the mood is. 0 when nobody was read."""
    emotion: str | None = None
    """One of ``edge.data.EMOTIONS``; anything else counts as not known."""
    people: int = 1
    goal: Goal = "auto"
    hour: int = 12
    """Local hour, 0-23."""
    weekday: int = 0
    """0 is Monday."""
    language: str = "en"
    """Language of the reasons and of texts: ``en`` or ``de``."""
    wish: Wish = ""
    """What a visitor asked for by "not quite?"; it wins over mood and goal."""


@dataclass(frozen=True, slots=True)
class Past:
    """One thing that happened to one item."""

    item_id: str
    action: Action
    age_s: float
    """Seconds ago."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One suggestion. ``score`` is the sum of ``parts``; a higher score comes first."""

    item: Item
    reason: str
    """One sentence about the item, never about the person."""
    score: float
    parts: dict[str, float]
    """mood, time, genre, novelty, recency, feedback, variety: what each adds to the score."""
