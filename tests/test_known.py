"""What the companion knows of a unit, after what it heard in some order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge.core.heard import Heard, HeardAvailability, HeardMood, HeardPrivacy, Origin
from edge.core.known import Known
from edge.data import EMOTIONS, NOBODY, UNSURE

STALE_S = 15.0
ORIGIN = Origin("0123456789abcdef", 1, 10.0, 0.0, False)


def mood(emotion: str = "happy", **fields: Any) -> HeardMood:
    known = {
        "in_view": 2,
        "track_id": "1",
        "confidence": 0.8,
        "abstain": emotion not in EMOTIONS,
        "valence": 0.7,
        "arousal": 0.4,
        "held_s": 3.0,
        "face_px": 90,
    }
    return HeardMood(origin=ORIGIN, emotion=emotion, **(known | fields))


def told(*heard: Heard, now_s: float = 100.0) -> Known:
    known = Known(stale_s=STALE_S)
    for one in heard:
        known.hear(one, now_s)
    return known


def test_before_anything_is_heard_nobody_is_there_and_nothing_is_online():
    known = told()
    sight = known.sight(100.0, connected=True, playing=None)
    assert (sight.connected, sight.faces, sight.emotion, sight.held_s) == (False, 0, NOBODY, 0.0)
    assert known.situation().emotion is None
    assert known.mood_now().emotion is None


def test_a_mood_is_what_page_choices_and_music_are_told():
    known = told(mood())
    sight = known.sight(102.0, connected=True, playing=None)
    assert (sight.connected, sight.faces, sight.emotion, sight.confidence, sight.held_s) == (True, 2, "happy", 0.8, 5.0)
    situation = known.situation()
    assert (situation.emotion, situation.valence, situation.people) == ("happy", 0.7, 2)
    assert (known.mood_now().emotion, known.mood_now().since_s) == ("happy", 97.0)


def test_the_same_mood_of_the_same_person_goes_on_and_another_begins_anew():
    known = told(mood())
    known.hear(mood(held_s=9.0), 104.0)
    assert known.mood_now().since_s == 97.0
    known.hear(mood("sad", held_s=1.0), 105.0)
    assert known.mood_now().since_s == 104.0


def test_a_mood_that_is_none_gives_choices_for_everybody():
    known = told(mood(UNSURE, in_view=3))
    assert (known.situation().emotion, known.situation().confidence, known.situation().people) == (None, 0.0, 3)
    assert known.mood_now().emotion == UNSURE


def test_a_unit_that_goes_away_takes_its_mood_along():
    known = told(mood(), HeardAvailability(False))
    assert not known.sight(100.0, connected=True, playing=None).connected
    assert known.people == 0
    known.hear(HeardAvailability(True), 101.0)
    assert known.sight(101.0, connected=True, playing=None).emotion == NOBODY, "not said again yet"


def test_while_paused_no_music_is_chosen_by_mood():
    known = told(mood(), HeardPrivacy(True))
    assert known.mood_now().emotion is None
    assert known.sight(100.0, connected=True, playing=None).paused


def test_a_mood_not_heard_again_is_forgotten_in_time():
    known = told(mood())
    known.forget(100.0 + STALE_S)
    assert known.emotion == "happy"
    known.forget(100.0 + STALE_S + 0.1)
    assert known.emotion == UNSURE
    assert known.mood_now().emotion is None


ANY = st.one_of(
    st.sampled_from([*EMOTIONS, UNSURE, NOBODY]).map(mood),
    st.booleans().map(HeardAvailability),
    st.booleans().map(HeardPrivacy),
)


@given(st.lists(st.tuples(ANY, st.floats(0.0, 30.0)), max_size=30))
def test_whatever_is_heard_a_unit_that_is_away_has_no_mood(said: list[tuple[Heard, float]]) -> None:
    known, now_s = Known(stale_s=STALE_S), 0.0
    for heard, later_s in said:
        now_s += later_s
        known.hear(heard, now_s)
        known.forget(now_s)
        assert known.online or known.people == 0
        assert known.sight(now_s, connected=True, playing=None).held_s >= 0.0
        assert known.situation().people >= 1
