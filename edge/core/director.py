"""Decides what the player is told. Pure: mood, ranked songs, the player's state and the time in, commands out.

The director keeps one programme: the songs that were ranked best when a mood had settled. A track of the programme
plays, and the next is always queued behind it; a new mood that has settled replaces the queued one, so that music
changes at the end of a track. What a person started by hand is never touched, and what a person stopped or paused stays
so for a while. While the mood is not known (paused for privacy, unit away) the music plays on and only choices stop.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edge.core.direction import TENSE, Ask, DirectorSettings, MoodNow, Offer
from edge.core.loudness import Loudness, Quiet
from edge.core.music import Command, DropNext, Heard, NowPlaying, Pause, Play, PlayerEvent, Resume, Skip
from edge.data import EMOTIONS, NOBODY

__all__ = ["TENSE", "Ask", "Director", "DirectorSettings", "MoodNow", "Offer", "Quiet"]


@dataclass(slots=True)
class _Programme:
    mood: str
    offers: tuple[Offer, ...]
    place: int = 0
    """Of the next song to queue; goes round."""
    begun: int = 0
    """Songs of it that have begun."""


class Director:
    """One player's music over time."""

    def __init__(self, settings: DirectorSettings) -> None:
        self._set = settings
        self._loudness = Loudness(
            usual_percent=settings.volume_percent,
            limit_percent=settings.volume_limit_percent,
            quiet=settings.quiet,
            never_louder=settings.vehicle,
        )
        self._programme: _Programme | None = None
        self._followed: str | None = None
        """Mood of the programme whose song began last."""
        self._changed_s: float | None = None
        """When music last followed another mood, audibly."""
        self._current: Offer | None = None
        """What of ours began last."""
        self._pending: Offer | None = None
        """What the player was told to play and has not begun."""
        self._failed_s: dict[str, float] = {}
        self._hands_off_until_s = -math.inf
        self._wait_until_s = -math.inf
        self._blocked_key = ""
        """During this song nothing is queued: a person has put something of theirs behind it."""

    def step(  # noqa: PLR0913 - all but the first by keyword
        self,
        t_s: float,
        *,
        hour: int,
        mood: MoodNow,
        offers: Sequence[Offer],
        heard: Heard,
        asks: Sequence[Ask] = (),
    ) -> list[Command]:
        """What to tell the player now. ``t_s``: monotonic seconds; ``hour``: local, 0-23; ``offers``: best first."""
        now = heard.now
        for event in heard.events:
            self._note(event, now, t_s)
        if now.state == "away":
            self._pending = None
            return []
        if now.key and not now.by_us:
            self._programme = self._pending = None
            return []
        if now.state == "playing":
            self._hands_off_until_s = -math.inf  # whoever pressed play wants music
        silent = self._loudness.silent(hour)
        usable = () if silent else tuple(offer for offer in offers if self._allowed(offer, mood, t_s))
        commands: list[Command] = []
        for ask in dict.fromkeys(asks):
            commands += self._obey(ask, usable, mood, now, t_s)
        if not commands and t_s >= self._hands_off_until_s:
            commands = self._go_on(usable, mood, now, t_s, silent=silent)
        starting = now.state == "stopped" and any(isinstance(command, Play) for command in commands)
        return [*self._loudness.step(hour, now, t_s, starting=starting), *commands]

    def _note(self, event: PlayerEvent, now: NowPlaying, t_s: float) -> None:
        """What the player told."""
        if event.kind == "started":
            self._begin(event.song_id, t_s)
        elif event.kind in ("hand_stopped", "hand_paused"):
            self._hands_off_until_s = t_s + self._set.hands_off_s
            if event.kind == "hand_stopped":
                self._programme = self._pending = None
        elif event.kind == "hand_played":  # their music; when it ends, the turn is ours again
            self._hands_off_until_s = -math.inf
            self._programme = self._pending = None
        elif event.kind == "failed" and event.song_id:
            self._failed_s = {key: s for key, s in self._failed_s.items() if t_s - s < self._set.failed_s}
            self._failed_s[event.song_id] = t_s
            self._pending, self._wait_until_s = None, -math.inf
        elif event.kind == "refused":
            self._pending, self._blocked_key = None, now.key
            self._wait_until_s = t_s + self._set.retry_s
        elif event.kind in ("lost", "back"):
            self._pending, self._blocked_key, self._wait_until_s = None, "", -math.inf

    def _begin(self, song_id: str, t_s: float) -> None:
        known = (*((self._pending,) if self._pending else ()), *(self._programme.offers if self._programme else ()))
        self._current = next((offer for offer in known if offer.song.id == song_id), None)
        self._pending, self._wait_until_s = None, -math.inf
        if self._programme is None or self._current not in self._programme.offers:
            return
        self._programme.begun += 1
        if self._programme.mood != self._followed:
            self._followed, self._changed_s = self._programme.mood, t_s

    def _obey(self, ask: Ask, usable: tuple[Offer, ...], mood: MoodNow, now: NowPlaying, t_s: float) -> list[Command]:
        """What a visitor asked for, at once."""
        if ask == "pause":
            self._hands_off_until_s = t_s + self._set.hands_off_s
            return [Pause()] if now.state == "playing" else []
        self._hands_off_until_s = -math.inf
        if ask == "resume" and now.state == "paused":
            return [Resume()]
        if (ask == "resume") != (now.state == "stopped"):
            return []
        if self._due(usable, mood, t_s) or (self._programme is None and usable):
            self._adopt(usable, mood.emotion or NOBODY)
        following = self._choose(mood, t_s) if usable else None
        if following is None:
            return [DropNext(), Skip()] if ask == "skip" else []
        return [self._play(following, "now", t_s)]

    def _go_on(
        self, usable: tuple[Offer, ...], mood: MoodNow, now: NowPlaying, t_s: float, *, silent: bool
    ) -> list[Command]:
        """What follows without anybody asking."""
        if t_s < self._wait_until_s or (now.state == "playing" and self._blocked_key == now.key):
            return []
        if now.state != "paused":
            return self._follow(usable, mood, now, t_s, silent=silent)
        if silent or not self._settled(mood, t_s):
            return []
        self._wait_until_s = t_s + self._set.retry_s  # paused long ago, and somebody is here again
        return [Resume()]

    def _follow(
        self, usable: tuple[Offer, ...], mood: MoodNow, now: NowPlaying, t_s: float, *, silent: bool
    ) -> list[Command]:
        """Sees to the song after the present one."""
        replace = self._due(usable, mood, t_s)
        if replace:
            self._adopt(usable, self._emotion(mood, t_s))
        over = silent or not self._may_go_on(mood, t_s)
        if self._pending is not None and now.state == "playing" and not replace:
            if not over and self._allowed(self._pending, mood, t_s):
                return []
            self._pending = None
            following = None if over else self._choose(mood, t_s)
            return [DropNext() if following is None else self._play(following, "next", t_s)]
        if over:
            self._programme = self._programme if now.state == "playing" else None
            return []
        following = self._choose(mood, t_s)
        return [] if following is None else [self._play(following, "next" if now.key else "now", t_s)]

    def _play(self, offer: Offer, at: Literal["now", "next"], t_s: float) -> Play:
        self._pending = offer
        self._wait_until_s = t_s + self._set.retry_s if at == "now" else -math.inf
        return Play(offer.song, at)

    # Judgement ------------------------------------------------------------------------------------------------------

    def _due(self, usable: tuple[Offer, ...], mood: MoodNow, t_s: float) -> bool:
        """Music may follow another mood now."""
        emotion = self._emotion(mood, t_s)
        if not usable or not emotion or (self._programme is not None and self._programme.mood == emotion):
            return False
        if emotion == NOBODY and self._programme is None:
            return False  # music goes on in an empty room, if so set, but does not begin in it
        return self._changed_s is None or t_s - self._changed_s >= self._set.change_s

    def _emotion(self, mood: MoodNow, t_s: float) -> str:
        """The mood that music should follow; empty while none has settled."""
        if self._nobody(mood, t_s) and self._set.alone == "neutral":
            return NOBODY
        return (mood.emotion or "") if self._settled(mood, t_s) else ""

    def _settled(self, mood: MoodNow, t_s: float) -> bool:
        certain = mood.emotion in EMOTIONS and mood.confidence >= self._set.confidence_floor
        return certain and t_s - mood.since_s >= self._set.stable_s

    def _nobody(self, mood: MoodNow, t_s: float) -> bool:
        return mood.emotion == NOBODY and t_s - mood.since_s >= self._set.alone_s

    def _may_go_on(self, mood: MoodNow, t_s: float) -> bool:
        """Another song of the programme may follow."""
        if self._programme is None:
            return False
        listed = self._programme.begun < self._set.list_songs
        if self._nobody(mood, t_s):
            return {"stop": False, "list": listed, "neutral": True}[self._set.alone]
        return mood.emotion is not None or listed

    def _allowed(self, offer: Offer, mood: MoodNow, t_s: float) -> bool:
        if t_s - self._failed_s.get(offer.song.id, -math.inf) < self._set.failed_s:
            return False
        if not self._set.vehicle or mood.emotion not in TENSE:
            return True
        now = self._set.tense_energy_max if self._current is None else self._current.energy
        return offer.energy <= min(now, self._set.tense_energy_max)

    def _adopt(self, usable: tuple[Offer, ...], emotion: str) -> None:
        self._programme = _Programme(emotion, usable)

    def _choose(self, mood: MoodNow, t_s: float) -> Offer | None:
        """The next song of the programme; the one that plays only when there is no other."""
        programme = self._programme
        if programme is None:
            return None
        places = [(programme.place + step) % len(programme.offers) for step in range(len(programme.offers))]
        fitting = [place for place in places if self._allowed(programme.offers[place], mood, t_s)]
        current = "" if self._current is None else self._current.song.id
        others = [place for place in fitting if programme.offers[place].song.id != current]
        if not fitting:
            return None
        place = (others or fitting)[0]
        programme.place = (place + 1) % len(programme.offers)
        return programme.offers[place]
