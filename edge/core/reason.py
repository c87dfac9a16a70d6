"""Why something is suggested, in one plain sentence: about the suggestion, never about the person.

It names what the item is like, what the suggestion is for and, where that counted, the time of day or an earlier like.
It never names an emotion. ``tests/test_recommend.py`` holds the list of forbidden words.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.core.suggestion import KINDS, Item, Situation
from edge.core.target import Target

_NEAR = 0.5
"""From this mood part on (of at most 1) an item really does what the goal asks; below it, no goal is claimed."""
_COUNTED = 0.1


@dataclass(frozen=True, slots=True)
class Words:
    """The wording of one language. Nouns come with their article's adjective ending: "a {bright} song"."""

    nouns: dict[str, str]
    qualities: dict[str, str]
    purposes: dict[str, str]
    times: dict[str, str]
    liked: str


ENGLISH = Words(
    nouns={
        "music": "A {} piece of music",
        "film": "A {} film",
        "book": "A {} book",
        "meditation": "A {} short practice",
        "activity": "A {} thing to do",
        "place": "A {} place to go",
    },
    qualities={
        "driving": "lively",
        "strong": "powerful",
        "quiet": "calm",
        "bright": "bright",
        "soft": "gentle",
        "plain": "relaxed",
    },
    purposes={
        "elevate": "that brings in some light",
        "sustain": "that goes well with a good moment",
        "calm": "that slows the pace",
        "everyone": "that is easy to enjoy",
        "together": "that suits everyone here",
        "brighter": "that is a step brighter, as asked",
        "calmer": "that is a step calmer, as asked",
        "surprise": "that is different from the usual, as asked",
        "change": "for a change",
    },
    times={
        "morning": ", good for the morning",
        "midday": ", good for the middle of the day",
        "afternoon": ", good for the afternoon",
        "evening": ", good for the evening",
        "night": ", good for the late hours",
    },
    liked=", and it was liked here before",
)
GERMAN = Words(
    nouns={
        "music": "Ein {}es Musikstück",
        "film": "Ein {}er Film",
        "book": "Ein {}es Buch",
        "meditation": "Eine {}e kurze Übung",
        "activity": "Eine {}e Idee zum Ausprobieren",
        "place": "Ein {}er Ort",
    },
    qualities={
        "driving": "lebhaft",
        "strong": "kraftvoll",
        "quiet": "ruhig",
        "bright": "heiter",
        "soft": "sanft",
        "plain": "entspannt",
    },
    purposes={
        "elevate": "für etwas mehr Licht",
        "sustain": "für einen guten Moment",
        "calm": "für ein langsameres Tempo",
        "everyone": "für jeden Geschmack",
        "together": "für alle zusammen",
        "brighter": "wie gewünscht ein Stück heller",
        "calmer": "wie gewünscht ein Stück ruhiger",
        "surprise": "wie gewünscht einmal etwas anderes",
        "change": "zur Abwechslung",
    },
    times={
        "morning": ", passend zum Morgen",
        "midday": ", passend zur Mittagszeit",
        "afternoon": ", passend zum Nachmittag",
        "evening": ", passend zum Abend",
        "night": ", passend zur späten Stunde",
    },
    liked=", und hier schon einmal gemocht",
)
LANGUAGES = {"en": ENGLISH, "de": GERMAN}
assert all(set(words.nouns) == set(KINDS) for words in LANGUAGES.values())


def sentence(item: Item, situation: Situation, target: Target, parts: dict[str, float]) -> str:
    """Why ``item``: one sentence in the situation's language (English where there is no such table).

    ``parts``: those of the item's score; a reason is given only where its part counted.
    """
    words = LANGUAGES.get(situation.language, ENGLISH)
    what = words.nouns[item.kind].format(words.qualities[quality(item)])
    why = words.purposes[_purpose(situation, target, parts)]
    extra = ""
    if parts["feedback"] > _COUNTED:
        extra = words.liked
    elif parts["time"] > _COUNTED:
        extra = words.times[daypart(situation.hour % 24)]
    comma = "," if words is GERMAN and situation.wish else ""
    return f"{what}{comma} {why}{extra}."


def quality(item: Item) -> str:
    """What an item is like in one word, from its place in the plane: a key of ``Words.qualities``."""
    if item.energy > 0.4:
        return "driving" if item.valence > 0.3 else "strong"
    if item.energy < -0.4:
        return "quiet"
    if item.valence > 0.5:
        return "bright"
    return "soft" if item.energy < 0.0 else "plain"


def daypart(hour: int) -> str:
    """The part of the day in which ``hour`` (0-23) lies: a key of ``Words.times``."""
    for until, name in ((5, "night"), (11, "morning"), (14, "midday"), (18, "afternoon"), (22, "evening")):
        if hour < until:
            return name
    return "night"


def _purpose(situation: Situation, target: Target, parts: dict[str, float]) -> str:
    if situation.wish == "surprise":
        return "surprise"
    if parts["mood"] < _NEAR:
        return "change"
    if situation.wish:
        return situation.wish
    if situation.people > 1:
        return "together"
    return target.goal if target.weight > 0.0 else "everyone"
