"""Labelled sets of faces on disk. What is broken in them is named with file and line, and the rest is read.

A folder with ``faces.csv`` holds photographs; any other ``*.csv`` is a table of FER+ votes beside its sheets.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.data import EMOTIONS, Face
from edge.errors import InputError
from edge.measure.metrics import VOTE_COLUMNS, Ints

SIDE = 48
"""Side of a FER2013 picture, in pixels."""
SHEET_HEADER = ("sheet", "position", *VOTE_COLUMNS)
_POINTS = ("reye", "leye", "nose", "rmouth", "lmouth")
FACES_HEADER = (
    "image", "identity", "emotion", "x", "y", "w", "h", *(f"{point}_{axis}" for point in _POINTS for axis in "xy"),
)  # fmt: skip
HELD_OUT_PART = 4
"""One person in so many is held out: never trained or fitted on."""


@dataclass(frozen=True, slots=True)
class VoteSet:
    """Faces ``crops`` uint8 (N, 48, 48) grey with ``votes`` int (N, 10) in the order of VOTE_COLUMNS, and ``fer2013``
    int (N,), index into EMOTIONS or -1 where unknown. ``problems`` has a line for each row that was left out."""

    crops: NDArray[np.uint8]
    votes: Ints
    fer2013: Ints
    files: list[str]
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Photo:
    """One labelled face: its picture, the box and landmarks in it, ``label`` as index into EMOTIONS."""

    path: Path
    face: Face
    label: int
    identity: str
    place: str
    """``file:line`` of its row."""


@dataclass(slots=True)
class PhotoSet:
    """``skipped`` counts rows without an emotion, which are no mistake; ``problems`` names rows that are one."""

    photos: list[Photo] = field(default_factory=list)
    skipped: int = 0
    problems: list[str] = field(default_factory=list)


def held_out(identity: str) -> bool:
    """Whether a person is held out, by a hash of the name, so that it needs no list."""
    digest = hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % HELD_OUT_PART == 0


def split_files(folder: Path, split: str | None) -> list[Path]:
    """The tables of votes to measure: ``split`` names one by its stem; None: ``valid`` if there is one, else all.

    Raises InputError when there is no such table.
    """
    tables = sorted(path for path in folder.glob("*.csv") if path.is_file())
    by_stem = {path.stem: path for path in tables}
    if split is not None:
        if split not in by_stem:
            raise InputError(f"{folder}: no {split}.csv; splits here: {', '.join(by_stem) or 'none'}")
        return [by_stem[split]]
    return [by_stem["valid"]] if "valid" in by_stem else tables


def read_votes(tables: list[Path]) -> VoteSet:
    """Read tables of votes and the sheets they name. Raises InputError for a table that is none."""
    problems: list[str] = []
    crops, votes, labels = [], [], []
    for table in tables:
        sheets: dict[str, NDArray[np.uint8] | None] = {}
        for place, row in _rows(table, SHEET_HEADER, problems):
            try:
                crop = _crop(table.parent, row, sheets)
                counts = [_count(row, column) for column in VOTE_COLUMNS]
                label = _label(row.get("fer2013") or "", "fer2013")
            except ValueError as error:
                problems.append(f"{place}: {error}")
                continue
            crops.append(crop)
            votes.append(counts)
            labels.append(label)
    return VoteSet(
        crops=np.array(crops, np.uint8).reshape(-1, SIDE, SIDE),
        votes=np.array(votes, np.int64).reshape(-1, len(VOTE_COLUMNS)),
        fer2013=np.array(labels, np.int64),
        files=[str(table) for table in tables],
        problems=problems,
    )


def read_photos(table: Path, *, identities: str = "all") -> PhotoSet:
    """Read ``faces.csv``; pictures lie in ``images/`` beside it. ``identities``: all, held-out or training.

    Raises InputError for a table that is none. Pictures are not opened here.
    """
    found = PhotoSet()
    for place, row in _rows(table, FACES_HEADER, found.problems):
        if identities != "all" and held_out(row["identity"]) != (identities == "held-out"):
            continue
        try:
            label = _label(row["emotion"], "emotion")
            if label < 0:
                found.skipped += 1
                continue
            face = _face(row)
        except ValueError as error:
            found.problems.append(f"{place}: {error}")
            continue
        path = table.parent / "images" / row["image"]
        found.photos.append(Photo(path, face, label, row["identity"], place))
    return found


def _rows(table: Path, header: tuple[str, ...], problems: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """``(file:line, row)`` of each row with as many fields as the header; the others become problems."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in header if column not in (reader.fieldnames or [])]
            if missing:
                raise InputError(f"{table}:1: missing columns: {', '.join(missing)}")
            for row in reader:
                place = f"{table}:{reader.line_num}"
                if None in row or None in row.values():
                    problems.append(f"{place}: {len(reader.fieldnames or [])} fields expected")
                else:
                    yield place, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: cannot be read as CSV: {error}") from error


def _label(name: str, column: str) -> int:
    if not name.strip():
        return -1
    if name not in EMOTIONS:
        raise ValueError(f"{column}: unknown emotion {name!r}; known: {', '.join(EMOTIONS)}")
    return EMOTIONS.index(name)


def _count(row: dict[str, str], column: str) -> int:
    value = row[column]
    if not value.isdecimal():
        raise ValueError(f"{column}: {value!r} is not a count")
    return int(value)


def _number(row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{column}: {row[column]!r} is not a number")
    return value


def _face(row: dict[str, str]) -> Face:
    x, y, width, height = (_number(row, column) for column in "xywh")
    if width <= 0 or height <= 0:
        raise ValueError(f"w, h: the box {width:g} x {height:g} is empty")
    columns = [f"{point}_{axis}" for point in _POINTS for axis in "xy"]
    if not any(row[column] for column in columns):
        return Face(box_xywh_px=(x, y, width, height), landmarks_px=None, score=1.0)
    points = np.array([_number(row, column) for column in columns]).reshape(len(_POINTS), 2)
    return Face(box_xywh_px=(x, y, width, height), landmarks_px=points, score=1.0)


def _crop(folder: Path, row: dict[str, str], sheets: dict[str, NDArray[np.uint8] | None]) -> NDArray[np.uint8]:
    name = row["sheet"]
    if name not in sheets:
        sheets[name] = _read_sheet(folder / name)
    faces = sheets[name]
    if faces is None:
        raise ValueError(f"sheet: {name} is missing or damaged")
    position = _count(row, "position")
    if position >= len(faces):
        raise ValueError(f"position: {position} is beyond the {len(faces)} faces of {name}")
    return np.asarray(faces[position], np.uint8)


def _read_sheet(path: Path) -> NDArray[np.uint8] | None:
    """The faces of a sheet, uint8 (N, 48, 48), row by row; None when it cannot be read."""
    if not path.is_file():
        return None
    sheet = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if sheet is None or sheet.shape[0] % SIDE or sheet.shape[1] % SIDE:
        return None
    rows, columns = sheet.shape[0] // SIDE, sheet.shape[1] // SIDE
    faces = sheet.reshape(rows, SIDE, columns, SIDE).transpose(0, 2, 1, 3).reshape(-1, SIDE, SIDE)
    return np.asarray(faces, np.uint8)
