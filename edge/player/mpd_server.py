"""One MPD: what it does now, and how it is told what to do without disturbing what a person started.

A song is ours when we added it to MPD's queue: MPD numbers the entries of its queue and uses no number twice. A
restarted MPD numbers afresh and restores the queue from its state file; there, an entry of a file of ours is ours.
"""

from __future__ import annotations

import contextlib
import importlib
import time
from typing import Any

from edge.core.music import DropNext, NowPlaying, Pause, Play, PlayState, Resume, SetVolume, Skip, Stop
from edge.errors import ConfigError
from edge.player.mpd_search import SongSearch, _text
from edge.player.player import PlayerSettings

_STATES: dict[str, PlayState] = {"play": "playing", "pause": "paused", "stop": "stopped"}
_SAME_START_S = 1.5
"""MPD tells its age in whole seconds; starts closer together than this are one."""
_TOP_PRIORITY = 255
"""Of MPD's range: in random mode our next song comes before any other."""

Steering = Play | DropNext | Pause | Resume | Stop | Skip | SetVolume


class RefusedError(Exception):
    """The command would have disturbed what a person started."""


def load_library() -> Any:
    """The module ``mpd`` of python-mpd2. Raises ConfigError when it is not installed."""
    try:
        return importlib.import_module("mpd")
    except ImportError as error:
        raise ConfigError(["player `mpd` needs python-mpd2: `pip install python-mpd2`"]) from error


