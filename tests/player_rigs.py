"""One way to drive every player of the table: what a person, the clock and bad luck do to it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from edge.core.music import Find, Heard, NowPlaying, PlayerEvent, Song
from edge.player.fake import FakePlayer
from edge.player.player import MqttPort, Player, PlayerSettings
from edge.player.remote import RemotePlayer
from edge.player.table import make_player
from tests.mpd import Mpd, write_wav

SONG_S = 3.0
COUNT = 4


class Rig(Protocol):
    """A player, what there is to play, and verbs that happen to it."""

    player: Player
    songs: list[Song]
    missing: Song

    def pass_time(self) -> float:
        """A little time; the new time for ``poll``."""

    def end_track(self) -> None: ...
    def person_plays(self) -> None: ...
    def person_pauses(self) -> None: ...
    def person_stops(self) -> None: ...
    def fail(self) -> None: ...
    def come_back(self) -> None: ...
    def close(self) -> None: ...


class Scene:
    """A rig and everything that was heard from it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.events: list[PlayerEvent] = []
        self.now = NowPlaying()
        self.playable: frozenset[str] = frozenset()

    def look(self) -> Heard:
        heard = self.rig.player.poll(self.rig.pass_time())
        self.events += heard.events
        self.now, self.playable = heard.now, heard.playable
        return heard

    def until(self, what: Callable[[], bool], timeout_s: float = 8.0) -> None:
        """Time passes until it comes true; fails when it does not."""
        end_s = time.monotonic() + timeout_s
        for _ in range(10_000):
            self.look()
            if what():
                return
            assert time.monotonic() < end_s, f"now {self.now}, heard {self.kinds}"
        raise AssertionError(f"now {self.now}, heard {self.kinds}")

    def until_heard(self, kind: str, song: Song | None = None) -> None:
        wanted = (kind, "" if song is None else song.id)
        self.until(lambda: wanted in [(e.kind, e.song_id if song is not None else "") for e in self.events])

    def wait(self, times: int = 5) -> None:
        """A little time, whatever happens."""
        for _ in range(times):
            self.look()

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def ready(self) -> Scene:
        """Connected, and all songs found."""
        self.rig.player.command(Find((*self.rig.songs, self.rig.missing)))
        self.until(lambda: len(self.playable) >= len(self.rig.songs))
        return self


class FakeRig:
    """Time is a number."""

    def __init__(self, folder: Path) -> None:
        self.missing = Song("missing", "Missing", "Nobody")
        self.player = self._fake = FakePlayer(song_s=SONG_S * 100, unplayable=frozenset({"missing"}))
        self.songs = [Song(f"song-{n}", f"Song {n}", "Band", uri=f"x://{n}") for n in range(COUNT)]
        self._t_s = 0.0
        self.end_track = self._fake.end_track
        self.person_plays = self._fake.person_plays
        self.person_pauses = self._fake.person_pauses
        self.person_stops = self._fake.person_stops
        self.fail = self._fake.fail
        self.come_back = self._fake.come_back
        self.close = self._fake.close

    def pass_time(self) -> float:
        self._t_s += 0.5
        return self._t_s


