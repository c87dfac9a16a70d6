"""When the page glows, speaks, shows cards, rests. Times are the issue's own."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.core.presentation import Presenter
from edge.core.suggestion import Choice, Item
from edge.core.view import Card, Playing, PresentationSettings, Sight, View
from edge.data import EMOTIONS, UNSURE

NOBODY_THERE = Sight(connected=True)
AWAY = Sight(connected=False)
DEFAULTS = PresentationSettings()


def cards(*ids: str) -> list[Card]:
    return [Card(id=i, kind="music", title=i.upper(), reason="Warm and slow.") for i in ids]


def face(emotion: str = "happy", faces: int = 1, confidence: float = 0.8, held_s: float = 0.0) -> Sight:
    return Sight(connected=True, faces=faces, emotion=emotion, confidence=confidence, held_s=held_s)


class Page:
    """A presenter whose companion always has four cards at hand."""

    def __init__(self, given: PresentationSettings = DEFAULTS) -> None:
        self.presenter = Presenter(given)
        self.t_s = 0.0
        self.offers = 0
        self.see(NOBODY_THERE)

    def see(self, sight: Sight, for_s: float = 0.0) -> View:
        """The same sight for a while, at 10 Hz."""
        end_s = self.t_s + for_s
        view = self._turn(sight)
        while self.t_s < end_s - 1e-9:
            self.t_s += 0.1
            view = self._turn(sight)
        return view

    def _turn(self, sight: Sight) -> View:
        view = self.presenter.update(sight, self.t_s)
        if self.presenter.wants_new_cards(self.t_s):
            self.offers += 1
            self.presenter.offer(cards(*(f"{self.offers}{letter}" for letter in "abcd")), self.t_s)
            view = self.presenter.view(self.t_s)
        return view


def ids(view: View) -> list[str]:
    return [card.id for card in view.cards]


# --- glow, words, cards ----------------------------------------------------------------------------------------------


def test_a_face_glows_at_once_and_without_words() -> None:
    view = Page().see(face())
    assert (view.scene, view.headline, view.cards) == ("glow", "", ())


def test_words_and_cards_after_a_stable_mood() -> None:
    page = Page()
    assert page.see(face(), 1.4).scene == "glow"
    view = page.see(face(), 0.2)
    assert (view.scene, view.headline, view.tone) == ("cards", "bright", "bright")
    assert ids(view) == ["1a", "1b", "1c"]


def test_what_the_unit_already_held_counts() -> None:
    assert Page().see(face(held_s=2.0)).scene == "cards"


def test_a_flickering_mood_gets_no_words_before_it_settles() -> None:
    page = Page()
    for emotion in ("happy", "sad", "happy"):
        assert page.see(face(emotion), 1.0).headline == ""
    assert page.see(face("happy"), 1.0).headline != ""


def test_a_mood_that_never_settles_gets_what_suits_everyone() -> None:
    page = Page()
    assert page.see(face(UNSURE, confidence=0.2), 3.9).scene == "glow"
    assert page.see(face(UNSURE, confidence=0.2), 0.2).headline == "now"


def test_low_confidence_is_unsure() -> None:
    assert Page().see(face("sad", confidence=0.2), 5.0).headline == "now"


@pytest.mark.parametrize(
    ("emotion", "headline"),
    [
        *(("happy", "bright"), ("surprise", "new"), ("sad", "gentle"), ("angry", "unwind"), ("fear", "quiet")),
        *(("disgust", "now"), ("neutral", "now")),
    ],
)
def test_each_emotion_calls_for_its_headline(emotion: str, headline: str) -> None:
    assert Page().see(face(emotion), 2.0).headline == headline


def test_two_people_get_something_for_all() -> None:
    view = Page().see(face("angry", faces=2), 2.0)
    assert (view.headline, view.tone) == ("all", "all")


# --- holds -----------------------------------------------------------------------------------------------------------


def test_cards_stay_at_least_8_s_while_the_mood_changes() -> None:
    page = Page()
    first = ids(page.see(face("happy"), 1.5))
    assert ids(page.see(face("sad"), 7.9)) == first
    assert page.see(face("sad"), 0.3).headline == "gentle"


def test_cards_stay_10_s_after_a_touch() -> None:
    page = Page()
    first = ids(page.see(face("happy"), 8.0))
    page.presenter.touch("like", first[0], page.t_s)
    view = page.see(face("sad"), 9.9)
    assert ids(view) == first
    assert view.cards[0].liked
    assert ids(page.see(face("sad"), 0.3)) != first


def test_the_same_mood_gets_new_cards_after_a_minute() -> None:
    page = Page()
    page.see(face(), 61.0)
    assert page.offers == 1
    page.see(face(), 1.0)
    assert page.offers == 2


def test_idle_6_s_after_people_left() -> None:
    page = Page()
    page.see(face(), 10.0)
    assert page.see(NOBODY_THERE, 5.9).scene == "cards"
    assert page.see(NOBODY_THERE, 0.2) == View("idle")


def test_cards_that_just_came_stay_their_8_s_even_without_people() -> None:
    page = Page()
    page.see(face(), 1.5)
    assert page.see(NOBODY_THERE, 7.9).scene == "cards"
    assert page.see(NOBODY_THERE, 0.2).scene == "idle"


def test_a_hand_on_the_page_counts_where_the_camera_sees_nobody() -> None:
    page = Page()
    page.see(face(), 10.0)
    page.see(NOBODY_THERE, 5.0)
    page.presenter.touch("like", "1a", page.t_s)
    assert page.see(NOBODY_THERE, 9.9).scene == "cards"
    assert page.see(NOBODY_THERE, 0.2).scene == "idle"


# --- touches ---------------------------------------------------------------------------------------------------------


def test_a_skipped_card_makes_room_for_the_next() -> None:
    page = Page()
    page.see(face(), 2.0)
    page.presenter.touch("skip", "1b", page.t_s)
    assert ids(page.see(face())) == ["1a", "1c", "1d"]


def test_a_skipped_card_does_not_come_back_while_people_are_here() -> None:
    presenter = Presenter(DEFAULTS)
    presenter.update(face(held_s=2.0), 0.0)
    presenter.offer(cards("a", "b"), 0.0)
    presenter.touch("skip", "a", 1.0)
    presenter.offer(cards("a", "b", "c"), 20.0)
    assert ids(presenter.view(20.0)) == ["b", "c"]


def test_skipping_everything_asks_for_more_at_once() -> None:
    page = Page()
    page.see(face(), 2.0)
    for letter in "abcd":
        page.presenter.touch("skip", f"1{letter}", page.t_s)
    assert ids(page.see(face())) == ["2a", "2b", "2c"]


@pytest.mark.parametrize(("wish", "tone"), [("brighter", "bright"), ("calmer", "gentle"), ("surprise", "new")])
def test_not_quite_answers_at_once_and_holds_for_60_s(wish: str, tone: str) -> None:
    page = Page()
    page.see(face("neutral"), 2.0)
    page.presenter.touch("not_quite", wish, page.t_s)
    view = page.see(face("neutral"))
    assert (view.wish, view.headline, view.tone, ids(view)[0]) == (wish, f"wish_{wish}", tone, "2a")
    assert page.see(face("neutral"), 59.8).wish == wish
    view = page.see(face("neutral"), 2.0)
    assert (view.wish, view.headline) == ("", "now")


def test_not_quite_works_without_a_face_and_leaves_nothing_behind() -> None:
    page = Page()
    page.presenter.touch("not_quite", "surprise", page.t_s)
    assert page.see(NOBODY_THERE).headline == "wish_surprise"
    assert page.see(NOBODY_THERE, 10.1) == View("idle")
    assert page.see(face(), 2.0).wish == ""


def test_rubbish_touches_change_nothing() -> None:
    page = Page()
    before = page.see(face(), 2.0)
    page.presenter.touch("not_quite", "louder", page.t_s)
    page.presenter.touch("language", "xx", page.t_s)
    page.presenter.touch("like", "nothing", page.t_s)
    page.presenter.touch("skip", "nothing", page.t_s)
    assert page.see(face()) == before


def test_the_language_changes_at_once_with_new_reasons_and_goes_back_for_the_next_visitor() -> None:
    page = Page()
    page.see(face(), 2.0)
    page.presenter.touch("language", "de", page.t_s)
    view = page.see(face())
    assert (view.language, page.offers) == ("de", 2)
    page.see(face(), 60.0)
    assert page.see(NOBODY_THERE, 10.0).language == "en"


def test_a_language_chosen_at_rest_goes_back_after_a_minute() -> None:
    page = Page()
    page.presenter.touch("language", "de", page.t_s)
    assert page.see(NOBODY_THERE, 59.0).language == "de"
    assert page.see(NOBODY_THERE, 2.0).language == "en"


def test_no_cards_at_hand_asks_again_after_a_while() -> None:
    presenter = Presenter(DEFAULTS)
    presenter.update(face(held_s=2.0), 0.0)
    assert presenter.wants_new_cards(0.0)
    presenter.offer([], 0.0)
    assert not presenter.wants_new_cards(4.9)
    assert presenter.wants_new_cards(5.0)


# --- pause and connection --------------------------------------------------------------------------------------------


def test_pause_on_the_page_holds_until_resume() -> None:
    page = Page()
    page.see(face(), 2.0)
    page.presenter.touch("pause", "", page.t_s)
    assert page.see(face(), 100.0) == View("paused")
    page.presenter.touch("resume", "", page.t_s)
    assert page.see(face()).scene == "glow"


def test_the_units_pause_wins_over_the_pages_resume() -> None:
    page = Page()
    page.presenter.touch("resume", "", page.t_s)
    assert page.see(Sight(connected=True, paused=True, faces=1)) == View("paused")


def test_a_unit_that_is_away_is_one_moment_after_6_s() -> None:
    page = Page()
    page.see(face(), 10.0)
    assert page.see(AWAY, 5.9).scene == "cards"
    assert page.see(AWAY, 0.2) == View("offline")
    assert page.see(NOBODY_THERE).scene == "idle"


def test_before_the_unit_was_ever_there() -> None:
    assert Presenter(DEFAULTS).update(AWAY, 0.0) == View("offline")


# --- how much of a mood is shown -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mood", "tone", "headline", "word"),
    [("colour", "gentle", "gentle", ""), ("word", "gentle", "gentle", "gentle"), ("off", "now", "now", "")],
)
def test_display_mood(mood: str, tone: str, headline: str, word: str) -> None:
    view = Page(PresentationSettings(mood=mood)).see(face("sad"), 2.0)  # type: ignore[arg-type]
    assert (view.tone, view.headline, view.word) == (tone, headline, word)


def test_a_card_is_made_of_a_choice() -> None:
    item = Item("calm-1", "meditation", "Breathing", creator="Moodcast", minutes=4, text="Breathe in.", image="a.png")
    card = Card.of(Choice(item, "Slow and quiet.", 1.0, {}))
    assert (card.id, card.kind, card.reason, card.text, card.minutes) == (
        "calm-1", "meditation", "Slow and quiet.", "Breathe in.", 4,
    )  # fmt: skip


def test_what_plays_is_shown_and_hidden_at_rest() -> None:
    page = Page()
    sight = Sight(connected=True, faces=1, emotion="happy", confidence=0.9, playing=Playing("1a", "Song"))
    assert page.see(sight, 2.0).playing == Playing("1a", "Song")
    assert page.see(Sight(connected=True, playing=Playing("1a", "Song")), 20.0).playing is None


# --- whatever happens ------------------------------------------------------------------------------------------------

sights = st.builds(
    Sight,
    connected=st.sampled_from([True, True, True, False]),
    paused=st.sampled_from([False, False, False, True]),
    faces=st.integers(0, 3),
    emotion=st.sampled_from([*EMOTIONS, UNSURE, "none"]),
    confidence=st.floats(0, 1),
)
touches = st.tuples(
    st.sampled_from(["like", "skip", "finished", "not_quite", "pause", "resume", "language"]),
    st.sampled_from(["1a", "2b", "brighter", "calmer", "surprise", "de", "en", ""]),
)
steps = st.lists(st.tuples(st.floats(0.01, 4.0), sights, st.none() | touches), max_size=60)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_whatever_happens_the_times_hold(  # noqa: C901 - one walk, every rule
    sequence: Sequence[tuple[float, Sight, tuple[str, str] | None]],
) -> None:
    page = Page()
    seen_s = came_s = touched_s = -1e9
    shown: list[str] = []
    for dt_s, sight, touch in sequence:
        page.t_s += dt_s
        before = page.presenter.view(page.t_s)
        if touch is not None:
            page.presenter.touch(touch[0], touch[1], page.t_s)  # type: ignore[arg-type]
            if before.cards or touch[0] == "not_quite":
                touched_s = page.t_s
        view = page.see(sight)
        if sight.connected and sight.faces:
            seen_s = page.t_s
        json.dumps(view.as_dict())
        resting = view.scene in ("idle", "paused", "offline")
        if resting:
            assert view == View(view.scene, language=view.language), "nothing of anyone at rest"
        if sight.paused:
            assert view.scene == "paused"
        elif sight.connected and sight.faces and not page.presenter._paused_here:
            assert view.scene in ("glow", "cards"), "a face glows in the same turn"
        if ids(view) != shown:
            if shown and view.scene != "paused" and touch is None:
                held = page.t_s - came_s < 8.0 or page.t_s - touched_s < 10.0
                assert not held, "cards changed by themselves while they were held"
            came_s, shown = page.t_s, ids(view)
        if view.scene in ("idle", "offline") and before.scene in ("glow", "cards"):
            assert page.t_s - seen_s >= 6.0
        if view.scene in ("glow", "cards"):
            assert page.t_s < max(seen_s + 6.0, came_s + 8.0, touched_s + 10.0), "lingers"
        assert len(view.cards) <= DEFAULTS.cards_shown


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1.4), st.sampled_from(["happy", "sad", "angry"])), min_size=1, max_size=40))
def test_words_never_come_before_the_mood_was_stable(sequence: list[tuple[float, str]]) -> None:
    presenter = Presenter(PresentationSettings(unsure_s=1e6))
    t_s, since_s, current = 0.0, 0.0, ""
    for dt_s, emotion in sequence:
        t_s += dt_s
        if emotion != current:
            current, since_s = emotion, t_s
        presenter.update(face(emotion), t_s)
        assert presenter.wants_new_cards(t_s) is (t_s - since_s >= 1.5)