class MpdServer:
    """Blocks at most the settings' ``timeout_s`` in each exchange. Methods raise OSError and the errors of python-mpd2.

    One thread uses it. ``open`` makes a fresh connection; what is ours stays known over connections.
    """

    def __init__(self, settings: PlayerSettings, library: Any) -> None:
        self._set = settings
        self._library = library
        self._client: Any = None
        self.search = SongSearch()
        self._ours: dict[str, tuple[str, str]] = {}
        """Number in the queue -> song's id, and what MPD calls the song."""
        self._adding: dict[str, str] = {}
        """What MPD calls a song -> song's id, while it is being added: MPD may do so and its answer be lost."""
        self._next: str | None = None
        self._started_s: float | None = None
        self._database = ""
        self._crossfade_set = False
        self._playing = ""
        """Id of the song of ours that sounds, or was told to."""

    def open(self) -> None:
        """Connects and finds out whether this is still the same MPD."""
        self.close()
        self._client = self._library.MPDClient()
        self._client.timeout = self._set.timeout_s
        self._client.connect(self._set.host, self._set.port)
        if self._set.password is not None:
            self._client.password(self._set.password)
        self._crossfade_set = False
        self.search.open(self._client)
        age_s = float(self._client.stats().get("uptime", 0))
        started_s = time.monotonic() - age_s
        fresh = self._started_s is None or abs(started_s - self._started_s) > _SAME_START_S
        self._started_s = started_s
        self._adopt_queue(fresh=fresh)

    def close(self) -> None:
        """Closes the connection; the music goes on. Does nothing without one."""
        if self._client is not None:
            self._client.disconnect()
            self._client = None

    def look(self) -> NowPlaying:
        """What MPD does now."""
        status = self._client.status()
        state = _STATES[status["state"]]
        error = str(status.get("error", ""))
        if error:
            self._client.clearerror()
        volume = int(status.get("volume", -1))
        known = {"volume_percent": volume if volume >= 0 else None, "error": error}
        if state == "stopped":
            return NowPlaying(state, ran_out="songid" not in status, **known)  # type: ignore[arg-type]
        number, song = str(status.get("songid", "")), self._client.currentsong()
        if number == self._next:
            self._next = None
        ours = self._ours.get(number, ("", ""))[0]
        if ours:
            self._playing = ours
        else:
            self._drop_next()  # behind what a person started comes what the person wants
        self._tidy(keep=number)
        return NowPlaying(
            state=state,
            key=number,
            title=_text(song.get("title")) or _text(song.get("name")),
            artist=_text(song.get("artist")),
            uri=str(song.get("file", "")),
            by_us=bool(ours),
            song_id=ours,
            elapsed_s=float(status.get("elapsed", 0.0)),
            duration_s=float(status["duration"]) if float(status.get("duration", 0.0)) > 0.0 else None,
            **known,  # type: ignore[arg-type]
        )

    def do(self, command: Steering) -> None:
        """Carries a command out. Raises RefusedError when that would disturb what a person started."""
        if isinstance(command, SetVolume):
            self._client.setvol(min(max(command.percent, 0), 100))
            return
        status = self._client.status()
        number = str(status.get("songid", ""))
        sounding = status["state"] != "stop"
        if sounding and number not in self._ours and not isinstance(command, DropNext):
            raise RefusedError("a song started by hand is on")
        if isinstance(command, Play):
            self._play(command, status, sounding=sounding)
        elif isinstance(command, DropNext):
            self._drop_next()
        elif sounding:
            self._steer(command, number, str(status.get("nextsongid", "")))

    def database_changed(self) -> bool:
        """Whether MPD's database is another one than at the last call."""
        last, self._database = self._database, str(self._client.stats().get("db_update", ""))
        return last not in ("", self._database)

    def step_search(self, budget_s: float) -> None:
        """Goes on looking for songs."""
        self.search.step(self._client, budget_s)

    @property
    def playing(self) -> str:
        """Id of the song of ours that sounds or sounded last."""
        return self._playing

    def _play(self, command: Play, status: dict[str, str], *, sounding: bool) -> None:
        song = command.song
        name = self.search.found.get(song.id) or self.search.look_up(self._client, song)
        if not name:
            raise self._library.CommandError("MPD has no such song")
        if command.at == "next" and not sounding and "songid" in status:
            raise RefusedError("the music was stopped by hand")
        if not sounding or command.at == "now":
            self._drop_next()
            number = self._add(name, song.id)
            self._set_crossfade(status)
            self._playing = song.id
            if sounding:
                self._client.stop()
            self._client.playid(number)
            return
        follower = str(status.get("nextsongid", ""))
        if follower and follower not in self._ours and follower != status.get("songid"):
            raise RefusedError("a song added by hand comes next")
        self._drop_next()
        self._next = self._add(name, song.id, position=int(status["song"]) + 1)
        if status.get("random") == "1":
            self._client.prioid(_TOP_PRIORITY, self._next)

    def _add(self, name: str, song_id: str, position: int | None = None) -> str:
        arguments = (name,) if position is None else (name, position)
        self._adding[name] = song_id
        number = str(self._client.addid(*arguments))
        self._adding.clear()
        self._ours[number] = (song_id, name)
        return number

    def _steer(self, command: Pause | Resume | Stop | Skip, number: str, following: str) -> None:
        if isinstance(command, Pause):
            self._client.pause(1)
        elif isinstance(command, Resume):
            self._client.pause(0)
        elif isinstance(command, Skip):
            # Not `next`: in MPD 0.23 it often hangs the whole server until the end of a song that is decoded already
            # (half of the tries with a null output), and so does `playid` without a stop before it.
            self._client.stop()
            if following not in ("", number):
                self._client.playid(following)
        else:
            self._drop_next()
            self._client.stop()

    def _drop_next(self) -> None:
        if self._next is not None:
            self._delete(self._next)
            self._next = None

    def _tidy(self, *, keep: str) -> None:
        """Takes our songs that have been played out of the queue."""
        for number in [number for number in self._ours if number not in (keep, self._next)]:
            self._delete(number)

    def _delete(self, number: str) -> None:
        self._ours.pop(number, None)
        with contextlib.suppress(self._library.CommandError):  # somebody, or consume mode, took it out already
            self._client.deleteid(number)

    def _set_crossfade(self, status: dict[str, str]) -> None:
        if self._set.crossfade_s > 0.0 and not self._crossfade_set:
            wanted = round(self._set.crossfade_s)
            if int(status.get("xfade", 0)) != wanted:
                self._client.crossfade(wanted)
            self._crossfade_set = True

    def _adopt_queue(self, *, fresh: bool) -> None:
        """After connecting: which entries of the queue are ours. ``fresh``: MPD has numbered them anew."""
        before = self._ours
        files = self._adding | ({name: song_id for song_id, name in before.values()} if fresh else {})
        self._adding, self._ours = {}, {}
        for entry in self._client.playlistinfo() if before or files else ():
            number, name = str(entry["id"]), str(entry.get("file", ""))
            if not fresh and before.get(number, ("", ""))[1] == name:
                self._ours[number] = before[number]
            elif name in files:
                self._ours[number] = (files[name], name)
        if fresh or self._next not in self._ours:
            self._next = None
