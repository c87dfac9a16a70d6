"""Music Player Daemon (musicpd.org) through python-mpd2, from a thread of its own that reconnects for ever."""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections import deque
from dataclasses import replace
from typing import Any

from edge.core.music import Command, Find, Follower, Heard, NowPlaying, Pause, Play, PlayerEvent, Skip, Stop, Verb
from edge.player.mpd_server import MpdServer, RefusedError, load_library
from edge.player.player import MqttPort, PlayerSettings

_log = logging.getLogger(__name__)

FIRST_RETRY_S = 0.5
_SEARCH_S = 0.1
"""Commands wait at most about so long while songs are looked up."""
_DATABASE_CHECK_S = 5.0
_COMMANDS_MAX, _EVENTS_MAX = 64, 256
_CLOSE_S = 2.0
_ASKS: dict[type, Verb] = {Pause: "pause", Stop: "stop", Skip: "skip", Play: "skip"}


def make(settings: PlayerSettings, port: MqttPort | None = None) -> MpdPlayer:  # noqa: ARG001 - same for all players
    """Raises ConfigError when python-mpd2 is not installed. MPD itself need not be there yet."""
    return MpdPlayer(settings, load_library())


class MpdPlayer:
    """The thread asks MPD what it does every ``poll_s`` and carries commands out at once."""

    def __init__(self, settings: PlayerSettings, library: Any) -> None:
        """``library``: the module ``mpd``."""
        self._set = settings
        self._library = library
        self._server = MpdServer(settings, library)
        self._follower = Follower(slack_s=settings.crossfade_s + max(0.5, 2.0 * settings.poll_s))
        self._commands: queue.Queue[Command] = queue.Queue(_COMMANDS_MAX)
        self._lock = threading.Lock()
        self._events: deque[PlayerEvent] = deque(maxlen=_EVENTS_MAX)  # only who never polls loses any
        self._now, self._now_s = NowPlaying(), 0.0
        self._stopping = threading.Event()
        self._crash: BaseException | None = None
        self._reason: str | None = None
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="mpd", daemon=True)
        self._thread.start()

    # What the caller uses -------------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        """Hands it to the thread."""
        try:
            self._commands.put_nowait(command)
        except queue.Full:
            self._tell(PlayerEvent("refused", _song_id(command), "too many commands at once"))

    def poll(self, now_s: float) -> Heard:
        """``elapsed_s`` is carried on to ``now_s``."""
        if self._crash is not None:
            raise self._crash
        with self._lock:
            now, since_s = self._now, max(0.0, now_s - self._now_s)
            events = tuple(self._events)
            self._events.clear()
        if now.state == "playing":
            elapsed_s = now.elapsed_s + since_s
            now = replace(now, elapsed_s=elapsed_s if now.duration_s is None else min(elapsed_s, now.duration_s))
        return Heard(now, events, frozenset() if now.state == "away" else frozenset(self._server.search.found))

    def close(self) -> None:
        """Ends the thread."""
        self._stopping.set()
        self._thread.join(_CLOSE_S)

    # The thread -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        lost = (OSError, self._library.ConnectionError, self._library.ProtocolError)
        try:
            while not self._stopping.is_set():
                try:
                    self._server.open()
                    self._serve()
                except (*lost, self._library.CommandError) as error:
                    self._lose(str(error) or type(error).__name__)
                finally:
                    self._server.close()
                self._wait()
        except BaseException as error:  # noqa: BLE001 - a bug: poll() raises it in the main loop, which ends the process
            self._crash = error

    def _serve(self) -> None:
        checked_s = -_DATABASE_CHECK_S
        while not self._stopping.is_set():
            now_s = time.monotonic()
            self._note(self._server.look(), now_s)
            if now_s - checked_s >= _DATABASE_CHECK_S:
                checked_s = now_s
                if self._server.database_changed():
                    self._server.search.again()
            if self._server.search.busy:
                self._server.step_search(_SEARCH_S)
            self._take_command(0.0 if self._server.search.busy else self._set.poll_s)

    def _take_command(self, wait_s: float) -> None:
        # A stop of the thread is noticed after at most this wait; poll_s is well below _CLOSE_S.
        try:
            command = self._commands.get(timeout=wait_s) if wait_s > 0.0 else self._commands.get_nowait()
        except queue.Empty:
            return
        if isinstance(command, Find):
            self._server.search.want(command.songs)
            return
        try:
            self._server.do(command)
        except RefusedError as refused:
            self._tell(PlayerEvent("refused", _song_id(command), str(refused)))
        except self._library.CommandError as error:
            self._tell(PlayerEvent("failed", _song_id(command), str(error)))
        else:
            if type(command) in _ASKS and self._now.key and not (isinstance(command, Play) and command.at == "next"):
                self._follower.ask(_ASKS[type(command)], time.monotonic())

    def _note(self, now: NowPlaying, now_s: float) -> None:
        if self._reason is not None or self._now.state == "away":
            _log.info("player: connected to MPD at %s", self._set.host)
        self._reason, self._failures = None, 0
        events = self._follower.observe(now, now_s)
        with self._lock:
            for event in events:
                missing = event.kind == "failed" and not event.song_id
                self._events.append(replace(event, song_id=self._server.playing) if missing else event)
            self._now, self._now_s = replace(now, error=""), now_s

    def _lose(self, reason: str) -> None:
        if reason != self._reason:  # one line a change, not one a try
            _log.warning("player: no MPD at %s: %s; trying again", self._set.host, reason)
            self._reason = reason
        now_s = time.monotonic()
        away = NowPlaying(error=reason)
        events = self._follower.observe(away, now_s)
        with self._lock:
            self._events.extend(events)
            self._now, self._now_s = away, now_s

    def _wait(self) -> None:
        """Between two tries; commands given meanwhile fail now instead of coming late."""
        cap_s = min(self._set.retry_max_s, FIRST_RETRY_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        end_s = time.monotonic() + cap_s * (0.5 + 0.5 * random.random())
        while not self._stopping.is_set() and (rest_s := end_s - time.monotonic()) > 0.0:
            try:
                command = self._commands.get(timeout=min(rest_s, 0.2))
            except queue.Empty:
                continue
            if isinstance(command, Find):
                self._server.search.want(command.songs)
            else:
                self._tell(PlayerEvent("refused", _song_id(command), "MPD is away"))

    def _tell(self, event: PlayerEvent) -> None:
        with self._lock:
            self._events.append(event)


def _song_id(command: Command) -> str:
    return command.song.id if isinstance(command, Play) else ""
