"""The trigger by itself: thresholds and times, one moment at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.people import PeopleSettings
from edge.core.trigger import Trigger, TriggerSettings
from edge.data import EMOTIONS, Mood
from tests.traces import reading

SETTINGS = TriggerSettings(enter=0.5, leave=0.3, dwell_s=0.3, release_s=1.0, update_s=5.0)


def mood(emotion: str, strength: float = 0.8, *, abstain: bool = False) -> Mood:
    probs = reading(emotion, strength)
    return Mood(7, probs, float(probs.max()), abstain, True, 0.0, 0.0, 0.0)


def told(steps: list[tuple[float, Mood]], settings: TriggerSettings = SETTINGS) -> list[str]:
    """``t_s event emotion`` of everything that happened."""
    trigger = Trigger(settings)
    events = [e for t_s, m in steps for e in trigger.update(m, t_s, face_px=100.0)]
    return [f"{e.t_s:g} {e.event_type} {e.emotion}" for e in events]


CASES = {
    "below `enter` nothing begins": ([(0, mood("happy", 0.49)), (5, mood("happy", 0.49))], []),
    "at `enter` it begins after its dwell": (
        [(0, mood("happy", 0.5)), (0.29, mood("happy", 0.5)), (0.3, mood("happy", 0.5))],
        ["0.3 start happy"],
    ),
    "a dwell is interrupted by another emotion": (
        [(0, mood("happy")), (0.2, mood("sad")), (0.4, mood("happy")), (0.6, mood("happy"))],
        [],
    ),
    "abstaining interrupts it too": (
        [(0, mood("happy")), (0.2, mood("happy", abstain=True)), (0.4, mood("happy"))],
        [],
    ),
    "another emotion takes over at once": (
        [(0, mood("happy")), (0.3, mood("happy")), (1, mood("sad")), (1.3, mood("sad"))],
        ["0.3 start happy", "1.3 end happy", "1.3 start sad"],
    ),
    "what fades is held for its release": (
        [(0, mood("happy")), (0.3, mood("happy")), (1, mood("fear", 0.4)), (1.9, mood("fear", 0.4))],
        ["0.3 start happy"],
    ),
    "and then ends": (
        [(0, mood("happy")), (0.3, mood("happy")), (1, mood("fear", 0.4)), (2, mood("fear", 0.4))],
        ["0.3 start happy", "2 end happy"],
    ),
    "between the thresholds it stays": (
        [(0, mood("happy")), (0.3, mood("happy")), (1, mood("happy", 0.35)), (4, mood("happy", 0.35))],
        ["0.3 start happy"],
    ),
    "an update for each `update_s`": (
        [(0, mood("happy")), (0.3, mood("happy")), (5, mood("happy")), (9, mood("happy")), (10, mood("happy"))],
        ["0.3 start happy", "5 update happy", "10 update happy"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_told(name: str) -> None:
    steps, expected = CASES[name]
    assert told(steps) == expected


def test_an_end_says_how_long_and_only_once() -> None:
    trigger = Trigger(SETTINGS)
    for t_s in (0.0, 0.3):
        trigger.update(mood("happy"), t_s, face_px=100.0)
    (event,) = trigger.end(mood("happy"), 2.0, face_px=50.0)
    assert (event.event_type, event.held_s, event.face_px, event.track_id) == ("end", 2.0, 50.0, 7)
    assert trigger.end(mood("happy"), 2.0, face_px=50.0) == []
    assert trigger.held is None


@given(st.lists(st.tuples(st.floats(0.0, 0.5), st.sampled_from(EMOTIONS), st.floats(0.2, 1.0)), max_size=80))
def test_no_emotion_begins_sooner_than_its_dwell_after_the_last(steps: list[tuple[float, str, float]]) -> None:
    trigger, t_s, last_s = Trigger(PeopleSettings().trigger), 0.0, 0.0
    for gap_s, emotion, strength in steps:
        t_s += gap_s
        for event in trigger.update(mood(emotion, strength), t_s, face_px=100.0):
            if event.event_type == "start":
                assert t_s - last_s >= PeopleSettings().trigger.dwell_s - 1e-9
                last_s = t_s
