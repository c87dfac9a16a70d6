"""The smoother by itself: what it remembers, and that only seconds count."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.people import PeopleSettings
from edge.core.smooth import Smoother
from edge.data import EMOTIONS, Mood
from tests.traces import reading

TAU_S = PeopleSettings().tau_s
HAPPY = EMOTIONS.index("happy")


def smoother(tau_s: float = TAU_S) -> Smoother:
    return Smoother(1, tau_s=tau_s, confidence_min=PeopleSettings().confidence_min)


def after(seconds: float, rate_hz: float) -> Mood:
    """The mood of who was neutral for 3 s and has been happy for ``seconds``."""
    it = smoother()
    for n in range(round(3 * rate_hz)):
        it.update(reading("neutral", 1.0), n / rate_hz)
    for n in range(round(seconds * rate_hz)):
        mood = it.update(reading("happy", 1.0), 3 + n / rate_hz)
    return mood


def test_nothing_read_is_every_emotion_alike() -> None:
    mood = smoother().update(None, 0.0)
    assert mood.probs == pytest.approx(1 / 7)
    assert mood.abstain
    assert not mood.usable


def test_the_first_reading_is_the_mood() -> None:
    mood = smoother().update(reading("sad", 0.7), 12.0)
    assert mood.probs == pytest.approx(reading("sad", 0.7))
    assert mood.usable


@pytest.mark.parametrize("rate_hz", [5, 10, 30, 100])
def test_after_a_change_the_new_emotion_rises_with_the_time_constant(rate_hz: float) -> None:
    assert after(0.4, rate_hz).probs[HAPPY] == pytest.approx(1 - math.exp(-0.4 / TAU_S), abs=0.01)


def test_a_frame_that_could_not_be_read_changes_nothing() -> None:
    it = smoother()
    before = it.update(reading("happy"), 0.0)
    unread = it.update(None, 0.1)
    assert np.array_equal(unread.probs, before.probs)
    assert not unread.usable


def test_two_readings_of_one_moment_count_once() -> None:
    it = smoother()
    before = it.update(reading("happy"), 1.0)
    assert np.array_equal(it.update(reading("sad"), 1.0).probs, before.probs)


def test_time_that_goes_back_is_no_time() -> None:
    it = smoother()
    before = it.update(reading("happy"), 1.0)
    assert np.array_equal(it.update(reading("sad"), 0.5).probs, before.probs)


def test_a_larger_time_constant_is_calmer_from_now_on() -> None:
    it, calm = smoother(), smoother()
    for one in (it, calm):
        one.update(reading("neutral"), 0.0)
    calm.change(tau_s=5.0, confidence_min=0.9)
    assert calm.update(reading("happy"), 0.2).probs[HAPPY] < it.update(reading("happy"), 0.2).probs[HAPPY]
    assert calm.update(reading("happy"), 0.3).abstain


def test_the_mood_cannot_be_written_to() -> None:
    mood = smoother().update(reading("happy"), 0.0)
    with pytest.raises(ValueError, match="read-only"):
        mood.probs[0] = 1.0


@given(st.lists(st.floats(0.001, 0.5), min_size=1, max_size=30), st.floats(0.05, 3.0))
def test_a_constant_reading_is_the_mood_however_frames_come(gaps_s: list[float], tau_s: float) -> None:
    it, t_s = smoother(tau_s), 0.0
    for gap_s in gaps_s:
        t_s += gap_s
        mood = it.update(reading("fear", 0.6), t_s)
    assert mood.probs == pytest.approx(reading("fear", 0.6))


@given(st.floats(0.05, 2.0), st.integers(1, 12), st.floats(0.05, 3.0))
def test_one_long_gap_weighs_as_much_as_the_frames_that_fill_it(gap_s: float, parts: int, tau_s: float) -> None:
    one, many = smoother(tau_s), smoother(tau_s)
    for it in (one, many):
        it.update(reading("neutral"), 0.0)
    once = one.update(reading("happy"), gap_s)
    for n in range(1, parts + 1):
        often = many.update(reading("happy"), gap_s * n / parts)
    assert often.probs == pytest.approx(once.probs)
