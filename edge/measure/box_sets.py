"""Pictures with boxes of faces on disk (``boxes.csv`` beside ``images/``), and how found boxes are judged by them.

The protocol: pictures scaled to 640 px on the longest side; boxes of the teacher (YuNet) with a score of at least 0.7
and a shorter side of at least 32 px count; a hit at IoU 0.4; what matches no box of the teacher at all is false.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.core.decode import pairwise_iou
from edge.data import Face, Floats, Image
from edge.errors import InputError
from edge.measure.media import read_picture

SIDE_PX, COUNTS_PX, COUNTS_SCORE, HIT_IOU = 640, 32.0, 0.7, 0.4
FALSE_IOU = 0.2
"""A box that reaches this with no box of the teacher, of any size and score, is false. The protocol's text leaves the
number open; 0.2 gives the figures published with it for Haar on `scenes_valid`, 0.68 and 0.47 (any overlap at all
would give 0.29, 0.4 would give 0.53; ``moodcast evaluate``, 2026-11)."""
POINTS = ("reye", "leye", "nose", "rmouth", "lmouth")
_NUMBERS = ("x", "y", "w", "h", *(f"{point}_{axis}" for point in POINTS for axis in "xy"), "score")
HEADER = ("image", "width", "height", *_NUMBERS)


@dataclass(frozen=True, slots=True)
class BoxPicture:
    """A picture and the teacher's faces: ``rows`` (N, 15): box xywh, five points, score; in px at SIDE_PX."""

    path: Path
    rows: Floats

    @property
    def counting(self) -> NDArray[np.bool_]:
        """Which faces count, (N,)."""
        return np.asarray((self.rows[:, 14] >= COUNTS_SCORE) & (self.rows[:, 2:4].min(axis=1) >= COUNTS_PX), np.bool_)

    def read(self) -> Image:
        """uint8 (H, W, 3) BGR, SIDE_PX on the longest side. Raises InputError."""
        return scaled(read_picture(self.path))


@dataclass(frozen=True, slots=True)
class Judged:
    """One picture's boxes against the teacher's.

    For each face that counts: ``hit_score`` (F,), the best score of a box on it (-1: none), ``point_error`` (F,), mean
    distance of its landmarks in widths of the face's box (nan: no hit, no landmarks), ``face_px`` (F,), shorter side.
    For each box found: ``score`` (N,), ``is_false`` (N,).
    """

    hit_score: Floats
    point_error: Floats
    face_px: Floats
    score: Floats
    is_false: NDArray[np.bool_]


def read_each(
    pictures: Sequence[BoxPicture], problems: list[str], on_progress: Callable[[int, int], None] | None = None
) -> Iterator[tuple[int, BoxPicture, Image]]:
    """Number from 1, faces and pixels of each of ``pictures``; what cannot be read adds a line to ``problems``."""
    for number, picture in enumerate(pictures, start=1):
        try:
            image = picture.read()
        except InputError as error:
            problems.append(str(error))
        else:
            yield number, picture, image
        if on_progress is not None:
            on_progress(number, len(pictures))


def scaled(image: Image) -> Image:
    """``image`` with SIDE_PX on its longest side."""
    height, width = image.shape[:2]
    scale = SIDE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def read_boxes(folder: Path) -> tuple[list[BoxPicture], list[str]]:
    """The pictures of ``folder``/images by name, those without a row too, and a line for each row left out.

    Raises InputError when the table or the pictures are missing.
    """
    table, images = folder / "boxes.csv", folder / "images"
    if not images.is_dir():
        raise InputError(f"{images}: no such folder; the pictures of boxes.csv lie in images/ beside it")
    pictures = {path.name: path for path in sorted(images.iterdir()) if path.is_file()}
    faces: dict[str, list[list[float]]] = {name: [] for name in pictures}
    problems: list[str] = []
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in HEADER if column not in (reader.fieldnames or [])]
            if missing:
                raise InputError(f"{table}:1: missing columns: {', '.join(missing)}")
            for row in reader:
                try:
                    _add(faces, row)
                except ValueError as error:  # noqa: PERF203 - each broken row is named
                    problems.append(f"{table}:{reader.line_num}: {error}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: cannot be read as CSV: {error}") from error
    if not pictures:
        raise InputError(f"{images}: holds no picture")
    rows = {name: np.array(found, np.float64).reshape(-1, len(_NUMBERS)) for name, found in faces.items()}
    return [BoxPicture(pictures[name], rows[name]) for name in pictures], problems


