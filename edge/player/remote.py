"""Any player behind MQTT: what to do goes out on ``player/set``, what it does comes in on ``player/state``.

Made for Home Assistant's blueprint (``config/home-assistant``), open to anything that speaks the two topics
(``docs/speaker.md``). Most such players have no queue, so the next song is kept here and sent when the present one has
ended. A player may tell another address than it was given, so what begins soon after our ``play`` counts as ours.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

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
    PlayState,
    Resume,
    SetVolume,
    Skip,
    Song,
    Stop,
)
from edge.errors import ConfigError
from edge.player.player import MqttPort, PlayerSettings

PATIENCE_S = 10.0
"""What begins so soon after our ``play`` is ours: a speaker that wakes up takes seconds."""
_SLACK_S = 4.0
"""Home Assistant tells the position seldom, and a state change takes about a second to come here."""
_MAX_BYTES = 8192
_MAX_TEXT = 2000
_MAX_S = 1e6
_EVENTS_MAX = 256
_STATES: dict[str, PlayState] = {
    "playing": "playing",
    "buffering": "playing",
    "paused": "paused",
    "idle": "stopped",
    "off": "stopped",
    "on": "stopped",
    "standby": "stopped",
    "unavailable": "away",
    "unknown": "away",
}
"""The states of a Home Assistant ``media_player``."""


def make(settings: PlayerSettings, port: MqttPort | None = None) -> RemotePlayer:
    """Raises ConfigError without a port."""
    if port is None:
        raise ConfigError(["player `mqtt` needs the MQTT connection of the companion"])
    return RemotePlayer(settings, port)


class RemotePlayer:
    """Works in the calls themselves: sending and receiving only touch queues."""

    def __init__(
        self, settings: PlayerSettings, port: MqttPort, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._set = settings
        self._port = port
        self._clock = clock
        self._follower = Follower(slack_s=_SLACK_S, patience_s=PATIENCE_S)
        self._events: deque[PlayerEvent] = deque(maxlen=_EVENTS_MAX)  # only who never polls loses any
        self._playable: frozenset[str] = frozenset()
        self._now, self._now_s = NowPlaying(), -math.inf
        self._ours: Song | None = None
        """Our song, as long as it is what plays."""
        self._asked: Song | None = None
        """The song we asked for and have not seen yet."""
        self._asked_s = -math.inf
        self._sound = ("", "")
        """Address and title that the player tells for what plays."""
        self._count = 0
        self._began_s = 0.0
        self._next: Song | None = None
        self.malformed = 0
        """Messages on ``player/state`` that made no sense."""

    def command(self, command: Command) -> None:
        """Sends it."""
        now_s = self._clock()
        if isinstance(command, Find):
            self._playable = frozenset(song.id for song in command.songs if self._address(song))
        elif self._now.state == "away":
            self._refuse(command, "the player is away")
        elif isinstance(command, SetVolume):
            self._send("volume", volume=min(max(command.percent, 0), 100))
        elif self._now.key and not self._now.by_us and not isinstance(command, DropNext):
            self._refuse(command, "a song started by hand is on")
        elif isinstance(command, Play):
            self._play(command, now_s)
        else:
            self._steer(command, now_s)

    def poll(self, now_s: float) -> Heard:
        """Reads what came in. ``elapsed_s`` is carried on to ``now_s``."""
        for payload in self._port.receive():
            self._hear(payload, now_s)
        if self._now.state != "away" and now_s - self._now_s > self._set.silent_s:
            self._observe(NowPlaying(error=f"no player/state for {self._set.silent_s:.0f} s"), now_s)
        events = tuple(self._events)
        self._events.clear()
        now = self._now
        if now.state == "playing":
            elapsed_s = now.elapsed_s + max(0.0, now_s - self._now_s)
            now = replace(now, elapsed_s=elapsed_s if now.duration_s is None else min(elapsed_s, now.duration_s))
        return Heard(now, events, frozenset() if now.state == "away" else self._playable)

    def close(self) -> None:
        """Nothing to close: the connection is not ours."""

    def _play(self, command: Play, now_s: float) -> None:
        if not self._address(command.song):
            self._events.append(PlayerEvent("failed", command.song.id, "the item has no address to play"))
        elif command.at == "next" and self._now.key:
            self._next = command.song
        else:
            if self._now.key:
                self._follower.ask("skip", now_s)
            self._begin(command.song, now_s)

    def _begin(self, song: Song, now_s: float) -> None:
        self._next = None
        self._asked, self._asked_s = song, now_s
        self._send("play", id=song.id, title=song.title, creator=song.creator, uri=self._address(song))

    def _steer(self, command: DropNext | Pause | Resume | Stop | Skip, now_s: float) -> None:
        if isinstance(command, DropNext):
            self._next = None
        elif not self._now.key:
            return
        elif isinstance(command, Pause):
            self._follower.ask("pause", now_s)
            self._send("pause")
        elif isinstance(command, Resume):
            self._send("resume")
        elif isinstance(command, Skip) and self._next is not None:
            self._follower.ask("skip", now_s)
            self._begin(self._next, now_s)
        else:
            self._follower.ask("stop", now_s)
            self._next = None
            self._send("stop")

    def _send(self, action: str, **more: object) -> None:
        self._port.publish({"schema": 1, "action": action, **more})

    def _refuse(self, command: Command, reason: str) -> None:
        self._events.append(PlayerEvent("refused", command.song.id if isinstance(command, Play) else "", reason))

    def _address(self, song: Song) -> str:
        if song.uri:
            return song.uri
        return self._set.file_prefix + song.file if song.file and self._set.file_prefix else ""

    def _hear(self, payload: bytes, now_s: float) -> None:
        told = parse_state(payload)
        if told is None:
            self.malformed += 1
            return
        if told.state in ("stopped", "away"):
            if told.state == "stopped":
                self._ours, self._sound = None, ("", "")
            self._observe(told, now_s)
            if told.state == "stopped" and self._next is not None and self._ended():
                self._begin(self._next, now_s)
            return
        if not self._same(told):
            self._change(now_s)
        self._sound = (told.uri, told.title)
        ours = self._ours
        if told.elapsed_s <= 0.0:  # it does not tell the position: the time since the song began comes close
            told = replace(told, elapsed_s=now_s - self._began_s)
        told = replace(told, key=str(self._count), by_us=ours is not None, song_id=ours.id if ours else "")
        self._observe(told, now_s)

    def _same(self, told: NowPlaying) -> bool:
        """Radio changes its title and not its address; a title may come late."""
        uri, title = self._sound
        return (told.uri == uri != "") or (told.uri == uri and self._sound != ("", "") and title in ("", told.title))

    def _change(self, now_s: float) -> None:
        """Another sound: ours if we asked for one just now, else somebody else's doing."""
        asked = now_s - self._asked_s <= PATIENCE_S
        if asked and self._asked is None and self._ours is not None:
            return  # the player puts its own words for what we asked for
        self._count += 1
        self._began_s = now_s
        self._ours, self._asked = (self._asked if asked else None), None

    def _ended(self) -> bool:
        return bool(self._events) and self._events[-1].kind == "ended"

    def _observe(self, now: NowPlaying, now_s: float) -> None:
        self._events.extend(self._follower.observe(now, now_s))
        if now.key and not now.by_us:
            self._next = None
        self._now, self._now_s = replace(now, error=""), now_s


def parse_state(payload: bytes) -> NowPlaying | None:
    """What a message on ``player/state`` says; None when it makes no sense. ``key`` and ``by_us`` are left open."""
    if len(payload) > _MAX_BYTES:
        return None
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or told.get("schema", 1) != 1 or not isinstance(told.get("state"), str):
        return None
    state = _STATES.get(told["state"])
    if state is None:
        return None
    volume = _number(told.get("volume"), 100.0)
    duration = _number(told.get("duration_s"), _MAX_S)
    return NowPlaying(
        state=state,
        title=_text(told.get("title")),
        artist=_text(told.get("artist")),
        uri=_text(told.get("uri")),
        elapsed_s=_number(told.get("position_s"), _MAX_S) or 0.0,
        duration_s=duration or None,
        volume_percent=None if volume is None else round(volume),
    )


def _number(value: Any, most: float) -> float | None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most
    return float(value) if fits else None


def _text(value: Any) -> str:
    return value[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""
