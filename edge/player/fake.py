"""A player without sound that keeps time by ``poll``, records what it was told and can be made to misbehave."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import count

from edge.core.music import (
    Command,
    DropNext,
    Find,
    Follower,
    Heard,
    NowPlaying,
    Pause,
    Play,
    PlayerEvent,
    Resume,
    SetVolume,
    Skip,
    Song,
    Stop,
)
from edge.player.player import MqttPort, PlayerSettings

_MAX_RECORDED = 1000


def make(settings: PlayerSettings, port: MqttPort | None = None) -> FakePlayer:  # noqa: ARG001 - same for all players
    """Needs nothing."""
    return FakePlayer()


@dataclass
class _Sounding:
    """What is in the fake's loudspeaker."""

    song: Song
    by_us: bool
    key: str
    elapsed_s: float = 0.0


class FakePlayer:
    """Plays songs of ``song_s`` seconds. All its verbs work at the time of the next ``poll``."""

    def __init__(self, *, song_s: float = 180.0, unplayable: frozenset[str] = frozenset(), volume: int = 50) -> None:
        """``unplayable``: ids that ``Find`` does not find and ``Play`` fails at."""
        self.told: deque[Command] = deque(maxlen=_MAX_RECORDED)
        """Every command since the start, the refused ones included."""
        self.song_s = song_s
        self.unplayable = unplayable
        self._keys = count(1)
        self._state = NowPlaying(state="stopped", volume_percent=volume)
        self._sounding: _Sounding | None = None
        self._next: Song | None = None
        self._playable: frozenset[str] = frozenset()
        self._connected = True
        self._follower = Follower(slack_s=0.5)
        self._events: list[PlayerEvent] = []
        self._now_s: float | None = None

    # The contract ---------------------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        """Records it, then does it."""
        self.told.append(command)
        if isinstance(command, Find):
            self._playable = frozenset(song.id for song in command.songs if song.id not in self.unplayable)
        elif not self._connected:
            self._events.append(PlayerEvent("refused", _song_id(command), "the player is away"))
        elif isinstance(command, SetVolume):
            self._state = replace(self._state, volume_percent=command.percent)
        elif self._sounding is not None and not self._sounding.by_us:
            self._events.append(PlayerEvent("refused", _song_id(command), "a song started by hand is on"))
        elif isinstance(command, Play):
            self._play(command)
        else:
            self._steer(command)

    def poll(self, now_s: float) -> Heard:
        """Lets the time since the last call pass in the song."""
        passed_s = 0.0 if self._now_s is None else max(0.0, now_s - self._now_s)
        self._now_s = now_s
        self._let_pass(passed_s)
        now = self._now()
        self._events += self._follower.observe(now, now_s)
        self._state = replace(self._state, error="")
        events, self._events = tuple(self._events), []
        return Heard(now, events, self._playable if self._connected else frozenset())

    def close(self) -> None:
        """Nothing to close."""

    # Verbs for tests and demonstrations -----------------------------------------------------------------------------

    def end_track(self) -> None:
        """The song comes to its end."""
        if self._sounding is not None:
            self._observe()
            self._sounding.elapsed_s = self.song_s
            self._observe()
            self._let_pass(0.0)

    def person_plays(self, title: str = "Something of their own") -> None:
        """Somebody starts a song by hand, whatever was on."""
        self._next = None
        self._sounding = _Sounding(Song("", title), by_us=False, key=str(next(self._keys)))
        self._state = replace(self._state, state="playing", ran_out=False)

    def person_pauses(self) -> None:
        """Somebody presses pause."""
        self._state = replace(self._state, state="paused")

    def person_stops(self) -> None:
        """Somebody presses stop."""
        self._halt(ran_out=False)

    def person_skips(self) -> None:
        """Somebody presses next."""
        self._on_to_next()

    def person_turns(self, percent: int) -> None:
        """Somebody turns the knob."""
        self._state = replace(self._state, volume_percent=percent)

    def break_song(self, reason: str = "cannot decode") -> None:
        """The song cannot be played on."""
        self._halt(ran_out=False)
        self._state = replace(self._state, error=reason)

    def fail(self) -> None:
        """The player goes away, with what it played."""
        self._connected = False
        self._halt(ran_out=True)

    def come_back(self) -> None:
        """The player is there again, silent."""
        self._connected = True

    # Inside ---------------------------------------------------------------------------------------------------------

    def _play(self, command: Play) -> None:
        if command.song.id in self.unplayable:
            self._events.append(PlayerEvent("failed", command.song.id, "no such song"))
        elif command.at == "next" and self._sounding is not None:
            self._next = command.song
        else:
            if self._sounding is not None:
                self._follower.ask("skip", self._now_s or 0.0)
            self._start(command.song)

    def _steer(self, command: DropNext | Pause | Resume | Stop | Skip) -> None:
        if isinstance(command, Pause) and self._sounding is not None:
            self._follower.ask("pause", self._now_s or 0.0)
            self._state = replace(self._state, state="paused")
        elif isinstance(command, Resume) and self._sounding is not None:
            self._state = replace(self._state, state="playing")
        elif isinstance(command, Stop):
            self._follower.ask("stop", self._now_s or 0.0)
            self._halt(ran_out=False)
        elif isinstance(command, Skip) and self._sounding is not None:
            self._follower.ask("skip", self._now_s or 0.0)
            self._on_to_next()
        elif isinstance(command, DropNext):
            self._next = None

    def _start(self, song: Song) -> None:
        self._next = None
        self._sounding = _Sounding(song, by_us=True, key=str(next(self._keys)))
        self._state = replace(self._state, state="playing", ran_out=False)

    def _on_to_next(self) -> None:
        if self._next is not None:
            self._start(self._next)
        else:
            self._halt(ran_out=True)

    def _halt(self, *, ran_out: bool) -> None:
        self._sounding = self._next = None
        self._state = replace(self._state, state="stopped", ran_out=ran_out)

    def _let_pass(self, passed_s: float) -> None:
        if self._sounding is None or self._state.state != "playing":
            return
        self._sounding.elapsed_s += passed_s
        if self._sounding.elapsed_s >= self.song_s:
            self._on_to_next()

    def _observe(self) -> None:
        self._events += self._follower.observe(self._now(), self._now_s or 0.0)

    def _now(self) -> NowPlaying:
        if not self._connected:
            return NowPlaying(error="the fake was told to fail")
        if self._sounding is None:
            return self._state
        song = self._sounding.song
        return replace(
            self._state,
            key=self._sounding.key,
            title=song.title,
            artist=song.creator,
            uri=song.uri or song.file,
            by_us=self._sounding.by_us,
            song_id=song.id,
            elapsed_s=self._sounding.elapsed_s,
            duration_s=self.song_s,
        )


def _song_id(command: Command) -> str:
    return command.song.id if isinstance(command, Play) else ""
