"""`tools/emotion_examples.py` and `emotion_copies.py`: which rows are trained on, and what copies seem to be worth."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import emotion_copies
import emotion_examples
from emotion_data import VoteSet
from emotion_examples import Sets, own_alone, scenes_alone, training_examples, with_copies

HAPPY, NEUTRAL = 3, 6


def votes(seed: int, count: int) -> VoteSet:
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (count, 48, 48), np.uint8)
    return VoteSet(pictures, rng.integers(0, 10, (count, 10)), rng.integers(-1, 7, count), [], [])


def sets() -> Sets:
    photos = votes(3, 5).crops
    return Sets(
        votes(1, 6), votes(2, 2), (photos[:3], np.arange(3)), (photos[3:], np.arange(2)), photos[:1], photos[1:3]
    )


def test_copies_are_the_rows_of_train_that_stand_in_valid(monkeypatch: pytest.MonkeyPatch):
    train, valid = votes(4, 5), votes(5, 3)
    train.crops[1], train.crops[3] = valid.crops[2], valid.crops[0][:, ::-1]
    monkeypatch.setattr(emotion_examples, "read_votes", lambda _, split: train if split == "train" else valid)
    before = sets()
    after = with_copies(before, Path("data"))
    assert np.array_equal(after.train.crops[6:], train.crops[[1, 3]])
    assert np.array_equal(after.train.votes[6:], train.votes[[1, 3]])
    assert len(after.own.crops) == 2


def asked(**options: float | None) -> argparse.Namespace:
    return argparse.Namespace(
        **{"balance": 0.0, "negatives": 0.2, "scene_faces": 0.0, "photos": 0.8, "answers": None, "leave_out": None}
        | options
    )


@pytest.mark.parametrize(("photos", "of_photos"), [(None, 0.7), (0.3, 0.3)])
def test_teachers_have_another_say_in_photographs_where_it_is_given(photos: float | None, of_photos: float):
    found = training_examples(asked(teacher_share=0.7, teacher_share_photos=photos), sets())
    assert found.shares.tolist() == pytest.approx([0.7] * 9 + [of_photos] * 3)


def test_without_photographs_their_share_is_nobodys():
    found = training_examples(asked(photos=0.0, teacher_share=0.7, teacher_share_photos=0.3), sets())
    assert found.shares.tolist() == pytest.approx([0.7] * 9)


def test_crops_of_scenes_teach_usable_alone_as_often_as_is_asked():
    found = training_examples(asked(teacher_share=0.7, teacher_share_photos=None, scene_faces=1.5), sets())
    assert found.draws[6:9].tolist() == pytest.approx([0.2, 1.5, 1.5])
    assert found.targets[6:9, 14].tolist() == [0.0, 1.0, 1.0]
    assert not found.targets[6:9, :14].any()


def test_scenes_alone_are_all_crops_of_scenes_and_nothing_else():
    asked_for = asked(teacher_share=0.7, teacher_share_photos=None, scene_faces=1.0, balance=0.2)
    found = training_examples(asked_for, scenes_alone(sets()))
    assert found.targets[:, 14].tolist() == [0.0, 1.0, 1.0]
    assert found.draws.tolist() == pytest.approx([0.2, 1.0, 1.0])


def test_of_what_chooses_no_crop_of_scenes_is_learnt_from():
    found = own_alone(sets())
    assert len(found.negatives) == len(found.scene_faces) == 0


def test_rows_with_a_copy_are_counted_apart():
    valid = votes(6, 4)
    valid.votes[:] = 0
    valid.votes[:3, 1] = 10  # happiness
    valid.votes[3, 9] = 10  # not a face: not asked about
    found = emotion_copies.figures(
        np.array([HAPPY, NEUTRAL, HAPPY, NEUTRAL]), valid, np.array([True, False, False, True])
    )
    assert found == {"all": 0.6667, "copied": 1.0, "not_copied": 0.5, "majority": 0.6667, "standard": 0.6667}
