"""Pictures and labels for the face detector: scenes with YuNet's boxes, single faces to paste."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.measure.face_sets import held_out

POINTS = ("reye", "leye", "nose", "rmouth", "lmouth")
Floats = NDArray[np.float32]
Bgr = NDArray[np.uint8]
OWN_PART, OWN_SEED = 10, 1
"""One scene in so many chooses, for the detector and for the usable score, whatever the seed of a run: seeds can be
compared."""
FOLDS = 4
"""Of the pictures without a face."""


@dataclass(slots=True)
class Scene:
    """A picture with its faces: ``boxes`` float (N, 4) xywh, ``points`` (N, 5, 2), ``scores`` (N,), in its pixels.

    ``levels``: the picture and its halves, uint8 BGR, once it is loaded.
    """

    path: Path
    size_px: tuple[int, int]
    """Width and height."""
    boxes: Floats
    points: Floats
    scores: Floats
    levels: list[Bgr] = field(default_factory=list)

    def load(self, *, halves: int = 3) -> None:
        """Reads the picture and halves it, for scaling down without aliasing."""
        image = cv2.imread(str(self.path))
        if image is None:
            raise SystemExit(f"{self.path}: cannot be read")
        self.levels = [np.asarray(image, np.uint8)]
        for _ in range(halves):
            if min(self.levels[-1].shape[:2]) >= 32:
                height, width = self.levels[-1].shape[:2]
                half = cv2.resize(self.levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
                self.levels.append(np.asarray(half, np.uint8))


def read_scenes(folder: Path, extra: Path | None = None) -> list[Scene]:
    """Every picture of ``folder``/images with the rows of boxes.csv, and of ``extra`` where given; sorted by name."""
    rows: dict[str, list[list[float]]] = defaultdict(list)
    for table in (folder / "boxes.csv", *([extra] if extra else [])):
        with table.open(newline="") as file:
            for row in csv.DictReader(file):
                if row["x"]:
                    points = [float(row[f"{point}_{axis}"]) for point in POINTS for axis in "xy"]
                    box = [float(row[key]) for key in "xywh"]
                    rows[row["image"]].append([*box, *points, float(row["score"])])
    scenes = []
    for path in sorted((folder / "images").iterdir()):
        faces = np.array(rows.get(path.name, []), np.float32).reshape(-1, 15)
        size = _jpeg_size(path)
        scenes.append(Scene(path, size, faces[:, :4], faces[:, 4:14].reshape(-1, 5, 2), faces[:, 14]))
    return scenes


def _jpeg_size(path: Path) -> tuple[int, int]:
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path}: cannot be read")
    return image.shape[1], image.shape[0]


def chooses(scene: Scene) -> bool:
    """Whether ``scene`` chooses instead of being trained on, by a seeded hash of its name."""
    digest = hashlib.sha1(f"{OWN_SEED} {scene.path.name}".encode(), usedforsecurity=False).hexdigest()
    return int(digest, 16) % OWN_PART == 0


def own_split(scenes: list[Scene]) -> tuple[list[Scene], list[Scene]]:
    """Scenes to train on and those that choose."""
    return [s for s in scenes if not chooses(s)], [s for s in scenes if chooses(s)]


def fold_of(scenes: list[Scene], fold: int) -> list[Scene]:
    """The quarter ``fold``, 1 to 4, of the pictures without a face; 0: all of them."""
    without = [s for s in scenes if not len(s.boxes)]
    return without[fold - 1 :: FOLDS] if fold else without


def fold_split(scenes: list[Scene], fold: int) -> tuple[list[Scene], list[Scene]]:
    """As ``own_split`` for the pictures with a face; of those without, ``fold`` chooses and the others train."""
    train, own = own_split([s for s in scenes if len(s.boxes)])
    kept_out = fold_of(scenes, fold)
    names = {s.path.name for s in kept_out}
    return train + [s for s in fold_of(scenes, 0) if s.path.name not in names], own + kept_out if fold else own


def read_faces(folder: Path) -> list[Scene]:
    """The photographs of single faces whose people may be trained on."""
    photos = []
    with (folder / "faces.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if held_out(row["identity"]):
                continue
            points = np.array([float(row[f"{p}_{axis}"]) for p in POINTS for axis in "xy"], np.float32)
            box = np.array([[float(row[key]) for key in "xywh"]], np.float32)
            size = (int(row["width"]), int(row["height"]))
            score = np.array([float(row["score"])], np.float32)
            photos.append(Scene(folder / "images" / row["image"], size, box, points.reshape(1, 5, 2), score))
    return photos
