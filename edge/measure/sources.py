"""Pictures for measurements of the whole service: folders of JPEGs, as a USB camera sends them, played at its rate."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from edge.data import Image
from edge.errors import InputError
from edge.measure.analyze import FaceFinder
from edge.measure.decoded import decoded_frames

SIZE_PX = (640, 480)
_PICTURES = 45
"""Three seconds at 15 Hz."""
_NOISE_SD = 4.0
"""Grey levels of sensor noise: a webcam indoors."""
_QUALITY = 85


def empty_room(folder: Path) -> Path:
    """Writes pictures without anybody, alike but for noise, into ``folder``; returns it."""
    x, y = np.meshgrid(np.arange(SIZE_PX[0]), np.arange(SIZE_PX[1]))
    wall = 120 + 40 * np.sin(x / 90.0) + 30 * np.cos(y / 70.0)
    room = np.repeat(wall[:, :, None], 3, axis=2)
    room[300:, :, :] *= 0.6  # a floor, a door, a lamp
    room[80:420, 420:540] = (60, 80, 110)
    room[40:90, 180:260] = 235
    rng = np.random.default_rng(6)
    noisy = (np.clip(room + rng.normal(0, _NOISE_SD, room.shape), 0, 255).astype(np.uint8) for _ in range(_PICTURES))
    return _write(folder, noisy)


def one_person(folder: Path, clip: Path, finder: FaceFinder) -> Path:
    """Writes pictures of ``clip`` in a row with one face each, scaled to SIZE_PX, into ``folder``; returns it.

    Raises InputError when the clip has too few of them.
    """
    row: list[Image] = []
    for frame in decoded_frames(clip):
        if len(finder.find(frame.image)) != 1:
            row = []
            continue
        row.append(np.asarray(cv2.resize(frame.image, SIZE_PX), np.uint8))
        if len(row) == _PICTURES:
            return _write(folder, row)
    raise InputError(f"{clip}: has no {_PICTURES} frames in a row with one face; take another clip")


def _write(folder: Path, images: Iterable[Image]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(itertools.islice(images, _PICTURES)):
        cv2.imwrite(str(folder / f"{number:03}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return folder
