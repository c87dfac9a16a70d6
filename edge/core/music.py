"""What a player is told, and what it tells: records, and how its events are read from what it says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PlayState = Literal["playing", "paused", "stopped", "away"]
"""``away``: no connection to the player; nothing is known about it."""
EventKind = Literal[
    "started",  # a song of ours begins to sound
    "ended",  # a song of ours played to its end
    "skipped",  # a song of ours was left before its end, by us or by hand
    "hand_played",  # a song begins that is not ours
    "hand_paused",  # somebody else paused
    "hand_stopped",  # somebody else stopped the music before its end
    "lost",  # the connection is gone
    "back",  # the connection is there again
    "refused",  # a command was not carried out: it would have disturbed what a person started, or the player is away
    "failed",  # a command or a song did not work, see `reason`
]


@dataclass(frozen=True, slots=True)
class Song:
    """What a player needs to know of an item of the catalogue."""

    id: str
    """Of the item."""
    title: str
    creator: str = ""
    uri: str = ""
    """Address that a player opens. Empty: none."""
    file: str = ""
    """Path inside the player's music folder. Empty: none. Without both, the player searches by creator and title."""


@dataclass(frozen=True, slots=True)
class Play:
    """Play a song: ``now``, or after the present one in place of whatever of ours was to come ``next``."""

    song: Song
    at: Literal["now", "next"] = "now"


@dataclass(frozen=True, slots=True)
class DropNext:
    """Forget the song of ours that was to come next; the present one plays to its end."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause our song."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with our paused song."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop our song and forget the next one."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave our song: the next one begins, or the music ends."""


@dataclass(frozen=True, slots=True)
class SetVolume:
    """Loudness, 0-100 percent of what the player can do."""

    percent: int


@dataclass(frozen=True, slots=True)
class Find:
    """Find out which of these songs can be played; the answer is ``Heard.playable``. Replaces the last such list."""

    songs: tuple[Song, ...]


Command = Play | DropNext | Pause | Resume | Stop | Skip | SetVolume | Find


@dataclass(frozen=True, slots=True)
class NowPlaying:
    """What the player does at one moment."""

    state: PlayState = "away"
    key: str = ""
    """Another value for each song that begins; empty while nothing plays."""
    title: str = ""
    artist: str = ""
    uri: str = ""
    by_us: bool = False
    """The song was started by Moodcast; False for everything a person started."""
    song_id: str = ""
    """Of the catalogue's item when ``by_us``."""
    elapsed_s: float = 0.0
    duration_s: float | None = None
    """None: not known, as for radio."""
    volume_percent: int | None = None
    """None: the player does not tell."""
    ran_out: bool = False
    """Stopped because there was nothing more to play, not because somebody stopped it."""
    error: str = ""
    """Why the player could not play a song, told once."""


@dataclass(frozen=True, slots=True)
class PlayerEvent:
    """Something that happened in the player."""

    kind: EventKind
    song_id: str = ""
    """Of the catalogue's item, where it is about one."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a player tells when asked."""

    now: NowPlaying = NowPlaying()
    events: tuple[PlayerEvent, ...] = ()
    """Since the last time, oldest first."""
    playable: frozenset[str] = frozenset()
    """Ids of the songs of the last ``Find`` that the player can play, as far as it has looked."""


Verb = Literal["pause", "stop", "skip"]


class Follower:
    """Tells events from successive ``NowPlaying``. Every player uses it, so that all mean the same by an event."""

    def __init__(self, *, slack_s: float = 1.0, patience_s: float = 5.0) -> None:
        """``slack_s``: a song left so shortly before its end has ended (reports come late, and a crossfade takes part
        of the end). ``patience_s``: a change so soon after our own command is its effect."""
        self._slack_s = slack_s
        self._patience_s = patience_s
        self._last = NowPlaying()
        self._last_s = 0.0
        self._asked_s: dict[Verb, float] = {}

    def ask(self, verb: Verb, t_s: float) -> None:
        """We told the player to do this at ``t_s``: when it happens, it was not done by hand."""
        self._asked_s[verb] = t_s

    def observe(self, now: NowPlaying, t_s: float) -> tuple[PlayerEvent, ...]:
        """Events between the last call and this one at ``t_s`` (monotonic seconds)."""
        last = self._last
        events: list[PlayerEvent] = []
        if now.state == "away":
            events += [] if last.state == "away" else [PlayerEvent("lost", reason=now.error)]
        elif last.state == "away":
            events.append(PlayerEvent("back"))
        if now.state != "away":
            events += self._of_song(last, now, t_s)
            paused = now.state == "paused" and last.state == "playing" and now.key == last.key
            if paused and not self._was_asked("pause", t_s):
                events.append(PlayerEvent("hand_paused", now.song_id))
        self._last, self._last_s = now, t_s
        return tuple(events)

    def _of_song(self, last: NowPlaying, now: NowPlaying, t_s: float) -> list[PlayerEvent]:
        events: list[PlayerEvent] = []
        if last.key and now.key != last.key:
            asked_stop, asked_skip = self._was_asked("stop", t_s), self._was_asked("skip", t_s)
            ended = self._reached_end(last, now, t_s) and not asked_stop and not asked_skip
            if now.error:
                events.append(PlayerEvent("failed", last.song_id, now.error))
            elif last.by_us:
                events.append(PlayerEvent("ended" if ended else "skipped", last.song_id))
            halted = now.state == "stopped" and not now.ran_out and not now.error
            if halted and not ended and not asked_stop and not asked_skip:
                events.append(PlayerEvent("hand_stopped", last.song_id))
        elif now.error:
            events.append(PlayerEvent("failed", now.song_id, now.error))
        if now.key and now.key != last.key:
            events.append(PlayerEvent("started", now.song_id) if now.by_us else PlayerEvent("hand_played"))
        return events

    def _reached_end(self, last: NowPlaying, now: NowPlaying, t_s: float) -> bool:
        if last.duration_s is None:
            return now.ran_out or now.by_us  # radio has no end, but a player may not know the length of a file either
        moved_s = t_s - self._last_s if last.state == "playing" else 0.0
        return last.elapsed_s + moved_s >= last.duration_s - self._slack_s

    def _was_asked(self, verb: Verb, t_s: float) -> bool:
        asked_s = self._asked_s.pop(verb, None)  # one command has one effect
        return asked_s is not None and t_s - asked_s <= self._patience_s
