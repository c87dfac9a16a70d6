"""What the music does: a table of small scenes with the fake player, then rules that hold in any scene."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.direction import TENSE, Ask, DirectorSettings, MoodNow, Offer
from edge.core.director import Director
from edge.core.loudness import Loudness, Quiet
from edge.core.music import (
    Command,
    DropNext,
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
from edge.data import EMOTIONS, NOBODY, UNSURE
from edge.player.fake import FakePlayer

SET = DirectorSettings(quiet=None)
ENERGY = {"happy": 0.8, "angry": -0.3, "fear": -0.6, "disgust": -0.1, "sad": -0.4, "surprise": 0.9, "neutral": 0.1}


def offers_for(emotion: str | None, count: int = 4) -> tuple[Offer, ...]:
    """What the policy might rank for a mood. The first song of anger is faster than it should be."""
    name = emotion if emotion in EMOTIONS else "all"
    energy = ENERGY.get(name, 0.0)
    return tuple(
        Offer(Song(f"{name}-{n}", f"{name} {n}"), 0.7 if name == "angry" and n == 1 else energy - 0.1 * n)
        for n in range(1, count + 1)
    )


@dataclass
class Told:
    """One command with its circumstances."""

    t_s: float
    command: Command
    before: NowPlaying


class Room:
    """Time, a mood, a fake player and the director; one step a second."""

    def __init__(self, conditions: DirectorSettings = SET, *, song_s: float = 180.0, hour: int = 15) -> None:
        self.director = Director(conditions)
        self.player = FakePlayer(song_s=song_s)
        self.t_s = 1000.0
        self.hour = hour
        self.mood = MoodNow(NOBODY, 0.0, 0.0)
        self.told: list[Told] = []
        self.events: list[tuple[float, PlayerEvent]] = []
        self.now = NowPlaying()

    def feel(self, emotion: str | None, confidence: float = 0.8) -> None:
        if emotion != self.mood.emotion:
            self.mood = MoodNow(emotion, confidence, self.t_s)
        else:
            self.mood = replace(self.mood, confidence=confidence)

    def step(self, *asks: Ask, dt_s: float = 1.0) -> list[Command]:
        self.t_s += dt_s
        heard = self.player.poll(self.t_s)
        self.now = heard.now
        self.events += [(self.t_s, event) for event in heard.events]
        commands = self.director.step(
            self.t_s, hour=self.hour, mood=self.mood, offers=offers_for(self.mood.emotion), heard=heard, asks=asks
        )
        for command in commands:
            self.told.append(Told(self.t_s, command, heard.now))
            self.player.command(command)
        return commands

    def run(self, seconds: float) -> Room:
        end_s = self.t_s + seconds
        while self.t_s < end_s:
            self.step()
        return self

    @property
    def begun(self) -> list[str]:
        """Ids of our songs in the order in which they began."""
        return [event.song_id for _, event in self.events if event.kind == "started"]

    def last(self) -> list[Command]:
        return [told.command for told in self.told[-2:]]


def happy_room(conditions: DirectorSettings = SET, **more: Any) -> Room:
    """Somebody is happy, and music plays."""
    room = Room(conditions, **more)
    room.feel("happy")
    room.run(25)
    assert room.begun == ["happy-1"]
    return room


def test_music_begins_after_20_s_of_one_mood() -> None:
    room = Room()
    room.feel("happy")
    room.run(19)
    assert not room.told
    room.run(3)
    assert room.begun == ["happy-1"]
    assert room.player.told[-1] == Play(Song("happy-2", "happy 2"), "next")


def test_it_is_left_alone_while_the_mood_flickers() -> None:
    room = happy_room(song_s=1000.0)
    before = len(room.told)
    for n in range(40):
        room.feel(("sad", "happy", "surprise", UNSURE)[n % 4])
        room.run(15)
    assert len(room.told) == before


@pytest.mark.parametrize(("emotion", "confidence"), [(UNSURE, 0.9), (NOBODY, 0.9), (None, 0.0), ("happy", 0.2)])
def test_no_music_begins_for_no_mood(emotion: str | None, confidence: float) -> None:
    room = Room()
    room.feel(emotion, confidence)
    assert not room.run(300).told


def test_another_mood_changes_music_at_the_end_of_the_track() -> None:
    room = happy_room()
    room.run(40)
    room.feel("sad")
    room.run(110)
    assert room.begun == ["happy-1"], "the track is not interrupted"
    room.run(40)
    assert room.begun == ["happy-1", "sad-1"]


def test_music_follows_moods_at_most_every_90_s() -> None:
    room = Room(song_s=10.0)
    for n in range(20):
        room.feel(("happy", "sad")[n % 2])
        room.run(30)
    changes = [
        t_s
        for (_, last), (t_s, event) in pairwise(starts(room))
        if event.song_id.split("-")[0] != last.song_id.split("-")[0]
    ]
    assert len(changes) > 3
    assert min(b - a for a, b in pairwise(changes)) >= 90.0


def starts(room: Room) -> list[tuple[float, PlayerEvent]]:
    return [(t_s, event) for t_s, event in room.events if event.kind == "started"]


def test_skip_is_immediate() -> None:
    room = happy_room()
    room.step("skip")
    assert room.told[-1].command == Play(Song("happy-3", "happy 3"), "now")
    room.run(2)
    assert len(room.begun) == 2
    assert ("skipped", "happy-1") in [(event.kind, event.song_id) for _, event in room.events]


def test_a_song_started_by_hand_is_never_interrupted() -> None:
    room = happy_room()
    room.player.person_plays()
    before = len(room.told)
    room.feel("sad")
    for _ in range(170):
        room.step("skip", "pause", "resume")
    assert len(room.told) == before
    room.run(60)
    assert room.begun[1:] == ["sad-1"], "when it has ended, the turn is ours again"


def test_what_a_person_stopped_stays_silent_for_a_while() -> None:
    room = happy_room()
    room.player.person_stops()
    before = len(room.told)
    room.run(SET.hands_off_s - 5)
    assert len(room.told) == before
    room.run(10)
    assert len(room.begun) == 2


def test_a_visitor_can_have_it_back() -> None:
    room = happy_room()
    room.player.person_stops()
    room.run(10)
    room.step("resume")
    room.run(2)
    assert len(room.begun) == 2


def test_what_a_person_paused_stays_paused() -> None:
    room = happy_room()
    room.player.person_pauses()
    before = len(room.told)
    room.run(600)
    assert len(room.told) == before
    room.step("resume")
    assert Resume() in room.last()
    room.run(2)
    assert room.now.state == "playing"


def test_pause_by_touch() -> None:
    room = happy_room()
    room.step("pause")
    assert room.told[-1].command == Pause()
    assert room.run(60).now.state == "paused"


@pytest.mark.parametrize(("alone", "songs"), [("stop", 1), ("list", 3), ("neutral", 8)])
def test_nobody_in_view(alone: Any, songs: int) -> None:
    room = happy_room(replace(SET, alone=alone), song_s=100.0)
    room.feel(NOBODY)
    room.run(60)
    assert room.begun == ["happy-1"], "the track goes on to its end"
    room.run(690)
    assert len(room.begun) == songs
    assert room.now.state == ("playing" if alone == "neutral" else "stopped")
    if alone == "neutral":
        assert room.begun[1].startswith("all-")


def test_privacy_pause_lets_the_list_play_on() -> None:
    room = happy_room(song_s=100.0)
    room.feel(None)
    room.run(1000)
    assert room.begun == ["happy-1", "happy-2", "happy-3"]


def test_somebody_unreadable_keeps_the_music() -> None:
    room = happy_room(song_s=100.0)
    room.feel(UNSURE)
    assert len(room.run(1000).begun) == 11


def test_after_the_players_restart_music_goes_on() -> None:
    room = happy_room()
    room.player.fail()
    room.run(30)
    room.player.come_back()
    room.run(3)
    assert room.begun == ["happy-1", "happy-3"]
    assert [event.kind for _, event in room.events].count("lost") == 1


def test_a_song_that_fails_is_left_out() -> None:
    room = Room()
    room.player.unplayable = frozenset({"happy-1"})
    room.feel("happy")
    room.run(30)
    assert room.begun == ["happy-2"]
    room.player.break_song()
    room.run(3)
    assert room.begun == ["happy-2", "happy-4"]


def test_nothing_playable_is_no_storm() -> None:
    room = Room()
    room.player.unplayable = frozenset(f"happy-{n}" for n in range(1, 5))
    room.feel("happy")
    assert len(room.run(300).told) == 4


def test_what_a_person_queued_comes_first() -> None:
    """The player refuses to put a song before theirs: nothing more is queued during this song."""
    room = happy_room(song_s=1000.0)
    director, heard = room.director, Heard(room.now, (PlayerEvent("refused", "happy-2", "a song added by hand"),))
    more = {"hour": 12, "mood": room.mood, "offers": offers_for("happy")}
    for second in range(60):
        assert not director.step(room.t_s + second, heard=heard if second == 0 else Heard(room.now), **more)
    after = Heard(replace(room.now, key="another"))
    assert director.step(room.t_s + 61, heard=after, **more)


def test_skip_without_anything_to_follow_ends_the_music() -> None:
    room = happy_room(replace(SET, quiet=Quiet(22, 7, 0)))
    room.hour = 23
    assert room.step("skip") == [DropNext(), Skip()]
    assert room.run(10).now.state == "stopped"


def test_music_paused_long_ago_goes_on_when_a_mood_has_settled() -> None:
    room = happy_room()
    room.player.person_pauses()
    room.feel(NOBODY)
    room.run(SET.hands_off_s + 60)
    assert room.now.state == "paused"
    room.feel("neutral")
    assert room.run(25).now.state == "playing"


def test_in_a_vehicle_anger_gets_no_faster_music() -> None:
    room = happy_room(replace(SET, vehicle=True), song_s=100.0)
    assert room.player.told[-1] == Play(Song("happy-2", "happy 2"), "next")
    room.feel("angry")
    room.step()
    assert room.told[-1].command == DropNext(), "not even what was queued before"
    room.run(120)
    assert room.begun == ["happy-1", "angry-2"]


def test_in_a_vehicle_anger_gets_nothing_faster_than_what_played() -> None:
    room = Room(replace(SET, vehicle=True), song_s=100.0)
    room.feel("fear")
    room.run(25)
    assert room.begun == ["fear-1"]
    room.feel("angry")
    room.run(120)
    assert room.begun == ["fear-1", "angry-4"], "the others are faster than what played last"


def test_in_a_vehicle_it_never_gets_louder_by_itself() -> None:
    room = Room(replace(SET, vehicle=True, volume_percent=60, quiet=QUIET), song_s=1000.0)
    room.player.person_turns(30)
    room.feel("happy")
    assert room.run(30).now.volume_percent == 30
    room.hour = 23
    assert room.run(60).now.volume_percent == 20
    room.hour = 8
    assert room.run(60).now.volume_percent == 20


QUIET = Quiet(22, 7, 20)


@pytest.mark.parametrize(
    ("hour", "quiet"), [(21, False), (22, True), (23, True), (0, True), (6, True), (7, False), (12, False)]
)
def test_quiet_hours_go_over_midnight(hour: int, quiet: bool) -> None:
    assert QUIET.covers(hour) is quiet
    assert Quiet(1, 5, 0).covers(hour) is (1 <= hour < 5)


def test_quiet_hours_are_quieter_and_end() -> None:
    room = happy_room(replace(SET, quiet=QUIET, volume_percent=60), song_s=100.0)
    assert room.now.volume_percent == 60
    room.hour = 22
    assert room.run(60).now.volume_percent == 20
    room.hour = 7
    assert room.run(60).now.volume_percent == 60


def test_who_turned_the_knob_in_quiet_hours_is_left_alone() -> None:
    room = happy_room(replace(SET, quiet=QUIET), hour=23)
    room.player.person_turns(5)
    room.hour = 7
    assert room.run(60).now.volume_percent == 5


def test_silent_quiet_hours() -> None:
    room = happy_room(replace(SET, quiet=Quiet(22, 7, 0)))
    room.hour = 22
    room.step()
    assert room.told[-1].command == DropNext()
    assert room.run(400).now.state == "stopped"
    assert room.begun == ["happy-1"]
    room.hour = 7
    assert len(room.run(10).begun) == 2


def test_above_the_limit_is_lowered() -> None:
    room = happy_room()
    room.player.person_turns(95)
    assert room.run(40).now.volume_percent == SET.volume_limit_percent


def test_a_player_without_a_mixer_is_not_pestered() -> None:
    loudness = Loudness(usual_percent=50, limit_percent=70, quiet=None, never_louder=False)
    loud = NowPlaying("playing", key="1", by_us=True, volume_percent=100)
    told = [c for t_s in range(60) for c in loudness.step(12, loud, float(t_s), starting=False)]
    assert told == [SetVolume(70)] * 2
    assert not loudness.step(12, replace(loud, volume_percent=None), 0.0, starting=True)


# Rules that hold in any scene ---------------------------------------------------------------------------------------

ACTS = st.one_of(
    st.tuples(st.just("feel"), st.sampled_from((*EMOTIONS, UNSURE, NOBODY, None))),
    st.tuples(st.just("wait"), st.sampled_from((1, 5, 19, 21, 60, 100))),
    st.tuples(st.just("ask"), st.sampled_from(("skip", "pause", "resume"))),
    st.tuples(st.just("turn"), st.integers(0, 100)),
    st.tuples(st.just("hour"), st.integers(0, 23)),
    st.tuples(
        st.just("do"),
        st.sampled_from(
            ("person_plays", "person_pauses", "person_stops", "person_skips", "end_track", "fail", "come_back")
        ),
    ),
)
CONDITIONS = st.builds(
    DirectorSettings,
    alone=st.sampled_from(("stop", "list", "neutral")),
    vehicle=st.booleans(),
    quiet=st.sampled_from((None, QUIET, Quiet(22, 7, 0))),
    volume_percent=st.sampled_from((None, 30, 90)),
)


def act(room: Room, verb: str, what: Any) -> None:
    if verb == "feel":
        room.feel(what)
    elif verb == "wait":
        room.run(what)
    elif verb == "ask":
        room.step(what)
    elif verb == "turn":
        room.player.person_turns(what)
    elif verb == "hour":
        room.hour = what
    elif what != "person_pauses" or room.now.state == "playing":
        getattr(room.player, what)()


@settings(max_examples=150, deadline=None)
@given(CONDITIONS, st.lists(ACTS, max_size=25), st.sampled_from((7.0, 45.0, 200.0)))
def test_rules(conditions: DirectorSettings, acts: list[tuple[str, Any]], song_s: float) -> None:
    room = Room(conditions, song_s=song_s)
    asked_s: list[float] = []
    settled: list[str] = []
    for verb, what in acts:
        before = len(room.told)
        mood_before = room.mood
        act(room, verb, what)
        if verb == "ask":
            asked_s.append(room.t_s)
        for told in room.told[before:]:
            check(told, conditions, asked=verb == "ask", emotion=room.mood.emotion, hour=room.hour)
        if room.t_s - mood_before.since_s >= conditions.stable_s:
            settled.append(mood_before.emotion or "")
    if not asked_s:
        changes_are_rare(room, conditions)
        assert {song.split("-")[0] for song in room.begun} <= {*settled, "all"}, "only moods that had settled"


def check(told: Told, conditions: DirectorSettings, *, asked: bool, emotion: str | None, hour: int) -> None:
    command, now = told.command, told.before
    assert not isinstance(command, Stop), "the director lets songs end"
    assert now.state != "away"
    assert now.by_us or not now.key, "a song started by hand is left alone"
    if isinstance(command, Play):
        assert command.at == "next" or now.state == "stopped" or asked, "only a visitor cuts a song short"
        if conditions.vehicle and emotion in TENSE:
            assert energy_of(command.song) <= conditions.tense_energy_max
            if now.song_id:
                assert energy_of(command.song) <= energy_of(Song(now.song_id, ""))
    if isinstance(command, (Skip, Pause, Resume)):
        assert asked or isinstance(command, Resume)
    if isinstance(command, SetVolume):
        assert 0 <= command.percent <= conditions.volume_limit_percent or command.percent < (now.volume_percent or 0)
        assert not conditions.vehicle or command.percent < (now.volume_percent or 0)
        if conditions.quiet is QUIET and QUIET.covers(hour):
            assert command.percent <= QUIET.volume_percent


def energy_of(song: Song) -> float:
    name = song.id.split("-")[0]
    return next(offer.energy for offer in offers_for(name) if offer.song.id == song.id)


def changes_are_rare(room: Room, conditions: DirectorSettings) -> None:
    changes = [starts(room)[0][0]] if starts(room) else []
    for (_, last), (t_s, event) in pairwise(starts(room)):
        if event.song_id.split("-")[0] != last.song_id.split("-")[0]:
            changes.append(t_s)
    assert all(b - a >= conditions.change_s for a, b in pairwise(changes))


@given(st.floats(), st.floats(), st.floats(), st.integers(), st.sampled_from(["happy", "x", "", None]))
def test_no_number_breaks_it(t_s: float, since_s: float, confidence: float, hour: int, emotion: str | None) -> None:
    director = Director(DirectorSettings())
    heard = Heard(NowPlaying("stopped", volume_percent=50))
    for _ in range(3):
        director.step(
            t_s, hour=hour, mood=MoodNow(emotion, confidence, since_s), offers=offers_for("happy"), heard=heard
        )
