"""`tools/emotion_recorded.py`: epochs that are learnt from more than once."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from emotion_recorded import read_recorded, write_epoch


def write(folder: Path, number: int, level: int, commands: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    targets = np.full((3, 15), 1 / 7, np.float16)
    write_epoch(folder, number, np.full((3, 48, 48), level, np.uint8), targets, commands)


def levels(folders: list[Path], count: int) -> list[int]:
    recorded = read_recorded(folders)
    return [int(recorded.epoch(number)[0][0, 0, 0]) for number in range(count)]


def test_epochs_come_in_their_order_and_again_from_the_first(tmp_path):
    for number in (1, 0):
        write(tmp_path / "a", number, 10 + number, [])
    assert levels([tmp_path / "a"], 5) == [10, 11, 10, 11, 10]


def test_folders_take_turns_for_as_long_as_they_have_epochs(tmp_path):
    for number in range(3):
        write(tmp_path / "a", number, number, [])
    write(tmp_path / "b", 0, 100, [])
    assert levels([tmp_path / "a", tmp_path / "b"], 4) == [0, 100, 1, 2]


def test_who_taught_is_known_and_said_once(tmp_path):
    write(tmp_path / "a", 0, 0, ["train", "record a"])
    write(tmp_path / "b", 0, 0, ["train", "record b"])
    recorded = read_recorded([tmp_path / "a", tmp_path / "b"])
    assert recorded.commands == ["train", "record a", "record b"]
    images, targets = recorded.epoch(0)
    assert (images.dtype, images.shape, targets.dtype, targets.shape) == (np.uint8, (3, 48, 48), np.float16, (3, 15))


def test_a_folder_without_epochs_is_said_to_be_empty(tmp_path):
    with pytest.raises(SystemExit, match=r"no epoch-\*\.npz in it; make them with"):
        read_recorded([tmp_path])


def test_pictures_of_another_size_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="pictures"):
        write_epoch(tmp_path, 0, np.zeros((2, 40, 40), np.uint8), np.zeros((2, 15), np.float16), [])
    assert not list(tmp_path.iterdir())
