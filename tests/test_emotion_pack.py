"""`tools/emotion_pack.py`: what training reads on another machine is, byte by byte, what it reads here."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import emotion_pack
from emotion_data import VoteSet
from emotion_examples import Sets


def sets(*, photos: int) -> Sets:
    rng = np.random.default_rng(5)

    def crops(count: int) -> np.ndarray:
        return rng.integers(0, 256, (count, 48, 48), np.uint8)

    def votes(count: int) -> VoteSet:
        return VoteSet(crops(count), rng.integers(0, 10, (count, 10)), rng.integers(-1, 7, count), [], [])

    labels = rng.integers(0, 7, photos)
    return Sets(votes(7), votes(2), (crops(photos), labels), (crops(photos), labels), crops(3), crops(5))


@pytest.mark.parametrize("photos", [0, 1, 4, 5])
def test_pack_gives_back_the_very_pictures_over_several_sheets(tmp_path, monkeypatch, photos):
    monkeypatch.setattr(emotion_pack, "IN_A_ROW", 2)
    monkeypatch.setattr(emotion_pack, "ROWS", 2)
    before = sets(photos=photos)
    emotion_pack.write_pack(tmp_path / "deep" / "examples.npz", before)
    after = emotion_pack.read_pack(tmp_path / "deep" / "examples.npz")
    for mine, found in ((before.train, after.train), (before.own, after.own)):
        assert np.array_equal(found.crops, mine.crops)
        assert np.array_equal(found.votes, mine.votes)
        assert np.array_equal(found.fer2013, mine.fer2013)
    for pair, found_pair in ((before.photos, after.photos), (before.own_photos, after.own_photos)):
        assert np.array_equal(found_pair[0], pair[0])
        assert np.array_equal(found_pair[1], pair[1])
    assert np.array_equal(after.negatives, before.negatives)
    assert np.array_equal(after.scene_faces, before.scene_faces)
    assert list((tmp_path / "deep").iterdir()) == [tmp_path / "deep" / "examples.npz"]


def test_a_pack_without_faces_of_scenes_is_to_be_made_again(tmp_path):
    np.savez(tmp_path / "examples.npz", train_count=np.array(0))
    with pytest.raises(SystemExit, match="make it again"):
        emotion_pack.read_pack(tmp_path / "examples.npz")
