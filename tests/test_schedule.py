"""When the daemon looks and reads: an hour in milliseconds, on injected time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.pace import Pace
from edge.core.people import People, PeopleSettings
from edge.core.schedule import LEAST_LOOKS_HZ, Schedule, ScheduleSettings
from edge.core.stillness import SIZE_PX, Stillness
from edge.data import EMOTIONS, Face, Frame, Image, Readings, Track
from edge.watch import Watch, thumbnail

FIVE = np.array([[0.0, 0.0], [20.0, 0.0], [10.0, 10.0], [0.0, 20.0], [20.0, 20.0]])
FRAME_RATES = st.sampled_from([5.0, 8.0, 12.5, 15.0, 25.0, 29.97, 30.0, 60.0])


def looks(
    schedule: Schedule, times_s: Sequence[float], *, anyone: Callable[[float], bool], moved: Callable[[float], bool]
) -> list[float]:
    return [t for t in times_s if schedule.look(t, anyone=anyone(t), moved=moved(t))]


def frames(seconds: float, rate_hz: float, begin_s: float = 100.0) -> list[float]:
    return [begin_s + n / rate_hz for n in range(round(seconds * rate_hz))]


def track(number: int) -> Track:
    return Track(number, Face((0.0, 0.0, 50.0, 50.0), None, 0.9), 0.0, 0.0)


# When to look --------------------------------------------------------------------------------------------------------


def test_an_hour_at_a_kiosk() -> None:
    """People for six minutes, movement without a face for six, else nothing: looks follow what is there."""
    schedule = Schedule(ScheduleSettings())

    def in_(t: float, begin_min: float, end_min: float) -> bool:
        return begin_min * 60 <= t - 100.0 < end_min * 60

    taken = looks(
        schedule, frames(3600, 15), anyone=lambda t: in_(t, 10, 16), moved=lambda t: in_(t, 8, 10) or in_(t, 30, 34)
    )
    somebody = [t for t in taken if in_(t, 10, 16)]
    moving = [t for t in taken if in_(t, 8, 10) or in_(t, 30, 34)]
    nothing = len(taken) - len(somebody) - len(moving)
    assert len(somebody) == pytest.approx(6 * 60 * 10, rel=0.01)
    assert len(moving) == pytest.approx(6 * 60 * 2, rel=0.15)
    assert len(moving) <= 6 * 60 * 2 + 2
    assert nothing == pytest.approx(48 * 60 / 2, rel=0.1)


@given(rate_hz=FRAME_RATES, looks_hz=st.floats(2.0, 30.0))
@settings(deadline=None)
def test_looks_come_at_the_configured_rate_on_any_camera(rate_hz: float, looks_hz: float) -> None:
    taken = looks(
        Schedule(ScheduleSettings(looks_hz=looks_hz)),
        frames(20, rate_hz),
        anyone=lambda t: True,
        moved=lambda t: True,
    )
    assert abs(len(taken) - 20 * min(looks_hz, rate_hz)) <= 0.02 * 20 * looks_hz + 2
    gaps = np.diff(taken)
    assert gaps.max() <= 1.0 / looks_hz + 1.01 / rate_hz, "evenly, on the nearest frame"


@given(
    gaps=st.lists(st.floats(0.005, 0.7), min_size=5, max_size=200),
    moves=st.lists(st.booleans(), min_size=200, max_size=200),
)
@settings(deadline=None)
def test_nobody_in_view_is_looked_for_at_most_twice_a_second_and_never_forgotten(
    gaps: list[float], moves: list[bool]
) -> None:
    times_s = (100.0 + np.cumsum(gaps)).tolist()
    by_time = dict(zip(times_s, moves, strict=False))
    taken = looks(Schedule(ScheduleSettings()), times_s, anyone=lambda t: False, moved=by_time.__getitem__)
    assert taken[0] == times_s[0], "the first frame of all is looked at"
    between = np.diff(taken)
    assert (between >= 0.5 - 1e-9).all()
    assert (between <= 2.0 + 0.7 + 1e-9).all(), "somebody who stands still is found"


def test_movement_after_a_quiet_time_is_looked_at_at_once() -> None:
    schedule = Schedule(ScheduleSettings())
    times_s = frames(60, 5)
    taken = looks(schedule, times_s, anyone=lambda t: False, moved=lambda t: t >= 121.4)
    assert min(t for t in taken if t >= 121.4) - 121.4 <= 0.5 + 1e-9


def test_a_hole_in_the_video_is_not_made_up_for() -> None:
    schedule = Schedule(ScheduleSettings())
    times_s = [*frames(1, 30), *frames(1, 30, begin_s=110.0)]
    after = [t for t in looks(schedule, times_s, anyone=lambda t: True, moved=lambda t: True) if t >= 110.0]
    assert len(after) <= 11
    assert np.diff(after).min() > 0.05


def test_every_frame_is_looked_at_where_that_is_asked_for() -> None:
    times_s = frames(5, 30)
    schedule = Schedule(ScheduleSettings(looks_hz=60.0))
    assert looks(schedule, times_s, anyone=lambda t: True, moved=lambda t: True) == times_s


def test_the_camera_is_slowed_down_only_when_nobody_was_in_view_for_a_while() -> None:
    schedule = Schedule(ScheduleSettings(idle_camera_hz=4.0))
    assert schedule.camera_hz(0.0) == 4.0, "before anybody came"
    schedule.look(10.0, anyone=True, moved=True)
    assert schedule.camera_hz(10.0) == 10.0, "as many as are looked at"
    assert schedule.camera_hz(11.5) == 10.0, "who turned away is mostly back by then"
    assert schedule.camera_hz(13.0) == 4.0


@pytest.mark.parametrize("camera_hz", [12.5, 15.0, 25.0, 30.0, 60.0])
def test_what_a_camera_gives_for_the_wanted_rate_is_looked_at(camera_hz: float) -> None:
    """The camera picks frames by a beat of its own; the schedule must not drop some of those again."""
    schedule, camera = Schedule(ScheduleSettings()), Pace()
    given = [t for t in frames(20, camera_hz) if camera.wanted(t, 1.0 / schedule.looks_hz)]
    looked = [t for t in given if schedule.look(t, anyone=True, moved=True)]
    assert len(looked) >= 0.95 * len(given)
    assert len(looked) == pytest.approx(200, abs=10)


def test_a_reload_takes_effect_at_the_next_frame() -> None:
    schedule = Schedule(ScheduleSettings(looks_hz=2.0))
    looks(schedule, frames(2, 30), anyone=lambda t: True, moved=lambda t: True)
    schedule.change(ScheduleSettings(looks_hz=15.0))
    taken = looks(schedule, frames(2, 30, begin_s=102.0), anyone=lambda t: True, moved=lambda t: True)
    assert len(taken) == pytest.approx(30, abs=1)


# What holds the rate down --------------------------------------------------------------------------------------------


def watched(schedule: Schedule, seconds: float, *, took_s: float, late_s: float, begin_s: float = 100.0) -> int:
    """Somebody stands in view; returns the number of looks."""
    count = 0
    for t_s in frames(seconds, 30, begin_s):
        if schedule.look(t_s, anyone=True, moved=True):
            schedule.looked(t_s, took_s=took_s, late_s=late_s)
            count += 1
    return count


def test_a_fast_machine_sheds_nothing() -> None:
    schedule = Schedule(ScheduleSettings())
    assert watched(schedule, 60, took_s=0.01, late_s=0.05) == pytest.approx(600, abs=2)
    assert schedule.shed == "none"


def test_looks_that_take_long_become_rarer_until_they_fit() -> None:
    schedule = Schedule(ScheduleSettings())
    watched(schedule, 20, took_s=0.15, late_s=0.05)
    assert schedule.shed == "slow"
    assert schedule.looks_hz == pytest.approx(0.6 / 0.15, rel=0.05)
    watched(schedule, 20, took_s=0.01, late_s=0.05, begin_s=120.0)
    assert (schedule.shed, schedule.looks_hz) == ("none", 10.0)


def test_frames_that_come_late_halve_the_rate_and_it_comes_back_slowly() -> None:
    schedule = Schedule(ScheduleSettings())
    watched(schedule, 30, took_s=0.01, late_s=0.5)
    assert schedule.shed == "late"
    assert schedule.looks_hz == LEAST_LOOKS_HZ
    watched(schedule, 9, took_s=0.01, late_s=0.02, begin_s=130.0)
    assert schedule.shed == "late", "no swinging"
    watched(schedule, 60, took_s=0.01, late_s=0.02, begin_s=139.0)
    assert (schedule.shed, schedule.looks_hz) == ("none", 10.0)


def test_one_slow_or_late_frame_sheds_nothing() -> None:
    schedule = Schedule(ScheduleSettings())
    watched(schedule, 10, took_s=0.01, late_s=0.05)
    schedule.looked(110.0, took_s=0.5, late_s=1.5)
    assert schedule.shed == "none"


def test_a_throttled_processor_halves_the_rate_while_it_lasts() -> None:
    schedule = Schedule(ScheduleSettings())
    schedule.throttle(throttled=True)
    assert (schedule.shed, schedule.looks_hz) == ("throttled", 5.0)
    schedule.throttle(throttled=False)
    assert (schedule.shed, schedule.looks_hz) == ("none", 10.0)


@given(took_s=st.floats(0.0, 5.0), late_s=st.floats(0.0, 5.0), throttled=st.booleans(), looks_hz=st.floats(2.0, 60.0))
@settings(max_examples=40, deadline=None)
def test_shedding_never_stops_the_looks_and_never_exceeds_the_wish(
    took_s: float, late_s: float, throttled: bool, looks_hz: float
) -> None:
    schedule = Schedule(ScheduleSettings(looks_hz=looks_hz))
    schedule.throttle(throttled=throttled)
    watched(schedule, 10, took_s=took_s, late_s=late_s)
    assert LEAST_LOOKS_HZ <= schedule.looks_hz <= looks_hz
    assert (schedule.shed == "none") == (schedule.looks_hz == looks_hz) or looks_hz == LEAST_LOOKS_HZ


# What the network reads ----------------------------------------------------------------------------------------------


def test_who_is_settled_is_read_half_as_often_as_looked_at() -> None:
    schedule = Schedule(ScheduleSettings())
    read = {1: 0, 2: 0}
    for n in range(100):
        for due in schedule.due([track(1), track(2)], 100.0 + n / 10, settled={1}):
            read[due.id] += 1
    assert read == {1: 50, 2: 100}


def test_in_a_crowd_everybody_gets_a_turn() -> None:
    schedule = Schedule(ScheduleSettings(reads_max=4))
    people = [track(n) for n in range(1, 11)]
    times_read = dict.fromkeys(range(1, 11), 0)
    for n in range(50):
        due = schedule.due(people, 100.0 + n / 10, settled=())
        assert len(due) == 4
        for one in due:
            times_read[one.id] += 1
    assert max(times_read.values()) - min(times_read.values()) <= 1


def test_people_who_left_are_forgotten() -> None:
    schedule = Schedule(ScheduleSettings())
    for n in range(10_000):
        schedule.due([track(n)], n * 0.1, settled=())
    assert len(schedule._read_s) < 400


# Whether anything moved ----------------------------------------------------------------------------------------------


def room(brightness: float = 1.0, seed: int = 0) -> Image:
    y, x = np.mgrid[0:480, 0:640]
    base = 60 + 50 * np.sin(x / 40.0) + 40 * np.cos(y / 30.0)
    noise = np.random.default_rng(seed).normal(0, 8, (480, 640, 3))
    return np.clip(base[..., None] * brightness + noise, 0, 255).astype(np.uint8)


def test_noise_and_light_are_no_movement_and_a_person_is() -> None:
    stillness = Stillness()
    assert stillness.moved(thumbnail(room())), "nothing seen yet"
    stillness.looked(thumbnail(room()))
    assert not any(stillness.moved(thumbnail(room(seed=n))) for n in range(1, 10))
    assert not stillness.moved(np.clip(thumbnail(room()).astype(int) + 30, 0, 255).astype(np.uint8)), "a lamp"
    entered = room(seed=3)
    entered[200:320, 300:360] = 160
    assert stillness.moved(thumbnail(entered))


def test_slow_movement_adds_up() -> None:
    stillness = Stillness()
    stillness.looked(thumbnail(room()))
    moved = []
    for shift in range(0, 60, 2):
        picture = room(seed=shift + 1)
        picture[200:320, shift : shift + 20] = 220
        moved.append(stillness.moved(thumbnail(picture)))
    assert moved[-1]


@given(level=st.integers(0, 255))
@settings(deadline=None)
def test_a_picture_is_no_movement_against_itself(level: int) -> None:
    stillness = Stillness()
    small = np.full(SIZE_PX[::-1], level, np.uint8)
    stillness.looked(small)
    assert not stillness.moved(small)


# All of it, without a network ----------------------------------------------------------------------------------------


class Scene:
    """Stands in for finder and classifier: one face while somebody is there."""

    def __init__(self, there: Callable[[], bool]) -> None:
        self._there = there
        self.searched = 0
        self.reads = 0

    def find(self, image: Image) -> list[Face]:
        self.searched += 1
        return [Face((10.0, 10.0, 60.0, 60.0), None, 0.9)] if self._there() else []

    def read(self, image: Image, faces: Sequence[Face]) -> Readings:
        self.reads += len(faces)
        probs = np.tile(np.eye(7)[EMOTIONS.index("happy")] * 0.88 + 0.12 / 7, (len(faces), 1))
        return Readings(probs, np.ones(len(faces)))


def test_somebody_comes_stays_and_goes_with_one_id_and_one_emotion() -> None:
    now = {"s": 0.0}
    scene = Scene(lambda: 10.0 <= now["s"] < 25.0)
    watch = Watch(scene, scene, People(PeopleSettings()), Schedule(ScheduleSettings()))
    empty, full = np.zeros((120, 160, 3), np.uint8), np.zeros((120, 160, 3), np.uint8)
    full[10:90, 10:90] = 200
    events = []
    for n in range(40 * 30):
        now["s"] = n / 30
        events += watch.frame(Frame(full if 10.0 <= now["s"] < 25.0 else empty, now["s"], n), live=False)
    assert [(e.event_type, e.emotion, e.track_id) for e in events if e.event_type != "update"] == [
        ("start", "happy", 1),
        ("end", "happy", 1),
    ]
    assert events[0].t_s <= 10.8
    assert scene.searched == watch.looks == pytest.approx(157 + 13, abs=6), "15.7 s at 10 Hz, the rest at 0.5 Hz"
    assert watch.looks + watch.passed == 40 * 30, "every frame is accounted for"
    assert scene.reads < 0.65 * 150, "an emotion that holds is read every other look"


def test_frames_that_were_not_looked_at_are_no_loss() -> None:
    """Two looks a second, the least there is: a person who stays keeps the id."""
    scene = Scene(lambda: True)
    people = People(PeopleSettings(max_lost_s=0.1))
    watch = Watch(scene, scene, people, Schedule(ScheduleSettings(looks_hz=2.0)))
    for n in range(600):
        watch.frame(Frame(np.zeros((120, 160, 3), np.uint8), n / 30, n), live=False)
        assert people.anyone
    assert [person.track.id for person in people.now(20.0)] == [1]


def test_between_looks_faces_go_on_as_they_moved() -> None:
    people = People(PeopleSettings())
    for n in range(11):
        t_s = n / 10
        points = FIVE + np.array([60.0 * t_s, 0.0])
        tracks = people.see([Face((60.0 * t_s, 0.0, 40.0, 40.0), points, 0.9)], t_s)
        people.read({tracks[0].id: np.full(7, 1 / 7)}, t_s)
    (before,) = people.now(1.0)
    people.between(1.05)
    (person,) = people.now(1.05)
    assert person.track.face.box_xywh_px[0] - before.track.face.box_xywh_px[0] == pytest.approx(3.0, abs=0.1)
    moved = person.track.face.landmarks_px - before.track.face.landmarks_px
    assert moved == pytest.approx(np.tile([3.0, 0.0], (5, 1)), abs=0.1)
    assert person.track.last_s == 1.0, "not seen for that"


def test_a_face_that_was_not_due_keeps_its_mood_usable() -> None:
    people = People(PeopleSettings(min_face_px=50.0))
    face = Face((0.0, 0.0, 60.0, 60.0), None, 0.9)
    people.see([face], 0.0)
    people.read({1: np.eye(7)[3]}, 0.0)
    people.see([face], 0.3)
    people.read({}, 0.3)
    assert people.now(0.3)[0].mood.usable
    people.see([Face((10.0, 10.0, 40.0, 40.0), None, 0.9)], 0.4)
    people.read({}, 0.4)
    assert not people.now(0.4)[0].mood.usable, "too small"
