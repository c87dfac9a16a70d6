"""The companion's words over MQTT: choices and what plays, as plain dictionaries. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge.core.stamp import Stamp
from edge.core.suggestion import Choice
from edge.core.wire import Payload, checked, stamped

MAX_CHOICES = 10


def recommendation(stamp: Stamp, choices: Sequence[Choice], *, tone: str, wish: str, people: int) -> Payload:
    """``recommendation``: what is suggested now, best first, each with its reason and the parts of its score.

    JSON objects by rank ("1" is the best), since the wire passes no lists. ``tone`` is the page's colour, never an
    emotion; ``people`` is 1 or 2 (two or more).
    """
    ranked = {str(n): _choice(choice) for n, choice in enumerate(choices[:MAX_CHOICES], 1)}
    return checked({**stamped(stamp), "tone": tone, "wish": wish, "people": people, "choices": ranked})


def now_playing(stamp: Stamp, playing: Mapping[str, object] | None) -> Payload:
    """``now_playing``: what the player plays; all fields null when it is silent."""
    fields = ("item_id", "title", "artist", "state", "by_us", "volume")
    return checked({**stamped(stamp), **{name: None if playing is None else playing.get(name) for name in fields}})


def feedback(stamp: Stamp, *, kind: str, item_id: str | None, value: str | None, source: str) -> Payload:
    """``feedback``: somebody touched the page or the player. ``source``: page, player or mqtt."""
    return checked({**stamped(stamp), "kind": kind, "item_id": item_id, "value": value, "source": source})


def _choice(choice: Choice) -> Payload:
    item = choice.item
    return checked(
        {
            "item_id": item.id,
            "kind": item.kind,
            "title": item.title,
            "creator": item.creator,
            "reason": choice.reason,
            "score": round(float(choice.score), 4),
            "parts": {name: round(float(value), 4) for name, value in choice.parts.items()},
        }
    )
