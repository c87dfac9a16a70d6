"""Daemon 2, its loop: MQTT -> mood -> choices -> page and player, and what people touch on the way back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edge.core.direction import Ask, Offer
from edge.core.director import Director
from edge.core.heard import Ear, HeardFeedback
from edge.core.history import History
from edge.core.known import Known
from edge.core.music import Find, NowPlaying
from edge.core.policy import Settings
from edge.core.presentation import Presenter
from edge.core.recommend import Index, recommend
from edge.core.suggestion import Action, Choice, Goal, Past, Situation
from edge.core.topics import Topics
from edge.core.view import Card, Playing, Sight, TouchKind, View
from edge.mqtt import MqttLink, Received
from edge.notify import Notifier
from edge.player.player import Player, song_of
from edge.privacy import save_or_warn
from edge.store import StateFile
from edge.suggest import Teller
from edge.web.keeper import KeptPage

_log = logging.getLogger(__name__)

_TICK_S = 0.05
"""How late a message or a touch may be noticed. A glow must come within 0.3 s of a face, a touch is answered by the
page itself at once."""
_OFFERED = 8
"""Choices made at a time: the page shows three, the others step in where one is skipped."""
_SONGS = 12
_SONGS_AGAIN_S = 10.0
"""How often the songs for the present mood are ranked anew; the director itself changes music far more rarely."""
_STATE_S = 1.0
_STOP_S = 0.8


@dataclass(frozen=True, slots=True)
class CompanionSettings:
    """Times in seconds."""

    goal: Goal
    policy: Settings
    stale_s: float
    """A mood not heard again for so long counts as gone."""
    plays: bool
    """There is a player."""


@dataclass(frozen=True, slots=True)
class CompanionParts:
    """Everything the loop drives, made by ``edge.companion``."""

    link: MqttLink
    topics: Topics
    ear: Ear
    presenter: Presenter
    page: KeptPage | None
    player: Player
    director: Director
    index: Index
    history: History
    state: StateFile
    teller: Teller
    notifier: Notifier
    player_inbox: list[bytes]
    """Where payloads of ``player/state`` go, for the player that speaks MQTT."""


class CompanionLoop:
    """``run`` returns when ``stop`` was called."""

    def __init__(
        self,
        parts: CompanionParts,
        settings: CompanionSettings,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._p = parts
        self._set = settings
        self._wall = wall
        self._stopping = False
        self._known = Known(stale_s=settings.stale_s)
        self._asks: list[Ask] = []
        self._offers: tuple[Offer, ...] = ()
        self._offers_for: tuple[object, ...] = ()
        self._offers_s = -float("inf")
        self._playing = NowPlaying()
        self._shown: View | None = None
        self._state_s = -float("inf")
        self._told_playing: NowPlaying | None = None

    @property
    def ear_counts(self) -> dict[str, int]:
        """Messages heard, and those left out by reason."""
        return dict(self._p.ear.counts)

    def stop(self) -> None:
        """Asks the loop to end; may be called from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Runs until ``stop``. Raises what ended the link's or the player's thread, if a bug did."""
        self._p.link.start()
        if self._set.plays:
            songs = tuple(song_of(item) for item in self._p.index.items if item.kind == "music")
            self._p.player.command(Find(songs))
        self._p.notifier.ready()
        try:
            while not self._stopping:
                self.step(time.monotonic())
                self._p.notifier.watchdog()
                time.sleep(_TICK_S)
        finally:
            self._p.notifier.stopping()
            self._p.link.stop(_STOP_S)
            self._p.player.close()
            if self._p.page is not None:
                self._p.page.stop(_STOP_S)

    def step(self, now_s: float) -> None:
        """One turn: what was heard, what was touched, what is shown, what is played."""
        for message in self._p.link.poll():
            self._hear(message, now_s)
        for touch in self._p.page.poll() if self._p.page is not None else ():
            self._touched(touch.kind, touch.what, "page", now_s)
        self._known.forget(now_s)
        self._show(now_s)
        self._play(now_s)
        self._state(now_s)

    # --- in ----------------------------------------------------------------------------------------------------------

    def _hear(self, message: Received, now_s: float) -> None:
        if message.topic == self._p.topics.player_state:
            if not message.retained:
                self._p.player_inbox.append(message.payload)
            return
        heard = self._p.ear.hear(message.topic, message.payload, message.retained, now_s)
        self._known.hear(heard, now_s)
        if isinstance(heard, HeardFeedback):
            self._touched(heard.kind, heard.item_id or heard.value, "mqtt", now_s)

    def _touched(self, kind: TouchKind, what: str, source: str, now_s: float) -> None:
        """A visitor asked for something, on the page or over MQTT."""
        self._p.presenter.touch(kind, what, now_s)
        done: dict[str, Action] = {"like": "liked", "skip": "skipped", "finished": "finished"}
        if kind in done and what in self._p.index.row:
            self._remember(what, done[kind])
        if kind in ("pause", "resume"):
            self._p.teller.pause(paused=kind == "pause")
        elif kind == "skip" and what == self._playing.song_id:
            self._asks.append("skip")
        if source != "mqtt":
            self._p.teller.feedback(kind, what, source, now_s)

    def _remember(self, item_id: str, action: Action) -> None:
        self._p.history.add(item_id, action, self._wall())
        if action in ("liked", "skipped", "finished"):  # on purpose, so it survives a restart; rare, so it may write
            save_or_warn(self._p.state, {**self._p.state.load(), "history": self._p.history.as_json()})

    # --- out: the page -----------------------------------------------------------------------------------------------

    def _show(self, now_s: float) -> None:
        presenter = self._p.presenter
        view = presenter.update(self._sight(now_s), now_s)
        if presenter.wants_new_cards(now_s):
            choices = recommend(self._situation(now_s), self._p.index, self._pasts(), self._set.policy, n=_OFFERED)
            presenter.offer([Card.of(choice) for choice in choices], now_s)
            view = presenter.view(now_s)
            self._tell(view, choices, now_s)
        if view != self._shown:
            self._shown = view
            if self._p.page is not None:
                self._p.page.show(view.as_dict())

    def _tell(self, view: View, choices: Sequence[Choice], now_s: float) -> None:
        shown = {card.id for card in view.cards}
        chosen = [choice for choice in choices if choice.item.id in shown]
        for choice in chosen:
            self._remember(choice.item.id, "shown")
        if chosen:
            self._p.teller.recommendation(chosen, view, self._known.people, now_s)

    def _state(self, now_s: float) -> None:
        """For ``GET /api/state``: how the companion is doing; nothing of anyone."""
        if self._p.page is None or now_s - self._state_s < _STATE_S:
            return
        self._state_s = now_s
        stats = self._p.link.stats()
        self._p.page.set_state(
            {
                "unit": self._p.topics.unit,
                "broker": stats.connected,
                "unit_online": self._known.online,
                "paused": self._known.paused,
                "items": len(self._p.index),
                "player": self._playing.state,
                "messages": self.ear_counts,
                "dropped": stats.dropped,
            }
        )

    def _sight(self, now_s: float) -> Sight:
        playing = None
        if self._playing.state == "playing" and self._playing.title:
            playing = Playing(self._playing.song_id if self._playing.by_us else "", self._playing.title)
        return self._known.sight(now_s, connected=self._p.link.stats().connected, playing=playing)

    def _situation(self, now_s: float) -> Situation:
        local = time.localtime(self._wall())
        return replace(
            self._known.situation(),
            goal=self._set.goal,
            hour=local.tm_hour,
            weekday=local.tm_wday,
            language=self._p.presenter.language,
            wish=self._p.presenter.wish(now_s),
        )

    def _pasts(self) -> list[Past]:
        return self._p.history.pasts(self._wall())

    # --- out: the player ---------------------------------------------------------------------------------------------

    def _play(self, now_s: float) -> None:
        heard = self._p.player.poll(now_s)
        self._playing = heard.now
        for event in heard.events:
            if event.kind == "started" and event.song_id:
                self._remember(event.song_id, "played")
            elif event.kind == "ended" and event.song_id:
                self._remember(event.song_id, "finished")
            elif event.kind == "failed":
                _log.warning("player: %s %s", event.song_id, event.reason)
        if self._changed_playing(heard.now):
            self._told_playing = heard.now
            self._p.teller.playing(heard.now, now_s)
        if not self._set.plays:
            return
        asks, self._asks = self._asks, []
        commands = self._p.director.step(
            now_s,
            hour=time.localtime(self._wall()).tm_hour,
            mood=self._known.mood_now(),
            offers=self._songs(heard.playable, now_s),
            heard=heard,
            asks=asks,
        )
        for command in commands:
            self._p.player.command(command)

    def _songs(self, playable: frozenset[str], now_s: float) -> tuple[Offer, ...]:
        """The best songs that the player can play, ranked anew when the mood changed and now and then."""
        key = (self._known.emotion, self._p.presenter.wish(now_s), len(playable))
        if key != self._offers_for or now_s - self._offers_s >= _SONGS_AGAIN_S:
            self._offers_for, self._offers_s = key, now_s
            policy = replace(self._set.policy, kinds=("music",))
            choices = recommend(self._situation(now_s), self._p.index, self._pasts(), policy, n=_SONGS * 4)
            able = [choice.item for choice in choices if choice.item.id in playable][:_SONGS]
            self._offers = tuple(Offer(song_of(item), item.energy) for item in able)
        return self._offers

    def _changed_playing(self, now: NowPlaying) -> bool:
        last = self._told_playing
        return last is None or (now.key, now.state, now.volume_percent) != (last.key, last.state, last.volume_percent)
