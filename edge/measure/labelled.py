"""Labelled sets of faces as the network sees them: crops, cut by the product's own function, and their truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.core.crop import crop_square
from edge.errors import InputError
from edge.measure import metrics
from edge.measure.face_sets import SIDE, PhotoSet, VoteSet, read_photos, read_votes, split_files
from edge.measure.media import read_picture
from edge.measure.metrics import Ints, Mask
from edge.vision.emotion import crop_grey


@dataclass(frozen=True, slots=True)
class PhotoCrops:
    """Faces of photographs: ``crops`` uint8 (N, side, side) grey, ``labels`` int (N,), index into EMOTIONS.

    ``people`` int (N,) numbers who is seen, from 0 on. ``skipped`` counts rows without an emotion; ``problems`` has a
    line for each row left out by mistake.
    """

    crops: NDArray[np.uint8]
    labels: Ints
    people: Ints
    files: list[str]
    problems: list[str]
    skipped: int


Labelled = VoteSet | PhotoCrops


def read_labelled(folder: Path, *, side_px: int = SIDE, split: str | None = None, identities: str = "all") -> Labelled:
    """The set in ``folder``, its faces ``side_px`` square; the format says of which kind it is.

    ``split`` chooses a table of votes, ``identities`` (all, held-out, training) the people of ``faces.csv``.
    Raises InputError when there is nothing to measure.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: {'is not a' if folder.exists() else 'no such'} folder; name the folder of a set")
    if (folder / "faces.csv").is_file():
        table = folder / "faces.csv"
        return _cut(read_photos(table, identities=identities), table, side_px)
    if (folder / "boxes.csv").is_file():
        raise InputError(f"{folder}: holds boxes.csv, a set for face detection without emotions; see --usable")
    tables = split_files(folder, split)
    if not tables:
        raise InputError(f"{folder}: holds neither faces.csv nor tables of FER+ votes (*.csv beside *.webp sheets)")
    data = read_votes(tables)
    if not len(data.crops):
        raise InputError("\n".join([*data.problems, f"{', '.join(data.files)}: no row that can be used"]))
    return VoteSet(resized(data.crops, side_px), data.votes, data.fer2013, data.files, data.problems)


def main_truth(data: Labelled) -> tuple[Ints, Mask]:
    """The truth (N,) and the rows (N,) that count in the figure that leads: ``ferplus_all``, or ``accuracy``."""
    if isinstance(data, VoteSet):
        return metrics.ferplus_top(data.votes)
    return data.labels, np.ones(len(data.labels), np.bool_)


def resized(crops: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """``crops`` uint8 (N, S, S) as (N, side_px, side_px), for a network of another size."""
    if crops.shape[1] == side_px:
        return crops
    how = cv2.INTER_AREA if crops.shape[1] > side_px else cv2.INTER_LINEAR
    return np.stack([np.asarray(cv2.resize(crop, (side_px, side_px), interpolation=how), np.uint8) for crop in crops])


def _cut(data: PhotoSet, table: Path, side_px: int) -> PhotoCrops:
    problems = list(data.problems)
    crops: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    people: list[int] = []
    numbers: dict[str, int] = {}
    for photo in data.photos:
        try:
            image = read_picture(photo.path)
        except InputError as error:
            problems.append(f"{photo.place}: {error}")
            continue
        crops.append(crop_grey(image, crop_square(photo.face), side_px))
        labels.append(photo.label)
        people.append(numbers.setdefault(photo.identity, len(numbers)))
    if not crops:
        raise InputError("\n".join([*problems, f"{table}: no row that can be used"]))
    known = np.array(labels, np.int64), np.array(people, np.int64)
    return PhotoCrops(np.stack(crops), *known, [str(table)], problems, data.skipped)
