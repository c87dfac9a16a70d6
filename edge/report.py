"""What the daemon tells: records to topics, with quality of service, retention and expiry. Nothing is decided here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edge.core import wire
from edge.core.stamp import Stamp, Stamper
from edge.core.topics import Topics
from edge.data import Audience, EmotionEvent, Health, Person
from edge.machine import clock_synced
from edge.mqtt import MqttLink

_SYNC_CHECK_S = 10.0
"""The clock of a Pi is set once, some seconds after the network is up; asking more often tells nothing new."""


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """``model``: first 8 digits of the network's sha256. Ages and expiry in seconds."""

    model: str
    event_max_age_s: float
    emotion_expiry_s: int


class Reporter:
    """Stamps and publishes. Messages of which only the newest counts carry their topic as key in the outbox."""

    def __init__(
        self,
        link: MqttLink,
        topics: Topics,
        stamper: Stamper,
        settings: ReportSettings,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._link = link
        self._topics = topics
        self._stamper = stamper
        self._set = settings
        self._wall = wall
        self._synced = clock_synced()
        self._synced_at_s = time.monotonic()

    def change(self, settings: ReportSettings) -> None:
        """Other ages and expiry from now on."""
        self._set = settings

    def event(self, event: EmotionEvent, t_s: float) -> None:
        """``t_s``: monotonic seconds of what happened, also below."""
        payload = wire.event(self._stamp(t_s), event, model=self._set.model)
        self._link.publish(self._topics.event, payload, max_age_s=self._set.event_max_age_s)

    def emotion(self, people: Sequence[Person], t_s: float) -> None:
        payload = wire.emotion(self._stamp(t_s), people, model=self._set.model)
        expiry_s = self._set.emotion_expiry_s
        self._newest(self._topics.emotion, payload, retain=False, expiry_s=expiry_s, max_age_s=float(expiry_s))

    def audience(self, audience: Audience, t_s: float) -> None:
        self._newest(self._topics.audience, wire.audience(self._stamp(t_s), audience), retain=False)

    def state(self, state: wire.UnitState, reason: str, t_s: float) -> None:
        self._newest(self._topics.state, wire.state(self._stamp(t_s), state, reason))

    def camera(self, state: wire.CameraState, reason: str, t_s: float) -> None:
        self._newest(self._topics.camera, wire.camera(self._stamp(t_s), state, reason))

    def health(self, health: Health, t_s: float) -> None:
        self._newest(self._topics.health, wire.health(self._stamp(t_s), health))

    def info(
        self, t_s: float, *, versions: Mapping[str, str], model_sha256: str, settings: Mapping[str, object]
    ) -> None:
        payload = wire.info(
            self._stamp(t_s),
            versions=versions,
            model=self._set.model,
            model_sha256=model_sha256,
            settings=settings,
        )
        self._newest(self._topics.info, payload)

    def privacy(self, *, paused: bool) -> None:
        self._newest(self._topics.privacy_state, wire.privacy_state(paused=paused))

    def discovery(self, topic: str, payload: wire.Payload | str) -> None:
        """An empty text takes the device away."""
        self._newest(topic, payload)

    def response(self, verb: str, payload: wire.Payload) -> None:
        self._link.publish(self._topics.response(verb), payload, max_age_s=self._set.event_max_age_s)

    def _newest(
        self,
        topic: str,
        payload: wire.Payload | str,
        *,
        retain: bool = True,
        expiry_s: int | None = None,
        max_age_s: float | None = None,
    ) -> None:
        self._link.publish(topic, payload, retain=retain, key=topic, expiry_s=expiry_s, max_age_s=max_age_s)

    def _stamp(self, t_s: float) -> Stamp:
        now_s = time.monotonic()
        if now_s - self._synced_at_s > _SYNC_CHECK_S:
            self._synced, self._synced_at_s = clock_synced(), now_s
        # The wall clock of the moment meant, not of the moment of writing: an event may be some frames old.
        return self._stamper.stamp(t_s, self._wall() - (now_s - t_s), synced=self._synced)
