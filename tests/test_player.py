"""Every player keeps the same contract: the shipped fake, the MQTT player, and a real MPD with a null output."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from edge.core.direction import DirectorSettings, MoodNow, Offer
from edge.core.director import Director
from edge.core.music import (
    Command,
    DropNext,
    Find,
    Follower,
    NowPlaying,
    Pause,
    Play,
    Resume,
    SetVolume,
    Skip,
    Song,
    Stop,
)
from edge.core.suggestion import Item
from edge.errors import ConfigError
from edge.player import mpd as mpd_player
from edge.player import mpd_server
from edge.player.mpd_search import best_match
from edge.player.player import MqttPort, PlayerSettings, song_of
from edge.player.remote import parse_state
from edge.player.table import PLAYERS, make_player
from tests.mpd import update, write_wav
from tests.player_rigs import RIGS, SONG_S, FakeRig, MpdRig, RemoteRig, Scene

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE_S = 0.05


@pytest.fixture(params=RIGS)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """A player that is connected and has found its songs."""
    rig = RIGS[request.param](tmp_path)
    try:
        yield Scene(rig).ready()
    finally:
        rig.close()


@pytest.fixture
def mpd_rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MpdRig]:
    """MpdRig, made with the keywords of an indirect parameter."""
    rig = MpdRig(tmp_path, **getattr(request, "param", {}))
    yield rig
    rig.close()


@pytest.fixture
def mpd(mpd_rig: MpdRig) -> Scene:
    return Scene(mpd_rig).ready()


def playing(scene: Scene, number: int = 0) -> Song:
    """Our song number ``number`` is on."""
    song = scene.rig.songs[number]
    scene.rig.player.command(Play(song))
    scene.until_heard("started", song)
    return song


# The contract -------------------------------------------------------------------------------------------------------


def test_it_connects_and_knows_what_it_can_play(scene: Scene) -> None:
    assert scene.kinds == ["back"]
    assert scene.now.state == "stopped"
    assert scene.playable == {song.id for song in scene.rig.songs}


def test_it_plays_what_was_chosen(scene: Scene) -> None:
    song = playing(scene)
    assert (scene.now.state, scene.now.by_us, scene.now.song_id) == ("playing", True, song.id)
    assert (scene.now.title, scene.now.artist) == (song.title, song.creator)
    assert scene.now.duration_s
    before_s = scene.now.elapsed_s
    scene.until(lambda: scene.now.elapsed_s > before_s)


def test_the_next_song_follows_at_the_end(scene: Scene) -> None:
    first, second, third = scene.rig.songs[:3]
    playing(scene)
    scene.rig.player.command(Play(second, "next"))
    scene.rig.player.command(Play(third, "next"))
    scene.wait()
    assert scene.now.song_id == first.id
    scene.rig.end_track()
    scene.until_heard("ended", first)
    scene.until_heard("started", third)
    assert "hand_played" not in scene.kinds
    assert "skipped" not in scene.kinds
    assert second.id not in [event.song_id for event in scene.events], "the newer next replaces the older"


def test_after_the_last_song_it_is_silent(scene: Scene) -> None:
    first, second = scene.rig.songs[:2]
    playing(scene)
    scene.rig.player.command(Play(second, "next"))
    scene.rig.player.command(DropNext())
    scene.wait()
    scene.rig.end_track()
    scene.until_heard("ended", first)
    scene.until(lambda: scene.now.state == "stopped")
    assert "hand_stopped" not in scene.kinds
    assert scene.kinds.count("started") == 1


def test_skip(scene: Scene) -> None:
    first, second = scene.rig.songs[:2]
    playing(scene)
    scene.rig.player.command(Play(second, "next"))
    scene.wait()
    scene.rig.player.command(Skip())
    scene.until_heard("skipped", first)
    scene.until_heard("started", second)
    scene.rig.player.command(Skip())
    scene.until_heard("skipped", second)
    scene.until(lambda: scene.now.state == "stopped")
    assert "hand_stopped" not in scene.kinds


def test_another_song_at_once(scene: Scene) -> None:
    first = playing(scene)
    playing(scene, 1)
    assert ("skipped", first.id) in [(event.kind, event.song_id) for event in scene.events]


@pytest.mark.parametrize("at", ["now", "next"])
def test_a_song_started_by_hand_is_left_alone(scene: Scene, at: str) -> None:
    playing(scene)
    scene.rig.player.command(Play(scene.rig.songs[1], "next"))
    scene.wait()
    scene.rig.person_plays()
    scene.until_heard("hand_played")
    assert (scene.now.by_us, scene.now.song_id) == (False, "")
    before = len(scene.events)
    commands = (Play(scene.rig.songs[2], at), Pause(), Stop(), Skip(), Resume())  # type: ignore[arg-type]
    for command in commands:
        scene.rig.player.command(command)
    scene.until(lambda: len(scene.events) >= before + len(commands))
    assert {event.kind for event in scene.events[before:]} == {"refused"}
    scene.wait()
    assert (scene.now.state, scene.now.title[:1]) == ("playing", scene.now.title[:1])
    assert not scene.now.by_us


def test_pauses_by_hand_and_by_us(scene: Scene) -> None:
    playing(scene)
    scene.rig.player.command(Pause())
    scene.until(lambda: scene.now.state == "paused")
    assert "hand_paused" not in scene.kinds
    scene.rig.player.command(Resume())
    scene.until(lambda: scene.now.state == "playing")
    scene.rig.person_pauses()
    scene.until_heard("hand_paused")
    assert scene.now.by_us


def test_stops_by_hand_and_by_us(scene: Scene) -> None:
    playing(scene)
    scene.rig.player.command(Stop())
    scene.until(lambda: scene.now.state == "stopped")
    assert "hand_stopped" not in scene.kinds
    playing(scene, 1)
    scene.rig.person_stops()
    scene.until_heard("hand_stopped")


def test_volume(scene: Scene) -> None:
    playing(scene)
    scene.rig.player.command(SetVolume(33))
    scene.until(lambda: scene.now.volume_percent == 33)


def test_it_comes_back_after_a_loss(scene: Scene) -> None:
    playing(scene)
    scene.rig.fail()
    scene.until_heard("lost")
    assert (scene.now.state, scene.playable) == ("away", frozenset())
    scene.rig.player.command(Play(scene.rig.songs[1]))
    scene.until_heard("refused")
    scene.events.clear()
    scene.rig.come_back()
    scene.until_heard("back")
    assert scene.now.state == "stopped", "what was asked for meanwhile does not come late"
    assert scene.playable
    playing(scene, 2)


def test_a_song_that_it_does_not_have(scene: Scene) -> None:
    scene.rig.player.command(Play(scene.rig.missing))
    scene.until_heard("failed", scene.rig.missing)
    playing(scene)


def test_it_answers_at_once_even_when_away(scene: Scene) -> None:
    scene.rig.fail()
    slowest_s = 0.0
    for n in range(100):
        since_s = time.perf_counter()
        scene.rig.player.command(Play(scene.rig.songs[n % 3]))
        scene.rig.player.poll(time.monotonic())
        slowest_s = max(slowest_s, time.perf_counter() - since_s)
    assert slowest_s < AT_ONCE_S


def test_closing_twice(scene: Scene) -> None:
    scene.rig.player.close()
    scene.rig.player.close()


# The table ----------------------------------------------------------------------------------------------------------


def test_every_player_of_the_table_has_the_contract_or_plays_nothing() -> None:
    assert set(PLAYERS) == {*RIGS, "none"}
    nothing = make_player(PlayerSettings(kind="none"))
    nothing.command(Find((Song("a", "A"),)))
    assert nothing.poll(0.0).now.state == "away"
    assert not nothing.poll(1.0).playable
    nothing.close()


def test_what_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="`sonos` is unknown; there are mpd, mqtt"):
        make_player(PlayerSettings(kind="sonos"))
    with pytest.raises(ConfigError, match="needs the MQTT connection"):
        make_player(PlayerSettings(kind="mqtt"))
    monkeypatch.setattr(mpd_server.importlib, "import_module", _no_library)
    with pytest.raises(ConfigError, match="pip install python-mpd2"):
        mpd_player.make(PlayerSettings())


def _no_library(name: str) -> None:
    raise ImportError(name)


def test_the_fake_and_the_mqtt_player_are_made_by_name(tmp_path: Path) -> None:
    assert type(make_player(PlayerSettings(kind="fake"))) is type(FakeRig(tmp_path).player)
    far = RemoteRig(tmp_path).far
    made = make_player(PlayerSettings(kind="mqtt"), MqttPort(far.publish, far.receive))
    assert type(made) is type(RemoteRig(tmp_path).player)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(PlayerSettings(password="secret"))


def test_song_of_an_item() -> None:
    assert song_of(Item("a", "music", "T", "C", uri="u", file="f")) == Song("a", "T", "C", "u", "f")


# Only MPD -----------------------------------------------------------------------------------------------------------


def test_mpd_finds_songs_by_artist_and_title(mpd: Scene, mpd_rig: MpdRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpd_player, "_DATABASE_CHECK_S", 0.1)
    by_name = Song("by-name", "song 2", "BAND")
    later = Song("later", "Heroes", "David Bowie")
    radio = Song("radio", "Radio", uri="http://radio.invalid/stream")
    other = Song("other", "Song", "Band")
    strange = Song("strange", "Strange", uri="spotify:track:1")
    mpd.rig.player.command(Find((by_name, later, radio, other, strange)))
    mpd.until(lambda: mpd.playable == {"by-name", "radio"})
    write_wav(mpd_rig.mpd.music / "heroes.wav", SONG_S, title="Heroes (2017 Remaster)", artist="David Bowie")
    client = mpd_rig.mpd.client()
    time.sleep(1.1)  # MPD tells the time of its last update in whole seconds
    update(client)
    client.disconnect()
    mpd.until(lambda: mpd.playable == {"by-name", "radio", "later"})
    mpd.rig.player.command(Play(later))
    mpd.until_heard("started", later)
    assert mpd.now.uri == "heroes.wav"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], ""),
        ([{"title": "September Song", "artist": "Earth, Wind & Fire", "file": "a"}], ""),
        ([{"title": "September", "artist": "Somebody", "file": "a"}], ""),
        ([{"title": "september", "artist": ["x", "earth, wind & fire"], "file": "a"}], "a"),
        (
            [
                {"title": "September - Live", "artist": "Earth, Wind & Fire", "file": "live"},
                {"title": "September", "artist": "Earth, Wind & Fire", "file": "studio"},
            ],
            "studio",
        ),
        ([{"file": "a"}], ""),
    ],
)
def test_which_row_is_the_song(rows: list[dict[str, object]], expected: str) -> None:
    assert best_match(Song("x", "September", "Earth, Wind & Fire"), rows) == expected


def test_mpd_keeps_a_persons_queue_and_tidies_its_own(mpd: Scene, mpd_rig: MpdRig) -> None:
    client = mpd_rig.mpd.client()
    client.add("theirs.wav")
    for number in (0, 1, 2):
        playing(mpd, number)
    mpd.wait()
    assert [entry["file"] for entry in client.playlistinfo()] == ["theirs.wav", "2.wav"]
    client.add("theirs.wav")
    mpd.rig.player.command(Play(mpd.rig.songs[3], "next"))
    mpd.until_heard("refused")
    mpd.rig.player.command(Skip())
    mpd.until_heard("hand_played")
    client.disconnect()


def test_mpd_in_random_mode_plays_what_is_next(mpd: Scene, mpd_rig: MpdRig) -> None:
    client = mpd_rig.mpd.client()
    client.random(1)
    client.disconnect()
    first = playing(mpd)
    mpd.rig.player.command(Play(mpd.rig.songs[1], "next"))
    mpd.wait()
    mpd.rig.end_track()
    mpd.until_heard("ended", first)
    mpd.until_heard("started", mpd.rig.songs[1])


def test_mpd_crossfade_is_set_when_we_play(mpd: Scene, mpd_rig: MpdRig) -> None:
    player = mpd_rig.another(crossfade_s=2.0)
    client = mpd_rig.mpd.client()
    assert client.status().get("xfade", "0") == "0"
    second = Scene(mpd_rig)
    while second.now.state == "away":
        second.now = player.poll(mpd_rig.pass_time()).now
    player.command(Play(mpd_rig.songs[0]))
    mpd.until(lambda: client.status().get("xfade") == "2")
    client.disconnect()
    player.close()
    mpd.until_heard("hand_played")  # for the first player, the second is a person


def test_mpd_that_cannot_decode_says_so(mpd: Scene, mpd_rig: MpdRig) -> None:
    (mpd_rig.mpd.music / "1.wav").unlink()
    mpd.rig.player.command(Play(mpd.rig.songs[1]))
    mpd.until_heard("failed", mpd.rig.songs[1])
    assert "hand_stopped" not in mpd.kinds
    playing(mpd)


def test_mpd_that_hangs_is_lost_and_found(mpd_rig: MpdRig) -> None:
    mpd_rig.player.close()
    mpd_rig.player = mpd_rig.another(timeout_s=0.5)
    mpd = Scene(mpd_rig).ready()
    playing(mpd)
    mpd_rig.mpd.freeze()
    mpd.until_heard("lost")
    mpd_rig.mpd.thaw()
    mpd.until_heard("back")
    mpd.until(lambda: mpd.now.by_us, timeout_s=1.0)


@pytest.mark.parametrize("by_us", [True, False])
@pytest.mark.parametrize("mpd_rig", [{"remembers": True}], indirect=True)
def test_after_mpds_restart_it_knows_its_own_song(mpd_rig: MpdRig, by_us: bool) -> None:
    rig, scene = mpd_rig, Scene(mpd_rig).ready()
    write_wav(rig.mpd.music / "1.wav", 4 * SONG_S, title="Song 1", artist="Band")
    if by_us:
        playing(scene)
        playing(scene, 1)  # number 2 in the queue, which the restarted MPD numbers 1
        scene.wait()
        client = rig.mpd.client()
        client.add("theirs.wav")
        client.disconnect()
        time.sleep(1.6)  # starts closer together are taken for one
    else:
        rig.person_plays()
        scene.until_heard("hand_played")
    rig.mpd.stop()
    scene.until_heard("lost")
    scene.events.clear()
    rig.mpd.start()
    scene.until_heard("back")
    scene.until(lambda: scene.now.state == "playing")
    assert scene.now.by_us is by_us
    if by_us:
        rig.player.command(Skip())
        scene.until_heard("hand_played")
        assert not scene.now.by_us


@pytest.mark.parametrize("mpd_rig", [{"password": "open sesame"}], indirect=True, ids=["password"])
def test_mpd_with_a_password(mpd_rig: MpdRig) -> None:
    playing(Scene(mpd_rig).ready())
    wrong = mpd_rig.another(password="wrong")
    heard = [wrong.poll(mpd_rig.pass_time()).now.state for _ in range(20)]
    wrong.close()
    assert set(heard) == {"away"}


class Companion:
    """The director and a real MPD, with seconds instead of minutes."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.director = Director(
            DirectorSettings(stable_s=0.4, change_s=1.0, hands_off_s=60.0, retry_s=1.0, quiet=None)
        )
        self.emotion, self.since_s = "happy", time.monotonic()
        self.offers = {"happy": scene.rig.songs[:2], "sad": scene.rig.songs[2:]}
        self.told: list[Command] = []
        self.ask_skip = False

    def feel(self, emotion: str) -> None:
        self.emotion, self.since_s = emotion, time.monotonic()

    def step(self) -> None:
        heard = self.scene.look()
        offers = [Offer(song, 0.0) for song in self.offers[self.emotion]]
        mood = MoodNow(self.emotion, 0.9, self.since_s)
        asks = ("skip",) if self.ask_skip else ()
        self.ask_skip = False
        told = self.director.step(time.monotonic(), hour=12, mood=mood, offers=offers, heard=heard, asks=asks)  # type: ignore[arg-type]
        for command in told:
            self.scene.rig.player.command(command)
        self.told += told

    def begun(self) -> list[str]:
        return [event.song_id for event in self.scene.events if event.kind == "started"]

    def until_begun(self, *numbers: int) -> None:
        wanted, end_s = [f"song-{number}" for number in numbers], time.monotonic() + 10.0
        while self.begun() != wanted:
            assert time.monotonic() < end_s, (self.begun(), self.told, self.scene.events)
            self.step()

    def run(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self.step()


def test_a_mood_becomes_music_in_a_real_mpd(mpd: Scene) -> None:
    """The whole story: chosen, left alone while the mood flickers, followed at the end, skipped, restarted."""
    companion = Companion(mpd)
    companion.until_begun(0)
    companion.run(0.2)
    before = len(companion.told)
    for n in range(8):
        companion.feel(("sad", "happy")[n % 2])
        companion.run(0.15)
    assert len(companion.told) == before, "left alone while the mood flickers"
    companion.feel("sad")
    companion.until_begun(0, 2)
    assert mpd.kinds.count("ended") == 1
    companion.ask_skip = True
    companion.until_begun(0, 2, 3)
    assert mpd.kinds.count("skipped") == 1
    mpd.rig.fail()
    companion.run(0.5)
    assert "lost" in mpd.kinds
    mpd.rig.come_back()
    companion.until_begun(0, 2, 3, 2)


def test_a_hand_started_song_is_not_interrupted_by_moods(mpd: Scene) -> None:
    companion = Companion(mpd)
    companion.until_begun(0)
    mpd.rig.person_plays()
    companion.run(0.3)
    assert "hand_played" in mpd.kinds
    before = len(companion.told)
    for emotion in ("sad", "happy"):
        companion.feel(emotion)
        companion.ask_skip = True
        companion.run(1.5)
    assert len(companion.told) == before
    assert (mpd.now.title, mpd.now.state) == ("Theirs", "playing")


# Only MQTT ----------------------------------------------------------------------------------------------------------


def test_what_the_mqtt_player_says(tmp_path: Path) -> None:
    rig = RemoteRig(tmp_path)
    scene = Scene(rig).ready()
    playing(scene)
    rig.player.command(SetVolume(150))
    assert rig.far.sent == [
        {
            "schema": 1,
            "action": "play",
            "id": "song-0",
            "title": "Song 0",
            "creator": "Band",
            "uri": "http://nas.invalid/0.mp3",
        },
        {"schema": 1, "action": "volume", "volume": 100},
    ]
    filed = Song("filed", "Filed", file="a/b.mp3")
    rig.player.command(Play(filed))
    assert rig.far.sent[-1]["uri"] == "media-source://media_source/local/a/b.mp3"


def test_a_speaker_that_renames_what_it_plays(tmp_path: Path) -> None:
    rig = RemoteRig(tmp_path)
    scene = Scene(rig).ready()
    rig.player.command(Play(rig.songs[0]))
    rig.far.become(state="playing", uri="x-rincon-queue:1", title="")
    scene.wait(2)
    assert scene.now.by_us
    rig.far.become(title="Song 0 (Remaster)")
    scene.wait(2)
    assert scene.now.by_us
    assert scene.kinds.count("started") == 1


def test_a_far_side_that_falls_silent_is_away(tmp_path: Path) -> None:
    rig = RemoteRig(tmp_path)
    scene = Scene(rig).ready()
    rig.far.there = False
    scene.until_heard("lost")
    rig.far.there = True
    scene.until_heard("back")


def test_a_player_that_tells_no_position(tmp_path: Path) -> None:
    rig = RemoteRig(tmp_path)
    scene = Scene(rig).ready()
    rig.player.command(Play(rig.songs[0]))
    for _ in range(0, 60, 5):
        rig.far.out.append(b'{"state":"playing","title":"Song 0","duration_s":28}')
        scene.wait(1)
        rig.far.there = False
    scene.wait(45)
    rig.far.there = True
    rig.far.become(state="idle")
    scene.until_heard("ended", rig.songs[0])


def test_rubbish_on_player_state_is_counted(tmp_path: Path) -> None:
    rig = RemoteRig(tmp_path)
    scene = Scene(rig).ready()
    rubbish = [b"", b"[]", b"\xff", b"[" * 5000, b" " * 9000, b'{"state": 1}', b'{"state": "dancing"}', b'{"schema":2}']
    rig.far.out += rubbish
    scene.wait(1)
    assert rig.player.malformed == len(rubbish)
    assert scene.now.state == "stopped"


def test_numbers_that_are_none() -> None:
    told = parse_state(
        b'{"state":"playing","volume":"loud","position_s":-1,"duration_s":1e99,"title":7,"uri":"\\ud800"}'
    )
    assert told == NowPlaying("playing", uri="?")
    assert parse_state(b'{"state":"playing","volume":NaN}') == NowPlaying("playing")


# The blueprint ------------------------------------------------------------------------------------------------------


class _Input(str):
    __slots__ = ()


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!input", lambda loader, node: _Input(loader.construct_scalar(node)))  # type: ignore[arg-type]


def test_the_blueprint_speaks_what_the_player_speaks() -> None:
    path = ROOT / "config" / "home-assistant" / "moodcast_media_player.yaml"
    blueprint = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    inputs = set(blueprint["blueprint"]["input"])
    used = {value for value in _leaves(blueprint) if isinstance(value, _Input)}
    assert used == inputs, "every input is declared and used"
    topics = {value for value in _leaves(blueprint) if isinstance(value, str) and "/player/" in value}
    assert {topic.split("/", 1)[1] for topic in topics if "}}/" in topic} == {"player/set", "player/state"}
    text = json.dumps(blueprint["actions"])
    for action in ("play", "pause", "resume", "stop", "volume"):
        assert f"== '{action}'" in text
    for field in ("state", "title", "artist", "uri", "position_s", "duration_s", "volume"):
        assert f"'{field}'" in text


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


# Reading events -----------------------------------------------------------------------------------------------------


def test_a_song_without_a_length() -> None:
    follower = Follower()
    radio = NowPlaying("playing", key="1", by_us=True, song_id="radio")
    follower.observe(radio, 0.0)
    events = follower.observe(NowPlaying("stopped", ran_out=False), 10.0)
    assert [event.kind for event in events] == ["skipped", "hand_stopped"]
    follower.observe(radio, 20.0)
    assert [e.kind for e in follower.observe(NowPlaying("stopped", ran_out=True), 30.0)] == ["ended"]
