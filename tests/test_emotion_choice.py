"""`tools/emotion_choice.py`: the prior, the temperature and the usable threshold that a network is shipped with."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from emotion_choice import Choice, Chooser, best_choice, choices, choose_temperature, usable_threshold

from edge.core.probabilities import softmax

CHOICE = Choice(power=0.0, ceiling=1.0, accuracy=0.8, sure=0.9, recall=0.75, least=0.5)
NOTHING = np.empty((0, 48, 48), np.uint8)


def rows_and_truth(count: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits (N, 7) of an honest network, what is drawn by its probabilities, and the prior; disgust is rare."""
    rng = np.random.default_rng(7)
    prior = np.array([0.1, 0.02, 0.05, 0.26, 0.14, 0.13, 0.3])
    rows = rng.normal(0.0, 1.5, (count, 7)) + np.log(prior)
    drawn = rng.random((count, 1)) > softmax(rows).cumsum(axis=1)
    return rows, np.minimum(drawn.sum(axis=1), 6), prior / prior.sum()


def test_the_most_accurate_is_taken_of_those_that_know_enough() -> None:
    knows_little = replace(CHOICE, accuracy=0.9, recall=0.73)
    misses_one = replace(CHOICE, accuracy=0.9, least=0.49)
    knows_much = replace(CHOICE, recall=0.8)
    surer = replace(CHOICE, sure=0.92)
    assert best_choice([knows_little, misses_one, knows_much, surer, CHOICE], enough=0.74) is surer


def test_of_nearly_equals_the_one_that_knows_most_is_taken() -> None:
    hardly_worse = replace(CHOICE, accuracy=0.7991, sure=0.8993, recall=0.8)
    worse = replace(CHOICE, accuracy=0.797, recall=0.85)
    assert best_choice([CHOICE, hardly_worse, worse], enough=0.74) is hardly_worse


def test_where_none_knows_enough_the_one_that_knows_most_is_taken() -> None:
    more = replace(CHOICE, accuracy=0.7, recall=0.6)
    assert best_choice([replace(CHOICE, recall=0.5), more], enough=0.74) is more


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=20), st.floats(0, 1))
def test_one_that_knows_enough_is_never_passed_over(numbers: list[tuple[float, ...]], enough: float) -> None:
    found = [Choice(0.0, 1.0, *four) for four in numbers]
    best = best_choice(found, enough)
    assert best in found
    if any(choice.recall >= enough and choice.least >= 0.5 for choice in found):
        assert best.recall >= enough
        assert best.least >= 0.5


def test_taking_off_the_prior_costs_accuracy_and_brings_recall() -> None:
    rows, truth, prior = rows_and_truth()
    found = choices(rows, prior, Chooser(NOTHING, truth, NOTHING, truth[:0], NOTHING, NOTHING), [1.0])
    none, half = (next(choice for choice in found if choice.power == power) for power in (0.0, 0.5))
    assert none.accuracy > half.accuracy
    assert none.recall < half.recall
    assert all(choice.sure > choice.accuracy for choice in found), "the confident ones are right more often"


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_the_temperature_undoes_a_scale_of_the_logits(scale: float) -> None:
    rows, truth, _ = rows_and_truth()
    assert choose_temperature(scale * rows, truth) == pytest.approx(scale, rel=0.1)


SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=200).map(np.array)


@given(st.lists(SCORES, min_size=1, max_size=3), SCORES)
def test_the_usable_threshold_keeps_what_it_must_of_every_set_of_faces(
    faces: list[np.ndarray], none: np.ndarray
) -> None:
    threshold = usable_threshold(faces, none)
    for scores in faces:
        assert (scores >= threshold).mean() >= 0.98
    assert threshold <= np.quantile(none, 0.98)


def test_the_usable_threshold_is_no_higher_than_needed_where_faces_are_sure() -> None:
    none = np.linspace(0.0, 0.5, 101)
    assert usable_threshold([np.full(50, 0.9)], none) == pytest.approx(0.49, abs=1e-4)
    assert usable_threshold([np.full(50, 0.9), np.full(50, 0.3)], none) == pytest.approx(0.3, abs=1e-4)
