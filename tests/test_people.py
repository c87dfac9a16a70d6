"""Smoothing and triggering: the same events whatever the frame rate, each started and ended once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.affect import valence_arousal
from edge.core.audience import AudienceCounter
from edge.core.heartbeat import Heartbeat
from edge.core.people import People, PeopleSettings
from edge.core.smooth import Smoother
from edge.core.stats import StageTimes, latency
from edge.data import EMOTIONS, UNSURE, EmotionEvent, Floats
from tests.traces import Step, face_at, one_person, reading, run


def starts_and_ends(events: list[EmotionEvent]) -> list[tuple[str, str]]:
    return [(e.event_type, e.emotion) for e in events if e.event_type != "update"]


# --- the table a reader can check by hand ------------------------------------------------------------------------

CASES = {
    "a smile starts and ends once": ([("happy", 3.0), ("neutral", 3.0)], ["start happy", "end happy", "start neutral"]),
    "half a glance is nothing": ([("neutral", 3.0), ("surprise", 0.25), ("neutral", 3.0)], ["start neutral"]),
    "who leaves ends what held": ([("happy", 3.0), ("", 2.0)], ["start happy", "end happy"]),
    "nobody at all": ([("", 5.0)], []),
    "a blink of the detector": ([("sad", 2.0), ("", 0.4), ("sad", 2.0)], ["start sad"]),
    "too short to be a person": ([("happy", 0.2), ("", 2.0)], []),
}


@pytest.mark.parametrize("name", CASES)
def test_events_of(name: str) -> None:
    segments, expected = CASES[name]
    assert [f"{e} {m}" for e, m in starts_and_ends(run(one_person(segments)))] == expected


def test_an_update_comes_every_update_s_while_an_emotion_holds() -> None:
    events = run(one_person([("happy", 17.0)]))
    assert [e.event_type for e in events] == ["start", "update", "update", "update"]
    assert [round(e.held_s) for e in events[1:]] == [5, 10, 15]


def test_held_s_counts_the_dwell() -> None:
    (start, *_) = run(one_person([("happy", 2.0)]))
    assert start.held_s == pytest.approx(PeopleSettings().trigger.dwell_s, abs=0.05)


def test_an_unsure_network_says_nothing() -> None:
    steps: list[Step] = [(n / 30, [(face_at(200), reading("angry", 0.35))]) for n in range(150)]
    people = People(PeopleSettings())
    for t_s, found in steps:
        (track,) = people.see([found[0][0]], t_s)
        assert people.read({track.id: found[0][1]}, t_s) == []
    (person,) = people.now(5.0)
    assert person.emotion == UNSURE
    assert person.mood.abstain


def test_a_mood_that_wavers_between_the_thresholds_does_not_flicker() -> None:
    rng = np.random.default_rng(4)
    steps: list[Step] = [(n / 30, [(face_at(200), reading("happy", 0.8))]) for n in range(60)]
    steps += [(n / 30, [(face_at(200), reading("happy", rng.uniform(0.36, 0.6)))]) for n in range(60, 600)]
    assert starts_and_ends(run(steps)) == [("start", "happy")]


def test_a_closed_camera_ends_what_holds_and_forgets_everyone() -> None:
    people = People(PeopleSettings())
    for t_s, found in one_person([("happy", 2.0)]):
        (track,) = people.see([found[0][0]], t_s)
        people.read({track.id: found[0][1]}, t_s)
    (event,) = people.leave(2.1)
    assert (event.event_type, event.emotion) == ("end", "happy")
    assert people.now(2.1) == ()
    (track,) = people.see([face_at(200)], 2.2)
    assert track.id == 2


def test_a_small_face_is_followed_but_not_read() -> None:
    people = People(PeopleSettings(min_face_px=24))
    for n in range(30):
        (track,) = people.see([face_at(200, size=20)], n / 30)
        assert not people.readable(track)
        people.read({}, n / 30)
    (person,) = people.now(1.0)
    assert not person.mood.usable
    assert person.mood.probs == pytest.approx(1 / 7)


def test_the_main_person_is_the_largest_and_does_not_jump() -> None:
    people = People(PeopleSettings())
    sizes = [(100, 105)] * 15 + [(100, 110)] * 15 + [(100, 140)] * 15
    main = []
    for n, (a, b) in enumerate(sizes):
        tracks = people.see([face_at(100, size=a), face_at(400, size=b)], n / 30)
        people.read({t.id: reading("neutral") for t in tracks}, n / 30)
        main.append(people.now(n / 30)[0].track.id if people.now(n / 30) else None)
    assert main[14] == 2
    assert set(main[14:]) == {2}
    assert [p.track.id for p in people.now(1.5)] == [2, 1]


def test_explain_shows_the_candidate_and_its_dwell() -> None:
    people = People(PeopleSettings())
    for n in range(12):
        (track,) = people.see([face_at(200)], n / 30)
        people.read({track.id: reading("happy")}, n / 30)
    state = people.explain(track.id)
    assert state is not None
    assert (state.held, state.candidate) == (None, "happy")
    assert people.explain(99) is None


# --- properties --------------------------------------------------------------------------------------------------

distributions = st.lists(st.floats(0.0, 1.0), min_size=7, max_size=7).filter(lambda v: sum(v) > 0.01)


@given(st.lists(st.tuples(st.floats(0.0, 3.0), distributions), min_size=1, max_size=40), st.floats(0.01, 5.0))
def test_probabilities_stay_on_the_simplex(readings: list[tuple[float, list[float]]], tau_s: float) -> None:
    smoother, t_s = Smoother(1, tau_s=tau_s, confidence_min=0.4), 0.0
    for gap_s, values in readings:
        t_s += gap_s
        probs = np.array(values) / sum(values)
        mood = smoother.update(probs, t_s)
        assert mood.probs.shape == (7,)
        assert (mood.probs >= 0).all()
        assert mood.probs.sum() == pytest.approx(1.0)
        assert mood.confidence == mood.probs.max()
        assert -1 <= mood.valence <= 1
        assert -1 <= mood.arousal <= 1


segments_strategy = st.lists(st.tuples(st.sampled_from(EMOTIONS), st.floats(2.0, 6.0)), min_size=1, max_size=5).filter(
    lambda s: all(a[0] != b[0] for a, b in pairwise(s))
)

TOLERANCE_S = 0.2
"""Plus two frame intervals: one until a change is seen, one until its dwell is noticed."""


def same_events(a: list[EmotionEvent], b: list[EmotionEvent], tolerance_s: float) -> None:
    def turns(events: list[EmotionEvent]) -> list[EmotionEvent]:
        return [e for e in events if e.event_type != "update"]

    assert starts_and_ends(a) == starts_and_ends(b)
    for x, y in zip(turns(a), turns(b), strict=True):
        assert abs(x.t_s - y.t_s) <= tolerance_s
        assert x.track_id == y.track_id


@settings(deadline=None, max_examples=40)
@given(segments_strategy, st.sampled_from([2, 3, 4, 6]))
def test_a_decimated_trace_gives_the_same_events(segments: list[tuple[str, float]], keep_every: int) -> None:
    steps = one_person(segments)
    same_events(run(steps), run(steps[::keep_every]), TOLERANCE_S + 2 * keep_every / 30)


@settings(deadline=None, max_examples=40)
@given(segments_strategy, st.integers(0, 2**32 - 1))
def test_a_jittered_trace_gives_the_same_events(segments: list[tuple[str, float]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = one_person(segments)
    times = np.maximum.accumulate([t + rng.uniform(-0.02, 0.02) for t, _ in steps])
    jittered: list[Step] = [
        (float(t), found)
        for t, (_, found), keep in zip(times, steps, rng.random(len(steps)) > 0.3, strict=True)
        if keep
    ]
    # The longest gap of a third dropped at random stays below half a second.
    same_events(run(steps), run(jittered), TOLERANCE_S + 0.5)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(0.0, 0.8), st.one_of(st.none(), distributions)), max_size=120))
def test_every_start_has_exactly_one_end(readings: list[tuple[float, list[float] | None]]) -> None:
    people, t_s, events = People(PeopleSettings()), 0.0, list[EmotionEvent]()
    for gap_s, values in readings:
        t_s += gap_s
        tracks = people.see([face_at(200)] if values is not None else [], t_s)
        got: dict[int, Floats] = {} if values is None else {tracks[0].id: np.array(values) / sum(values)}
        events += people.read(got, t_s)
    events += people.leave(t_s + 0.1)
    held: dict[int, str] = {}
    for event in events:
        assert event.held_s >= 0
        if event.event_type == "start":
            assert event.track_id not in held
            held[event.track_id] = event.emotion
        else:
            assert held[event.track_id] == event.emotion
            if event.event_type == "end":
                del held[event.track_id]
    assert held == {}


# --- the rest of the core ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.ones(6) / 6, np.ones(7), -np.ones(7) / 7, np.full(7, np.nan), [[1.0] * 7]])
def test_what_is_no_distribution_is_refused(bad: Floats) -> None:
    with pytest.raises(ValueError, match="probs must"):
        Smoother(1, tau_s=1.0, confidence_min=0.4).update(bad, 0.0)


def test_valence_and_arousal_of_pure_emotions() -> None:
    pure = {e: valence_arousal(reading(e, 1.0)) for e in EMOTIONS}
    assert pure["happy"] == (0.81, 0.51)
    assert pure["neutral"] == (0.0, 0.0)
    assert pure["sad"][1] < 0 < pure["angry"][1]


def crowd(people: People, count: int, t_s: float) -> None:
    tracks = people.see([face_at(150 * n) for n in range(count)], t_s)
    people.read({t.id: reading("happy") for t in tracks}, t_s)


def test_two_people_are_no_audience_and_three_are() -> None:
    counter, people = AudienceCounter(k=3, window_s=10.0), People(PeopleSettings())
    for n in range(30):
        crowd(people, 2, n / 30)
        assert counter.update(people.now(n / 30), n / 30) is None
    for n in range(30, 60):
        crowd(people, 3, n / 30)
    audience = counter.update(people.now(2.0), 2.0)
    assert audience is not None
    assert (audience.in_view, audience.seen) == (3, 3)
    assert audience.valence == pytest.approx(0.67, abs=0.1)


def test_the_audience_of_a_window_ago_is_forgotten() -> None:
    counter, people = AudienceCounter(k=3, window_s=5.0), People(PeopleSettings())
    for n in range(30):
        crowd(people, 3, n / 30)
    assert counter.update(people.now(1.0), 1.0) is not None
    assert counter.update((), 5.0) is not None
    assert counter.update((), 7.0) is None


def test_unreadable_moods_do_not_single_out_the_one_that_is_readable() -> None:
    counter, people = AudienceCounter(k=3, window_s=10.0), People(PeopleSettings())
    for n in range(30):
        tracks = people.see([face_at(150 * i) for i in range(3)], n / 30)
        people.read({tracks[0].id: reading("sad", 0.9), tracks[1].id: reading("sad", 0.2)}, n / 30)
    audience = counter.update(people.now(1.0), 1.0)
    assert audience is not None
    assert (audience.valence, audience.arousal) == (0.0, 0.0)


def test_the_emotion_is_told_at_a_change_and_as_a_heartbeat() -> None:
    heartbeat = Heartbeat(every_s=5.0)
    told = [n / 10 for n in range(120) if heartbeat.due((), n / 10)]
    assert told == [0.0, 5.0, 10.0]
    heartbeat.reset()
    assert heartbeat.due((), 12.0)


def test_percentiles_of_stage_times() -> None:
    times = StageTimes()
    for n in range(1, 101):
        times.add("find", n / 1000)
    assert times.latencies()["find"].p50_ms == pytest.approx(50.5)
    with pytest.raises(ValueError, match="no durations"):
        latency([])


def test_what_the_network_never_finds_a_face_in_is_no_person_until_it_does() -> None:
    people = People(PeopleSettings())
    present = []
    for n in range(90):
        (track,) = people.see([face_at(200)], n / 30)
        people.read({track.id: reading("happy", 0.9) if n >= 60 else None}, n / 30)
        present.append(len(people.now(n / 30)))
    assert present[:60] == [0] * 60, "a lamp that the finder takes for a face"
    assert present[60:] == [1] * 30, "one readable moment, and it was a person all along"


def test_a_person_who_cannot_be_read_for_a_while_stays_a_person() -> None:
    people = People(PeopleSettings())
    for n in range(90):
        (track,) = people.see([face_at(200)], n / 30)
        people.read({track.id: reading("happy", 0.9) if n < 30 else None}, n / 30)
    (person,) = people.now(89 / 30)
    assert not person.mood.usable
    assert person.emotion == "happy", "a hand before the mouth ends nothing"
