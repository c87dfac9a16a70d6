"""`tools/emotion_folds.py`: rows that a network is not trained on, and what its answers to them are mixed into."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from emotion_data import VOTES_OF_EMOTIONS, VoteSet
from emotion_folds import Answers, digest_of, fold_of, left_out, worth_beside_votes


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, 48, 48), np.uint8)


def test_every_picture_is_left_out_once_and_copies_of_it_with_it():
    images = pictures(60)
    out = np.stack([left_out(images, f"{i}/3") for i in (1, 2, 3)])
    assert (out.sum(axis=0) == 1).all()
    assert (out.sum(axis=1) > 5).all()
    assert np.array_equal(fold_of(np.ascontiguousarray(images[:, :, ::-1]), 3), fold_of(images, 3))
    assert np.array_equal(fold_of(images[::-1], 3), fold_of(images, 3)[::-1])


@pytest.mark.parametrize("fold", ["0/3", "4/3", "1/1", "2", "a/b", "-1/3", ""])
def test_a_fold_that_is_none_is_said_to_be_none(fold):
    with pytest.raises(SystemExit, match="as 2/3"):
        left_out(pictures(2), fold)


def test_answers_take_their_share_of_each_head_and_teach_nothing_where_the_targets_do_not(tmp_path):
    images = pictures(3)
    targets = np.zeros((3, 15), np.float32)
    targets[0, 2], targets[0, 7 + 5], targets[0, 14] = 1.0, 1.0, 0.7
    targets[1, :7] = 1 / 7  # no label of FER2013
    probabilities = np.full((3, 14), 1 / 7, np.float32)
    Answers(probabilities, digest_of(images), ["python a", "python b"]).write(tmp_path / "answers.npz")
    answers = Answers.read(tmp_path / "answers.npz")
    mixed = answers.mixed_into(targets, images, share=0.25)
    assert answers.commands == ["python a", "python b"]
    assert mixed[0, 2] == mixed[0, 12] == pytest.approx(0.75 + 0.25 / 7)
    assert mixed[0, :7].sum() == pytest.approx(1.0)
    assert mixed[0, 7:14].sum() == pytest.approx(1.0)
    assert mixed[0, 14] == np.float32(0.7)
    assert mixed[1] == pytest.approx(targets[1])
    assert not mixed[2].any()


def test_answers_to_other_pictures_are_refused():
    images = pictures(3)
    answers = Answers(np.full((3, 14), 1 / 7, np.float32), digest_of(images), [])
    with pytest.raises(SystemExit, match="other pictures"):
        answers.mixed_into(np.zeros((3, 15), np.float32), images[::-1], share=0.5)


@pytest.mark.parametrize("worth", [5, 10, 30])
def test_answers_are_worth_as_many_votes_as_they_were_made_of(worth):
    rng = np.random.default_rng(1)
    true = rng.dirichlet(np.full(7, 0.4), 3000)
    votes = np.zeros((len(true), 10), np.int64)
    votes[:, VOTES_OF_EMOTIONS] = rng.multinomial(10, true)
    answers = (rng.multinomial(worth, true) / worth).astype(np.float32)
    own = VoteSet(np.zeros((len(true), 48, 48), np.uint8), votes, np.full(len(true), -1), [], [])
    assert worth_beside_votes(answers, own) == pytest.approx(worth / (worth + 10), abs=0.05)
