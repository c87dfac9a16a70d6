"""Nothing is measured on pictures that the file learnt from: the programs refuse it, and say which file to give."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest
import yaml

from tests.small_network import write_network

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import emotion_ablation  # noqa: E402
import mood_sequences  # noqa: E402


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file that learnt from what chooses, as its card says."""
    path = write_network(tmp_path / "small.tflite")
    card = path.with_suffix(".yaml")
    card.write_text(yaml.safe_dump(yaml.safe_load(card.read_text()) | {"chosen_by": "0123456789ab"}))
    return path


def test_smoothing_is_not_measured_with_it(model: Path, tmp_path: Path) -> None:
    args = argparse.Namespace(data=tmp_path, model=model, cache=tmp_path)
    with pytest.raises(SystemExit, match="give --model the file that chose for it, sha256 01234567"):
        mood_sequences.sequences(args, "held-out")


def test_crops_are_not_compared_with_it(model: Path, tmp_path: Path) -> None:
    args = argparse.Namespace(data=tmp_path, model=model, crops_by=None)
    with pytest.raises(SystemExit, match="give --crops-by the file that chose for it, sha256 01234567"):
        emotion_ablation.crop_rows(args)
