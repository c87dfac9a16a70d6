"""The recommendation policy: a table that describes it, and properties that hold for all inputs."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.catalogue import load_catalogue
from edge.core.policy import DEFAULT_SETTINGS, TimeRule
from edge.core.reason import LANGUAGES, sentence
from edge.core.recommend import Index, Item, Past, Situation, recommend
from edge.core.suggestion import KINDS
from edge.core.target import find_target, resolve_goal
from edge.data import EMOTIONS

CATALOGUE = Path(__file__).resolve().parent.parent / "config" / "catalogue.yaml"
ITEMS = load_catalogue([CATALOGUE], cache_dir=None).items
INDEX = Index(ITEMS)
FLAT = replace(DEFAULT_SETTINGS, kind_variety=0.0, genre_variety=0.0, creator_variety=0.0)
MUSIC = replace(DEFAULT_SETTINGS, kinds=("music",))
# Valence and arousal as the mood of a clear face has them (edge/core/affect.py).
MOODS = {
    "happy": (0.81, 0.51),
    "surprise": (0.40, 0.67),
    "neutral": (0.0, 0.0),
    "sad": (-0.63, -0.27),
    "angry": (-0.51, 0.59),
    "fear": (-0.64, 0.60),
    "disgust": (-0.60, 0.35),
}
HOURS = {"morning": 8, "noon": 12, "afternoon": 16, "evening": 20, "night": 0}


def seen(mood: str, **other: object) -> Situation:
    valence, arousal = MOODS[mood]
    return replace(Situation(valence, arousal, confidence=0.9, emotion=mood), **other)  # type: ignore[arg-type]


# What the first five cards are like, on the average, for one person with a clear mood on a Monday.
#   bright: valence above 0.45            lively: energy above 0.35
#   calm:   energy below -0.3             gentle: energy from -0.3 to 0.35
# `among` is a kind that must be there, `without` one that must not.
TABLE = """
| mood     | goal    | time      | goal taken | light  | pace   | among      | without  |
|----------|---------|-----------|------------|--------|--------|------------|----------|
| happy    | auto    | morning   | sustain    | bright | lively | music      | film     |
| happy    | auto    | evening   | sustain    | bright | lively | film       |          |
| surprise | auto    | afternoon | sustain    | bright | lively | activity   | film     |
| neutral  | auto    | noon      | sustain    | any    | gentle | music      | film     |
| neutral  | auto    | night     | sustain    | any    | calm   | book       | activity |
| sad      | auto    | morning   | elevate    | any    | gentle | music      | film     |
| sad      | auto    | evening   | elevate    | any    | gentle | film       |          |
| sad      | calm    | evening   | calm       | any    | calm   | film       |          |
| sad      | sustain | afternoon | sustain    | any    | calm   | music      | film     |
| angry    | auto    | noon      | calm       | any    | calm   | activity   | film     |
| angry    | auto    | night     | calm       | any    | calm   | meditation | activity |
| angry    | elevate | afternoon | elevate    | any    | gentle | music      | film     |
| fear     | auto    | evening   | calm       | any    | calm   | film       |          |
| fear     | auto    | night     | calm       | any    | calm   | meditation | activity |
| disgust  | auto    | afternoon | calm       | any    | calm   | activity   | film     |
| happy    | calm    | evening   | calm       | any    | calm   | film       |          |
| neutral  | elevate | morning   | elevate    | bright | gentle | music      | film     |
| neutral  | calm    | night     | calm       | any    | calm   | meditation | activity |
"""
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.strip().splitlines()[2:]]
PACE = {"calm": (-1.0, -0.3), "gentle": (-0.3, 0.35), "lively": (0.35, 1.0)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row[:3]))
def test_table(row: list[str]) -> None:
    mood, goal, time, goal_taken, light, pace, among, without = row
    situation = seen(mood, goal=goal, hour=HOURS[time])
    items = [choice.item for choice in recommend(situation, INDEX)]
    assert len(items) == 5
    assert resolve_goal(situation) == goal_taken
    energy, valence = sum(i.energy for i in items) / 5, sum(i.valence for i in items) / 5
    assert PACE[pace][0] <= energy <= PACE[pace][1]
    assert valence > (0.45 if light == "bright" else 0.0)
    kinds = [item.kind for item in items]
    assert among in kinds
    assert without not in kinds


@pytest.mark.parametrize("goal", ["auto", "elevate", "sustain", "calm"])
@pytest.mark.parametrize("wish", ["", "brighter", "calmer", "surprise"])
@pytest.mark.parametrize("hour", range(24))
def test_music_for_anger_is_never_fast(goal: str, wish: str, hour: int) -> None:
    situation = seen("angry", goal=goal, wish=wish, hour=hour)
    choices = recommend(situation, INDEX, settings=MUSIC, n=20)
    assert choices
    assert max(choice.item.energy for choice in choices) <= 0.0


def test_anger_is_also_read_from_the_plane() -> None:
    situation = Situation(-0.5, 0.6, confidence=0.9, emotion=None, goal="elevate")
    assert max(c.item.energy for c in recommend(situation, INDEX, settings=MUSIC, n=20)) <= 0.0


@pytest.mark.parametrize("emotion", [*EMOTIONS, None, "unsure", "none"])
@pytest.mark.parametrize("who", [{"confidence": 0.3}, {"people": 2}, {"people": 5}])
def test_low_confidence_or_several_people_get_what_suits_everyone(emotion: str | None, who: dict[str, object]) -> None:
    situation = replace(Situation(-0.6, 0.6, confidence=0.9, emotion=emotion), **who)  # type: ignore[arg-type]
    for choice in recommend(situation, INDEX, n=30):
        assert choice.item.minimum_age == 0
        assert abs(choice.item.energy) <= 0.5


def test_confidence_moves_the_target_from_everyone_to_the_mood() -> None:
    targets = [find_target(seen("happy", confidence=c), DEFAULT_SETTINGS) for c in (0.2, 0.5, 0.6, 0.9)]
    weights = [target.weight for target in targets]
    assert weights == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0])
    assert targets[0].valence == pytest.approx(0.5)
    assert targets[3].valence == pytest.approx(0.81)
    assert [t.valence for t in targets] == sorted(t.valence for t in targets)


def test_wishes_win_over_the_mood() -> None:
    usual, brighter, calmer = (
        [c.item for c in recommend(seen("neutral", wish=wish), INDEX)] for wish in ("", "brighter", "calmer")
    )
    assert sum(i.valence for i in brighter) > sum(i.valence for i in usual)
    assert sum(i.energy for i in brighter) > sum(i.energy for i in usual) > sum(i.energy for i in calmer)


def test_what_was_shown_or_played_comes_back_later() -> None:
    def best(*history: Past) -> Item:
        return recommend(seen("happy"), INDEX, history, n=1)[0].item

    first, month_s = best(), 30 * 86400
    assert best(Past(first.id, "shown", 5)) != first
    assert best(Past(first.id, "played", 600)) != first
    assert best(Past(first.id, "shown", month_s), Past(first.id, "played", month_s)) == first


def test_liked_rises_skipped_sinks_and_both_fade() -> None:
    def score(*history: Past) -> float:
        return next(c.score for c in recommend(seen("happy"), Index(ITEMS[:1]), history))

    name = ITEMS[0].id
    assert (
        score(Past(name, "liked", 60)) > score(Past(name, "finished", 60)) > score() > score(Past(name, "skipped", 60))
    )
    assert score(Past(name, "liked", 60)) > score(Past(name, "liked", 90 * 86400)) > score()
    assert score(Past(name, "skipped", 60)) < score(Past(name, "skipped", 3 * 86400)) < score()
    assert score(Past("gone-from-the-catalogue", "skipped", 1)) == score()


def test_weekday_and_hour_count() -> None:
    rule = replace(DEFAULT_SETTINGS, time_rules=(TimeRule("book", 22, 2, (5, 6), bias=1.0),))

    def part(hour: int, weekday: int) -> float:
        book = Index([Item(id="b", kind="book", title="B")])
        return recommend(Situation(hour=hour, weekday=weekday), book, settings=rule)[0].parts["time"]

    assert [part(21, 5), part(22, 5), part(1, 6), part(2, 6), part(23, 4)] == pytest.approx([0, 0.3, 0.3, 0, 0])


def test_the_list_is_varied() -> None:
    choices = recommend(seen("neutral", hour=19), INDEX, n=6)
    creators = [c.item.creator for c in choices if c.item.creator]
    assert len({c.item.kind for c in choices}) >= 4
    assert len(set(creators)) == len(creators)


def test_limits_of_the_settings_hold() -> None:
    strict = replace(DEFAULT_SETTINGS, kinds=("film", "book"), age_limit=6)
    items = [c.item for c in recommend(seen("happy"), INDEX, settings=strict, n=200)]
    assert {i.kind for i in items} == {"film", "book"}
    assert max(i.minimum_age for i in items) == 6


def test_texts_are_in_the_language_of_the_page() -> None:
    for language in ("en", "de"):
        items = [c.item for c in recommend(seen("sad", language=language), INDEX, n=len(ITEMS))]
        assert {i.language for i in items if i.text} == {language}


def test_nothing_to_choose_from() -> None:
    assert recommend(seen("happy"), Index([])) == ()
    assert recommend(seen("happy"), INDEX, n=0) == ()
    assert len(recommend(seen("happy"), Index(ITEMS[:2]), n=9)) == 2


def test_equal_items_are_ordered_by_id_whatever_their_order() -> None:
    twins = [Item(id=name, kind="place", title="The same") for name in ("c", "a", "b")]
    for order in (twins, twins[::-1]):
        assert [c.item.id for c in recommend(Situation(), Index(order), settings=FLAT)] == ["a", "b", "c"]


numbers = st.floats(allow_nan=True, allow_infinity=True)
situations = st.builds(
    Situation,
    valence=numbers,
    arousal=numbers,
    confidence=numbers,
    emotion=st.sampled_from([*EMOTIONS, None, "unsure"]),
    people=st.integers(0, 9),
    goal=st.sampled_from(["auto", "elevate", "sustain", "calm"]),
    hour=st.integers(-5, 30),
    weekday=st.integers(-2, 9),
    language=st.sampled_from(["en", "de", "xx"]),
    wish=st.sampled_from(["", "brighter", "calmer", "surprise"]),
)
pasts = st.lists(
    st.builds(
        Past,
        st.sampled_from([item.id for item in ITEMS[::9]] + ["unknown"]),
        st.sampled_from(["shown", "played", "finished", "liked", "skipped"]),
        numbers,
    ),
    max_size=20,
)


@given(situations, pasts, st.integers(0, 12))
@settings(max_examples=120, deadline=None)
def test_scores_are_finite_ordered_and_the_sum_of_their_parts(
    situation: Situation, history: list[Past], n: int
) -> None:
    choices = recommend(situation, INDEX, history, n=n)
    assert len(choices) <= n
    scores = [c.score for c in choices]
    assert all(math.isfinite(value) for c in choices for value in (c.score, *c.parts.values()))
    assert scores == pytest.approx([sum(c.parts.values()) for c in choices])
    assert all(a >= b - 1e-9 for a, b in pairwise(scores))
    assert len({c.item.id for c in choices}) == len(choices)
    assert choices == recommend(situation, INDEX, history, n=n)


@given(situations, pasts, st.sets(st.integers(0, len(ITEMS) - 1), min_size=2, max_size=40))
@settings(max_examples=60, deadline=None)
def test_the_order_of_two_items_does_not_depend_on_others(
    situation: Situation, history: list[Past], kept: set[int]
) -> None:
    everything = recommend(situation, INDEX, history, FLAT, n=len(ITEMS))
    few = recommend(situation, Index([ITEMS[row] for row in kept]), history, FLAT, n=len(ITEMS))
    wanted = {ITEMS[row].id for row in kept}
    assert [c.item.id for c in few] == [c.item.id for c in everything if c.item.id in wanted]
    by_id = {c.item.id: c for c in everything}
    assert all(by_id[c.item.id].parts == c.parts for c in few)


# A reason speaks about the suggestion: nothing about the person, and no unpleasant feeling by name.
FORBIDDEN = re.compile(
    r"\b(you|your|yours|you're|he|she|they|feel|feels|feeling|mood|face|look|looks|seem|seems|sad|sadness|angry|anger|afraid|"
    r"fear|fearful|scared|disgust|disgusted|unhappy|upset|stress|stressed|worried|worry|nervous|anxious|depressed|tired|"
    r"du|dich|dir|dein|deine|sie|ihr|ihre|ihnen|traurig|wütend|wut|ängstlich|angst|ekel|ärger|verärgert|gestresst|stimmung|"
    r"gesicht|fühlen|gefühl|müde)\b",
    re.IGNORECASE,
)
# Texts of meditations and activities may say "you" in an instruction, but never how somebody is.
SAYS_HOW_SOMEBODY_IS = re.compile(
    r"\b(you are|you're|you feel|you look|you seem|your (mood|anger|fear|sadness|stress)|du bist|sie sind|sad|angry|"
    r"anger|afraid|fear|stress|upset|worried|anxious|traurig|wütend|angst|ärger)\b",
    re.IGNORECASE,
)


def test_no_reason_speaks_about_the_person() -> None:
    said = set()
    for mood in MOODS:
        for goal in ("auto", "elevate", "sustain", "calm"):
            for who in (
                {},
                {"people": 3},
                {"confidence": 0.1},
                {"wish": "brighter"},
                {"wish": "calmer"},
                {"wish": "surprise"},
            ):
                for hour in (8, 20):
                    for language in LANGUAGES:
                        situation = seen(mood, goal=goal, hour=hour, language=language, **who)
                        said |= {c.reason for c in recommend(situation, INDEX, [Past(ITEMS[9].id, "liked", 9e4)], n=8)}
    assert len(said) > 100
    for reason in said:
        assert not FORBIDDEN.search(reason), reason
        assert reason.endswith(".")
        assert reason.count(".") == 1
        assert len(reason) <= 120


def test_no_wording_holds_a_forbidden_word() -> None:
    for words in LANGUAGES.values():
        for table in (words.nouns, words.qualities, words.purposes, words.times):
            for text in (*table.values(), words.liked):
                assert not FORBIDDEN.search(text), text


def test_a_reason_claims_only_what_counted() -> None:
    item = Item(id="m", kind="music", title="M", valence=0.3, energy=-0.7)
    situation = seen("angry", hour=20)
    target = find_target(situation, DEFAULT_SETTINGS)
    parts = dict.fromkeys(("mood", "time", "genre", "novelty", "recency", "feedback", "variety"), 0.0)
    assert sentence(item, situation, target, parts) == "A calm piece of music for a change."
    assert sentence(item, situation, target, parts | {"mood": 0.9}) == "A calm piece of music that slows the pace."
    evening = sentence(item, situation, target, parts | {"mood": 0.9, "time": 0.2})
    assert evening == "A calm piece of music that slows the pace, good for the evening."
    liked = sentence(item, situation, target, parts | {"mood": 0.9, "time": 0.2, "feedback": 0.3})
    assert liked == "A calm piece of music that slows the pace, and it was liked here before."


def test_the_shipped_texts_never_say_how_somebody_is() -> None:
    for item in ITEMS:
        if item.text:
            assert not SAYS_HOW_SOMEBODY_IS.search(f"{item.title} {item.text}"), item.id
            assert 2 <= len(re.findall(r"[.!?](?:\s|$)", item.text)) <= 4, item.id


def test_every_kind_has_a_noun_in_every_language() -> None:
    assert all(set(words.nouns) == set(KINDS) for words in LANGUAGES.values())
    assert all(set(words.purposes) == set(LANGUAGES["en"].purposes) for words in LANGUAGES.values())