class FarPlayer:
    """What Home Assistant's blueprint does for a media_player, without Home Assistant: answers a second later."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.out: list[bytes] = []
        self.state: dict[str, Any] = {"state": "idle", "volume": 50, "title": "", "artist": "", "uri": ""}
        self._due: list[tuple[int, dict[str, Any]]] = []
        self._tick = 0
        self.there = True
        self._since = 0

    def publish(self, payload: Mapping[str, object]) -> None:
        told = json.loads(json.dumps(payload))
        self.sent.append(told)
        changes: dict[str, dict[str, Any]] = {
            "play": {"state": "playing", "title": told.get("title"), "uri": told.get("uri"), "artist": "Band"},
            "pause": {"state": "paused"},
            "resume": {"state": "playing"},
            "stop": {"state": "idle"},
            "volume": {"volume": told.get("volume")},
        }
        self._due.append((self._tick + 2, changes[told["action"]]))

    def receive(self) -> list[bytes]:
        out, self.out = self.out, []
        return out

    def tick(self) -> None:
        self._tick += 1
        for _, change in [due for due in self._due if due[0] <= self._tick]:
            self.become(**change)
        self._due = [due for due in self._due if due[0] > self._tick]
        if self._tick % 20 == 0:
            self.tell()

    def become(self, **change: Any) -> None:
        if change.get("state") == "idle":
            change = {"title": "", "uri": "", "artist": "", **change}
        if "uri" in change:
            self._since = self._tick
        self.state = {**self.state, **change}
        self.tell()

    def tell(self) -> None:
        if self.there:
            more = {"position_s": (self._tick - self._since) * 0.5, "duration_s": SONG_S * 100}
            self.out.append(json.dumps({**self.state, **(more if self.state["title"] else {})}).encode())


class RemoteRig:
    """The MQTT player against an imitation of the far side; time is a number."""

    def __init__(self, folder: Path) -> None:
        self._t_s = 0.0
        self.far = FarPlayer()
        self.player = RemotePlayer(
            PlayerSettings(kind="mqtt"), MqttPort(self.far.publish, self.far.receive), clock=lambda: self._t_s
        )
        self.songs = [Song(f"song-{n}", f"Song {n}", "Band", uri=f"http://nas.invalid/{n}.mp3") for n in range(COUNT)]
        self.missing = Song("missing", "Missing", "Nobody")

    def pass_time(self) -> float:
        self._t_s += 0.5
        self.far.tick()
        return self._t_s

    def end_track(self) -> None:
        self._t_s += SONG_S * 100
        self.far.become(state="idle")

    def person_plays(self) -> None:
        self._t_s += 30.0  # long after our own play
        self.far.become(state="playing", title="Theirs", uri="http://nas.invalid/theirs.mp3")

    def person_pauses(self) -> None:
        self.far.become(state="paused")

    def person_stops(self) -> None:
        self.far.become(state="idle")

    def fail(self) -> None:
        self.far.become(state="unavailable", title="", uri="")

    def come_back(self) -> None:
        self.far.become(state="idle")

    def close(self) -> None:
        self.player.close()


class MpdRig:
    """The real MPD, in real time."""

    def __init__(self, folder: Path, *, remembers: bool = False, password: str | None = None) -> None:
        self.mpd = Mpd(folder, remembers=remembers, password=password)
        for n in range(COUNT):
            write_wav(self.mpd.music / f"{n}.wav", SONG_S, title=f"Song {n}", artist="Band")
        write_wav(self.mpd.music / "theirs.wav", SONG_S * 4, title="Theirs", artist="Somebody")
        self.mpd.start()
        self.songs = [Song(f"song-{n}", f"Song {n}", "Band", file=f"{n}.wav") for n in range(COUNT)]
        self.missing = Song("missing", "Missing", "Nobody", file="missing.wav")
        self.settings = PlayerSettings(
            host=self.mpd.host,
            port=self.mpd.port,
            crossfade_s=0.0,
            poll_s=0.05,
            timeout_s=4.0,  # MPD 0.23 with a null output sometimes hangs until the end of a short song
            retry_max_s=0.5,
            password=password,
        )
        self.player = make_player(self.settings)

    def pass_time(self) -> float:
        time.sleep(0.02)
        return time.monotonic()

    def end_track(self) -> None:
        client = self.mpd.client()
        client.seekcur(SONG_S - 0.4)
        client.disconnect()

    def person_plays(self) -> None:
        client = self.mpd.client()
        client.playid(client.addid("theirs.wav"))
        client.disconnect()

    def person_pauses(self) -> None:
        client = self.mpd.client()
        client.pause(1)
        client.disconnect()

    def person_stops(self) -> None:
        client = self.mpd.client()
        client.stop()
        client.disconnect()

    def fail(self) -> None:
        self.mpd.kill()

    def come_back(self) -> None:
        self.mpd.start()

    def another(self, **changes: Any) -> Player:
        """A second player on the same MPD, with other settings."""
        return make_player(replace(self.settings, **changes))

    def close(self) -> None:
        self.player.close()
        self.mpd.kill()


RIGS: dict[str, Callable[[Path], Rig]] = {"fake": FakeRig, "mqtt": RemoteRig, "mpd": MpdRig}
"""Every player of the table that plays."""
