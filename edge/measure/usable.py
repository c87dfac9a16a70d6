"""How well the usable score tells faces from what is none, on scenes with boxes (``boxes.csv``, see `box_sets`).

What must be rejected: squares of background that touch no box, and the false alarms of the face finders. What must be
kept: the faces of the set. Everything is cut by the product's own function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from edge.core.crop import crop_square
from edge.data import Box, Face, Floats, Image, Readings
from edge.errors import InputError
from edge.measure.box_sets import BoxPicture, judge, read_boxes, read_each
from edge.measure.drawing import Row, contact_sheet
from edge.measure.face_sets import VoteSet
from edge.measure.labelled import Labelled, main_truth

BACKGROUNDS = 2000
"""At least so many squares of background, as far as the pictures have room for them."""
KEEPS = 0.98
"""Share of the faces that the threshold is to keep (of the card: on the set it was chosen on)."""
SIDES_PX = (32.0, 240.0)
"""Smallest and largest side of a square of background, at 640 px on the picture's longest side; drawn evenly over the
logarithm, as near and far faces come."""
_TRIES = 40
_SHOWN = 16
_KINDS = ("background", "false_alarms", "faces")


class Reader(Protocol):
    """What is measured."""

    def read_crops(self, crops: NDArray[np.uint8], /) -> Readings: ...

    def crops(self, image_bgr: Image, faces: list[Face], /) -> NDArray[np.uint8]: ...


class FaceFinder(Protocol):
    """Whose false alarms are taken."""

    def find(self, image: Image, /) -> list[Face]: ...


@dataclass(frozen=True, slots=True)
class UsableSettings:
    """``threshold``: of the usable score; ``backgrounds``: how many squares; ``seed``: where they lie."""

    threshold: float
    backgrounds: int = BACKGROUNDS
    seed: int = 1


@dataclass(slots=True)
class _Cut:
    """Crops of one kind, uint8 (S, S) each, and which picture or face finder each one comes from."""

    crops: list[NDArray[np.uint8]] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class UsableEvaluation:
    """``report`` is what ``--json`` prints. ``scores`` (N,) and ``crops`` uint8 (N, S, S) of each kind, for plots."""

    report: dict[str, Any]
    problems: list[str]
    scores: dict[str, Floats]
    crops: dict[str, list[NDArray[np.uint8]]]


def evaluate_usable(
    folder: Path,
    reader: Reader,
    finders: Mapping[str, FaceFinder],
    settings: UsableSettings,
    on_progress: Callable[[int, int], None] | None = None,
) -> UsableEvaluation:
    """Measure on the scenes of ``folder``; ``finders`` by name give the false alarms. Raises InputError."""
    pictures, problems = read_boxes(folder)
    rng = np.random.default_rng(settings.seed)
    cut = {kind: _Cut() for kind in _KINDS}
    read = 0
    for number, picture, image in read_each(pictures, problems, on_progress):
        read += 1
        # What one picture has no room for, the next ones give.
        missing = max(settings.backgrounds - len(cut["background"].crops), 0)
        squares = -(-missing // (len(pictures) - number + 1))
        for kind, (faces, origins) in _wanted(image, picture, finders, rng, squares).items():
            cut[kind].crops += list(reader.crops(image, faces))
            cut[kind].origins += origins
    if not read:
        raise InputError("\n".join([*problems, f"{folder}: no picture that can be read"]))
    scores = {kind: _scores(reader, one.crops) for kind, one in cut.items()}
    alarms, threshold = cut["false_alarms"].origins, settings.threshold
    report = {
        "usable": {"threshold": threshold, **_figures(scores, threshold)},
        "false_alarms_of": {name: _of(scores["false_alarms"], alarms, name, threshold) for name in finders},
        "seed": settings.seed,
        "n_images": read,
        "files": [str(folder / "boxes.csv")],
        "problems": len(problems),
    }
    return UsableEvaluation(report, problems, scores, {kind: one.crops for kind, one in cut.items()})


def usable_of(data: Labelled, readings: Readings, threshold: float) -> dict[str, Any]:
    """The faces of a labelled set: the share kept of those that show an emotion, and with votes the share rejected of
    those that most taggers called unknown or no face."""
    _, faces = main_truth(data)
    figures: dict[str, Any] = {"threshold": threshold, "faces": _kept(readings.usable[faces], threshold)}
    if isinstance(data, VoteSet):
        voted = data.votes.sum(axis=1) > 0
        figures["unknown_or_no_face"] = _rejected(readings.usable[voted & ~faces], threshold)
    return figures


def usable_sheet(evaluation: UsableEvaluation, *, title: str) -> Image:
    """uint8 (H, W, 3) BGR: the backgrounds and false alarms with the highest scores, the faces with the lowest."""
    rows = []
    for kind, scores in evaluation.scores.items():
        order = np.argsort(scores if kind == "faces" else -scores, kind="stable")[:_SHOWN]
        words = "lowest scores" if kind == "faces" else "highest scores"
        pictures = [evaluation.crops[kind][n] for n in order]
        rows.append(Row((kind.replace("_", " "), words), pictures, [f"{scores[n]:.3f}" for n in order]))
    return contact_sheet(rows, title=title)


def _wanted(
    image: Image, picture: BoxPicture, finders: Mapping[str, FaceFinder], rng: Generator, backgrounds: int
) -> dict[str, tuple[list[Face], list[str]]]:
    """What to cut out of one picture, by kind, and where it comes from."""
    squares = background_faces(image.shape[:2], picture.rows[:, :4], rng, backgrounds)
    alarms: list[tuple[Face, str]] = []
    for name, finder in finders.items():
        found = finder.find(image)
        false = judge(found, picture).is_false
        alarms += [(face, name) for face, wrong in zip(found, false, strict=True) if wrong]
    faces = [Face(_box(row), row[4:14].reshape(5, 2), float(row[14])) for row in picture.rows[picture.counting]]
    return {
        "background": (squares, [picture.path.name] * len(squares)),
        "false_alarms": ([face for face, _ in alarms], [name for _, name in alarms]),
        "faces": (faces, [picture.path.name] * len(faces)),
    }


def background_faces(shape: tuple[int, ...], boxes_xywh_px: Floats, rng: Generator, count: int) -> list[Face]:
    """Up to ``count`` squares of a picture of ``shape`` (H, W), as faces, whose crops touch none of ``boxes`` (N, 4).

    Fewer where no place is found in some tries.
    """
    height, width = shape
    found: list[Face] = []
    for _ in range(_TRIES * count):
        if len(found) == count:
            break
        largest = min(SIDES_PX[1], 0.9 * min(height, width))
        side = float(np.exp(rng.uniform(np.log(min(SIDES_PX[0], largest)), np.log(largest))))
        x, y = float(rng.uniform(0.0, width - side)), float(rng.uniform(0.0, height - side))
        face = Face((x, y, side, side), None, 0.0)
        left, top, reach = crop_square(face)
        apart = (
            (boxes_xywh_px[:, 0] >= left + reach)
            | (boxes_xywh_px[:, 0] + boxes_xywh_px[:, 2] <= left)
            | (boxes_xywh_px[:, 1] >= top + reach)
            | (boxes_xywh_px[:, 1] + boxes_xywh_px[:, 3] <= top)
        )
        if bool(apart.all()):
            found.append(face)
    return found


def _box(row: Floats) -> Box:
    x, y, width, height = (float(value) for value in row[:4])
    return x, y, width, height


def _scores(reader: Reader, crops: list[NDArray[np.uint8]]) -> Floats:
    return reader.read_crops(np.stack(crops)).usable if crops else np.zeros(0)


def _figures(scores: Mapping[str, Floats], threshold: float) -> dict[str, Any]:
    none = np.concatenate([scores["background"], scores["false_alarms"]])
    figures = {kind: _rejected(scores[kind], threshold) for kind in ("background", "false_alarms")}
    at: dict[str, Any] = {"threshold": None, "rejected": None}
    if len(scores["faces"]):
        keeping = float(np.quantile(scores["faces"], 1.0 - KEEPS, method="lower"))
        at = {"threshold": round(keeping, 4), "rejected": _rejected(none, keeping)["rejected"]}
    return {
        **figures,
        "no_face": _rejected(none, threshold),
        "faces": _kept(scores["faces"], threshold),
        f"keeping_{KEEPS:g}": at,
    }


def _rejected(scores: Floats, threshold: float) -> dict[str, Any]:
    return {"n": len(scores), "rejected": round(float((scores < threshold).mean()), 4) if len(scores) else None}


def _kept(scores: Floats, threshold: float) -> dict[str, Any]:
    return {"n": len(scores), "kept": round(float((scores >= threshold).mean()), 4) if len(scores) else None}


def _of(scores: Floats, origins: list[str], name: str, threshold: float) -> dict[str, Any]:
    return _rejected(scores[np.array([origin == name for origin in origins], np.bool_)], threshold)
