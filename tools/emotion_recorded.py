"""Epochs recorded by tools/emotion_record.py: pictures as they were changed, with the targets teachers gave them.

To ask several networks about each picture costs more than to train the one they teach. Recorded once, a picture and the
answers to this very picture can be learnt from several times, by several runs; changed afresh it never comes twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from emotion_data import SIDE, Grey
from numpy.typing import NDArray

NAME = "epoch-{:03d}.npz"
Halves = NDArray[np.float16]


@dataclass(frozen=True)
class Recorded:
    """Files of one epoch each, and the ``commands`` that trained the teachers and recorded them."""

    files: list[Path]
    commands: list[str]

    def epoch(self, number: int) -> tuple[Grey, Halves]:
        """Pictures (N, 48, 48) and targets (N, 15) of the ``number``-th epoch of a run: after the last the first."""
        with np.load(self.files[number % len(self.files)]) as saved:
            return saved["images"], saved["targets"]


def write_epoch(folder: Path, number: int, images: Grey, targets: Halves, commands: list[str]) -> None:
    """Pictures (N, 48, 48) and targets (N, 15) of the ``number``-th epoch to ``folder``, by renaming."""
    if images.shape[1:] != (SIDE, SIDE) or len(images) != len(targets):
        raise ValueError(f"pictures {images.shape}, targets {targets.shape}")
    path = folder / NAME.format(number)
    with path.with_suffix(".tmp").open("wb") as file:
        np.savez(file, images=images, targets=targets, commands=np.array(commands, dtype=np.str_))
    path.with_suffix(".tmp").replace(path)


def read_recorded(folders: list[Path]) -> Recorded:
    """All epochs in ``folders``, one of each folder in turn for as long as it has some.

    :raises SystemExit: where a folder holds none.
    """
    found, commands = [], []
    for folder in folders:
        files = sorted(folder.glob("epoch-*.npz"))
        if not files:
            raise SystemExit(f"--recorded {folder}: no epoch-*.npz in it; make them with tools/emotion_record.py")
        found += [(i, len(found), file) for i, file in enumerate(files)]
        with np.load(files[0]) as saved:
            commands += saved["commands"].tolist()
    return Recorded([file for _, _, file in sorted(found)], list(dict.fromkeys(commands)))
