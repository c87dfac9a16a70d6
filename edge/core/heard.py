"""Hears a unit's MQTT messages: bytes in, checked records out. Nothing that comes over the network raises.

What is stale, repeated, retained where it must not be, or malformed is left out and counted by reason.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge.core.heard_payloads import (
    HEX,
    MALFORMED,
    MAX_COUNT,
    Json,
    count,
    number,
    read_audience,
    read_camera,
    read_event,
    read_feedback,
    read_mood,
    read_object,
    read_state,
    text,
)
from edge.core.heard_records import (
    Heard,
    HeardAudience,
    HeardAvailability,
    HeardCamera,
    HeardEvent,
    HeardFeedback,
    HeardMood,
    HeardPrivacy,
    HeardState,
    Origin,
)
from edge.core.lateness import Lateness
from edge.core.stamp import BOOT_MIN
from edge.core.topics import OFFLINE, ONLINE, PRIVACY_ON, PRIVACY_PAUSED, Topics
from edge.core.wire import SCHEMA_VERSION

__all__ = [
    "REASONS", "Ear", "EarSettings", "Heard", "HeardAudience", "HeardAvailability", "HeardCamera", "HeardEvent",
    "HeardFeedback", "HeardMood", "HeardPrivacy", "HeardState", "Origin",
]  # fmt: skip

REASONS = (
    "unknown_topic",
    "too_large",
    "malformed",  # not JSON, a field missing, a wrong type or range, not a number
    "other_schema",
    "other_unit",
    "retained",  # stored by the broker before we came, on a topic that tells of a moment
    "stale",
    "replayed",  # boot and seq seen before, or going backwards, or of a boot that is over
    "own",  # our own words come back
)
"""Why a message is left out."""
MAX_BYTES = 16_384
"""The longest of these messages, a mood, has about 600 bytes; a reason may have 2,000 characters."""
_BOOTS = 16
"""Boots remembered as over. A unit in a crash loop starts some times a minute; a broker keeps minutes."""
_MAX_BOOT = 64


class _OtherSchemaError(ValueError):
    pass


class _OtherUnitError(ValueError):
    pass


@dataclass(frozen=True, slots=True)
class EarSettings:
    """What counts as too late."""

    stale_s: float = 10.0
    """A mood, an event or an audience that took so much longer than usual tells of a moment that is over."""


class Ear:
    """Hears one unit. Memory is bounded whatever comes."""

    def __init__(self, topics: Topics, settings: EarSettings, *, own_boot: str = "") -> None:
        """``own_boot``: of the companion itself, whose own feedback comes back to it."""
        self._unit = topics.unit
        self._own_boot = own_boot
        self._settings = settings
        self._momentary: dict[str, Callable[[Json, Origin], Heard]] = {
            topics.emotion: read_mood,
            topics.event: read_event,
            topics.audience: read_audience,
        }
        self._lasting: dict[str, Callable[[Json, Origin], Heard]] = {
            topics.state: read_state,
            topics.camera: read_camera,
        }
        self._words: dict[str, Mapping[bytes, Heard]] = {
            topics.availability: {w.encode(): HeardAvailability(w == ONLINE) for w in (ONLINE, OFFLINE)},
            topics.privacy_state: {w.encode(): HeardPrivacy(w == PRIVACY_PAUSED) for w in (PRIVACY_ON, PRIVACY_PAUSED)},
        }
        self._feedback = f"{topics.root}/feedback"
        self.counts: Counter[str] = Counter(dict.fromkeys((*REASONS, "heard"), 0))
        """Messages left out, by REASONS, and ``heard``: those that became records."""
        self._last: dict[str, tuple[str, int]] = {}
        """Topic -> boot and seq of its newest message."""
        self._over: OrderedDict[str, None] = OrderedDict()
        """Boots that another has followed."""
        self._boot = ""
        self._lateness = Lateness()

    def hear(self, topic: str, payload: bytes, retained: bool, t_s: float) -> Heard | None:
        """The record of a message; None when it is left out. ``t_s``: monotonic seconds of its arrival.

        ``retained``: the broker had stored it. Never raises for anything in ``topic`` and ``payload``.
        """
        try:
            reason, heard = self._hear(topic, payload, retained, t_s)
        except _OtherSchemaError:
            reason, heard = "other_schema", None
        except _OtherUnitError:
            reason, heard = "other_unit", None
        except MALFORMED:
            reason, heard = "malformed", None
        self.counts[reason] += 1
        return heard

    def _hear(self, topic: str, payload: bytes, retained: bool, t_s: float) -> tuple[str, Heard | None]:
        if refusal := self._refuse_unread(topic, payload, retained):
            return refusal, None
        if topic in self._words:
            heard = self._words[topic].get(payload.strip())
            return ("malformed" if heard is None else "heard"), heard
        told = read_object(payload)
        return self._hear_feedback(told) if topic == self._feedback else self._hear_stamped(topic, told, retained, t_s)

    def _refuse_unread(self, topic: str, payload: bytes, retained: bool) -> str:
        if topic != self._feedback and not any(topic in of for of in (self._words, self._lasting, self._momentary)):
            return "unknown_topic"
        if len(payload) > MAX_BYTES:
            return "too_large"
        momentary = topic in self._momentary or topic == self._feedback
        return "retained" if retained and momentary else ""

    def _hear_stamped(self, topic: str, told: Json, retained: bool, t_s: float) -> tuple[str, Heard | None]:
        boot, seq, up_s = self._stamp(told)
        if boot in self._over or (boot == self._last.get(topic, ("", 0))[0] and seq <= self._last[topic][1]):
            return "replayed", None
        late_s = 0.0 if retained else self._lateness.of(boot, up_s, t_s)
        make = self._lasting.get(topic) or self._momentary[topic]
        heard = make(told, Origin(boot, seq, up_s, late_s, retained))
        self._last[topic] = (boot, seq)
        if not retained:  # a stored message may be of a boot before the one that speaks now
            self._follow(boot)
        stale = topic in self._momentary and late_s > self._settings.stale_s
        return ("stale", None) if stale else ("heard", heard)

    def _hear_feedback(self, told: Json) -> tuple[str, Heard | None]:
        """People write it by hand, so no stamp is needed; a stamped one is the companion's own."""
        if told.get("schema", SCHEMA_VERSION) != SCHEMA_VERSION:
            raise _OtherSchemaError
        if self._own_boot and told.get("boot") == self._own_boot:
            return "own", None
        return "heard", read_feedback(told)

    def _stamp(self, told: Json) -> tuple[str, int, float]:
        if told["schema"] != SCHEMA_VERSION or isinstance(told["schema"], bool):
            raise _OtherSchemaError
        if told["unit"] != self._unit:
            raise _OtherUnitError
        boot = text(told["boot"], _MAX_BOOT)
        if len(boot) < BOOT_MIN or not set(boot) <= HEX:
            raise ValueError("boot")
        return boot, count(told["seq"], at_least=1), number(told["up_s"], 0.0, MAX_COUNT)

    def _follow(self, boot: str) -> None:
        if self._boot and boot != self._boot:
            self._over[self._boot] = None
            while len(self._over) > _BOOTS:
                self._over.popitem(last=False)
        self._boot = boot
