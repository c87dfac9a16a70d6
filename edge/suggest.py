"""What the companion tells over MQTT: choices, what plays, feedback, the pause. Nothing is decided here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from edge.core import companion_wire, wire
from edge.core.music import NowPlaying
from edge.core.stamp import Stamp, Stamper
from edge.core.suggestion import Choice
from edge.core.topics import Topics
from edge.core.view import View
from edge.machine import clock_synced
from edge.mqtt import MqttLink

_FEEDBACK_AGE_S = 60.0
_PLAYER_AGE_S = 5.0
"""A command to a player that could not be sent for so long is void: nobody wants the music of minutes ago."""


class Teller:
    """Stamps and publishes."""

    def __init__(
        self, link: MqttLink, topics: Topics, stamper: Stamper, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._link = link
        self._topics = topics
        self._stamper = stamper
        self._wall = wall

    def recommendation(self, choices: Sequence[Choice], view: View, people: int, t_s: float) -> None:
        """``choices``: those on the page. ``t_s``: monotonic seconds, as below."""
        payload = companion_wire.recommendation(
            self._stamp(t_s), choices, tone=view.tone, wish=view.wish, people=min(max(people, 1), 2)
        )
        self._link.publish(self._topics.recommendation, payload, key=self._topics.recommendation)

    def playing(self, now: NowPlaying, t_s: float) -> None:
        known = None
        if now.state not in ("away", "stopped"):
            known = {
                "item_id": now.song_id or None,
                "title": now.title[: wire.MAX_TEXT],
                "artist": now.artist[: wire.MAX_TEXT],
                "state": now.state,
                "by_us": now.by_us,
                "volume": now.volume_percent,
            }
        self._link.publish(self._topics.now_playing, companion_wire.now_playing(self._stamp(t_s), known), retain=True)

    def feedback(self, kind: str, what: str, source: str, t_s: float) -> None:
        about_item = kind in ("like", "skip", "finished")
        payload = companion_wire.feedback(
            self._stamp(t_s),
            kind=kind,
            item_id=what if about_item and what else None,
            value=None if about_item or not what else what,
            source=source,
        )
        self._link.publish(self._topics.feedback, payload, max_age_s=_FEEDBACK_AGE_S)

    def pause(self, *, paused: bool) -> None:
        """Asks the unit to close or open its camera."""
        self._link.publish(self._topics.privacy_set, wire.privacy_state(paused=paused), max_age_s=_FEEDBACK_AGE_S)

    def player(self, command: Mapping[str, object]) -> None:
        """To the player that speaks MQTT."""
        self._link.publish(self._topics.player_set, command, max_age_s=_PLAYER_AGE_S)

    def _stamp(self, t_s: float) -> Stamp:
        return self._stamper.stamp(t_s, self._wall(), synced=clock_synced())
