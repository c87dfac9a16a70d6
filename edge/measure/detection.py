"""``moodcast evaluate`` for a folder with ``boxes.csv``: every back end that finds faces, on the same pictures.

The protocol stands in `edge.measure.box_sets`. The keys of the report are kept stable.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.data import Face, Floats, Image
from edge.errors import InputError
from edge.measure.box_sets import COUNTS_PX, BoxPicture, Judged, curve, judge, read_boxes, read_each, recall_and_false

LOWEST_SCORE = 0.02
"""From which score on boxes are taken for the curves."""
MIN_FACE_PX = 24
"""Smallest box a back end is asked for: a box of that size still hits a face of 32 px."""
_SIZES_PX = (COUNTS_PX, 48.0, 96.0, 192.0, math.inf)
_TILTS_DEG = (0.0, 10.0, 25.0, 181.0)
_LEVELS = (0.0, 64.0, 192.0, 256.0)
_WORST = 24
Progress = Callable[[int, int], None]


class FaceFinder(Protocol):
    """What is measured."""

    def find(self, image: Image, /) -> list[Face]: ...


@dataclass(frozen=True, slots=True)
class BackEnd:
    """``finder`` as the service makes it, which is timed; ``curious`` finds from LOWEST_SCORE on (None: the same)."""

    finder: FaceFinder
    curious: FaceFinder | None
    score_min: float


@dataclass(frozen=True, slots=True)
class Tile:
    """A cut-out for the contact sheet: a face missed (``score`` nan) or a false alarm."""

    image: Image
    score: float
    name: str


@dataclass(frozen=True, slots=True)
class BoxEvaluation:
    """``report`` is what ``--json`` prints; ``curves`` has a `box_sets.curve` a back end; tiles are of the first."""

    report: dict[str, Any]
    problems: list[str]
    curves: dict[str, Floats]
    misses: list[Tile]
    alarms: list[Tile]


@dataclass(slots=True)
class _Seen:
    """What one back end made of the pictures so far."""

    judged: list[Judged]
    curious: list[Judged]
    spent_s: list[float]


def evaluate_boxes(
    folder: Path, back_ends: Mapping[str, BackEnd], *, on_progress: Progress | None = None
) -> BoxEvaluation:
    """Measure ``back_ends`` on ``folder``: one thread. Raises InputError for nothing to measure."""
    pictures, problems = read_boxes(folder)
    seen = {name: _Seen([], [], []) for name in back_ends}
    kinds: list[Floats] = []
    misses: list[Tile] = []
    alarms: list[Tile] = []
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for _, picture, image in read_each(pictures, problems, on_progress):
            kinds.append(_kinds(image, picture))
            for n, (name, back_end) in enumerate(back_ends.items()):
                found = _look(back_end, image, picture, seen[name])
                if n == 0:
                    misses += _misses(image, picture, seen[name].judged[-1])
                    alarms += _alarms(image, picture, found, seen[name].judged[-1])
    finally:
        cv2.setNumThreads(threads)
    if not kinds:
        raise InputError("\n".join([*problems, f"{folder}: no picture that can be read"]))
    faces = np.concatenate(kinds)
    report = {
        "back_ends": {name: _figures(one, back_ends[name].score_min, faces) for name, one in seen.items()},
        "n_images": len(kinds),
        "n_faces": len(faces),
        "files": [str(folder / "boxes.csv")],
        "problems": len(problems),
    }
    curves = {name: curve(one.curious) for name, one in seen.items()}
    misses.sort(key=lambda tile: -min(tile.image.shape[:2]))
    alarms.sort(key=lambda tile: -tile.score)
    return BoxEvaluation(report, problems, curves, misses[:_WORST], alarms[:_WORST])


def _look(back_end: BackEnd, image: Image, picture: BoxPicture, seen: _Seen) -> list[Face]:
    start_s = time.thread_time()
    found = back_end.finder.find(image)
    seen.spent_s.append(time.thread_time() - start_s)
    seen.judged.append(judge(found, picture))
    seen.curious.append(judge(back_end.curious.find(image), picture) if back_end.curious else seen.judged[-1])
    return found


def _kinds(image: Image, picture: BoxPicture) -> Floats:
    """Size px, tilt of the line of the eyes in degrees, mean level, of each face that counts, (F, 3)."""
    faces = picture.rows[picture.counting]
    across = faces[:, 6:8] - faces[:, 4:6]
    tilt = np.degrees(np.abs(np.arctan2(across[:, 1], across[:, 0])))
    levels = [float(cut.mean()) if (cut := _cut(image, face[:4], 0.0)).size else 128.0 for face in faces]
    return np.column_stack([faces[:, 2:4].min(axis=1), tilt, np.array(levels, np.float64)])


def _figures(seen: _Seen, score_min: float, faces: Floats) -> dict[str, Any]:
    recall, false = recall_and_false(seen.judged, score_min)
    hit = np.concatenate([j.hit_score for j in seen.judged]) >= score_min
    errors = np.concatenate([j.point_error for j in seen.judged])[hit]
    known = errors[~np.isnan(errors)]
    faceless = [j for j in seen.judged if not len(j.hit_score)]
    return {
        "recall": _rounded(recall),
        "false_per_image": _rounded(false),
        "landmark_error": _rounded(float(known.mean())) if len(known) else None,
        "ms": _rounded(float(np.median(seen.spent_s)) * 1000.0),
        "score_min": score_min,
        "false": int(sum((j.is_false & (j.score >= score_min)).sum() for j in seen.judged)),
        "false_where_no_face_counts": int(sum((j.is_false & (j.score >= score_min)).sum() for j in faceless)),
        "recall_by_size_px": _by(faces[:, 0], _SIZES_PX, hit),
        "recall_by_tilt_deg": _by(faces[:, 1], _TILTS_DEG, hit),
        "recall_by_level": _by(faces[:, 2], _LEVELS, hit),
    }


def _by(values: Floats, edges: Sequence[float], hit: NDArray[np.bool_]) -> dict[str, dict[str, Any]]:
    """Recall and number of faces whose value lies in each bin; empty bins have no recall."""
    bins = {}
    for low, high in pairwise(edges):
        chosen = (values >= low) & (values < high)
        name = f"{low:g}-{high:g}" if math.isfinite(high) else f"{low:g}-"
        bins[name] = {"recall": _rounded(float(hit[chosen].mean())) if chosen.any() else None, "n": int(chosen.sum())}
    return bins


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _misses(image: Image, picture: BoxPicture, judged: Judged) -> list[Tile]:
    faces = picture.rows[picture.counting]
    missed = faces[judged.hit_score < 0]
    return [Tile(_cut(image, face[:4], 0.4), math.nan, picture.path.name) for face in missed]


def _alarms(image: Image, picture: BoxPicture, found: Sequence[Face], judged: Judged) -> list[Tile]:
    tiles = [
        Tile(_cut(image, np.array(face.box_xywh_px), 0.4), face.score, picture.path.name)
        for face, is_false in zip(found, judged.is_false, strict=True)
        if is_false
    ]
    return [tile for tile in tiles if tile.image.size]


def _cut(image: Image, box: Floats, around: float) -> Image:
    """A copy of the box and ``around`` times its size on each side, as far as the picture goes."""
    low = np.floor(box[:2] - around * box[2:]).clip(0).astype(int)
    high = np.ceil(box[:2] + (1.0 + around) * box[2:]).clip(0).astype(int)
    return np.asarray(image[low[1] : high[1], low[0] : high[0]].copy(), np.uint8)