def _add(faces: dict[str, list[list[float]]], row: dict[str, str]) -> None:
    if row["image"] not in faces:
        raise ValueError(f"image: no {row['image']} in images/")
    if not row["x"]:
        return  # a picture without a face
    values = {key: _number(row, key) for key in ("width", "height", *_NUMBERS)}
    if min(values[key] for key in ("width", "height", "w", "h")) <= 0:
        raise ValueError("width, height, w, h: must be above 0")
    scale = SIDE_PX / max(values["width"], values["height"])
    faces[row["image"]].append([values[key] * scale for key in _NUMBERS[:-1]] + [values["score"]])


def _number(row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{column}: {row[column]!r} is not a number")
    return value


def judge(found: Sequence[Face], truth: BoxPicture) -> Judged:
    """``found`` in pixels of ``truth.read()``."""
    boxes = np.array([face.box_xywh_px for face in found], np.float64).reshape(-1, 4)
    score = np.array([face.score for face in found], np.float64)
    overlap = pairwise_iou(boxes, truth.rows[:, :4])
    faces = truth.rows[truth.counting]
    on_face = np.where(overlap[:, truth.counting] >= HIT_IOU, score[:, None], -1.0)
    hit_score = on_face.max(axis=0, initial=-1.0)
    errors = [
        _point_error(found[int(on_face[:, n].argmax())], face) if hit_score[n] >= 0 else math.nan
        for n, face in enumerate(faces)
    ]
    return Judged(
        hit_score=hit_score,
        point_error=np.array(errors, np.float64),
        face_px=faces[:, 2:4].min(axis=1),
        score=score,
        is_false=overlap.max(axis=1, initial=0.0) < FALSE_IOU,
    )


def _point_error(face: Face, truth: Floats) -> float:
    if face.landmarks_px is None:
        return math.nan
    distance = np.hypot(*(face.landmarks_px - truth[4:14].reshape(5, 2)).T)
    return float(distance.mean() / truth[2])


def recall_and_false(judged: Iterable[Judged], score_min: float) -> tuple[float, float]:
    """Share of the counting faces found, and false boxes a picture, among boxes of at least ``score_min``."""
    every = list(judged)
    hits = np.concatenate([j.hit_score for j in every])
    false = sum(int((j.is_false & (j.score >= score_min)).sum()) for j in every)
    return float((hits >= score_min).mean()) if len(hits) else math.nan, false / len(every)


def curve(judged: Sequence[Judged]) -> Floats:
    """(K, 3): score, recall and false boxes a picture, for every threshold that changes something; falling scores."""
    hits = np.concatenate([j.hit_score for j in judged])
    false = np.concatenate([j.score[j.is_false] for j in judged])
    thresholds = np.unique(np.concatenate([hits[hits >= 0], false]))[::-1]
    recall = (hits[None] >= thresholds[:, None]).sum(axis=1) / max(len(hits), 1)
    alarms = (false[None] >= thresholds[:, None]).sum(axis=1) / max(len(judged), 1)
    return np.column_stack([thresholds, recall, alarms])


def best_recall(points: Floats, false_max: float) -> tuple[float, float]:
    """The largest recall of ``curve`` with at most ``false_max`` false boxes a picture, and its score; (0, 1): none."""
    allowed = points[points[:, 2] <= false_max]
    return (float(allowed[-1, 1]), float(allowed[-1, 0])) if len(allowed) else (0.0, 1.0)
