"""A training sample of the face detector: a window on a scene, and the scene's labels moved into it.

Every label is YuNet's. A face that is cut by the edge, too small, or not sure is kept with ``ignore`` set: the network
is neither told that it is a face nor that it is none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from detector_data import Bgr, Floats, Scene

FILL = 128
"""Level of what lies outside the picture, as in the letterbox of edge/vision/own.py."""
SURE = 0.7
LEAST_PX, LEAST_VISIBLE = 9.0, 0.5
MIRRORED = [1, 0, 2, 4, 3]
"""Right and left change places."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which scene fills a sample, and how: sample = ``matrix`` @ scene + ``shift``."""

    scene: Scene
    matrix: Floats
    shift: Floats


@dataclass(slots=True)
class Sample:
    """A picture uint8 (S, S, 3) BGR with its faces: boxes (N, 4) xyxy, points (N, 5, 2), scores (N,), ignore (N,)."""

    image: Bgr
    boxes: Floats
    points: Floats
    scores: Floats
    ignore: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    origin: Origin | None = None
    """None: from several scenes, or with things pasted into it."""

    def rows(self) -> Floats:
        """Faces as (N, 16): box, points, score, ignore."""
        points = self.points.reshape(-1, 10)
        return np.concatenate(
            [self.boxes, points, self.scores[:, None], self.ignore[:, None]], axis=1, dtype=np.float32
        )


def joined(image: Bgr, parts: list[Sample]) -> Sample:
    """One sample with the faces of ``parts``."""
    return Sample(
        image,
        np.concatenate([p.boxes for p in parts]),
        np.concatenate([p.points for p in parts]),
        np.concatenate([p.scores for p in parts]),
        np.concatenate([p.ignore for p in parts]),
    )


def similarity(scale: float, angle_rad: float, *, mirrored: bool) -> Floats:
    """The matrix (2, 2) that scales, mirrors, then turns."""
    c, s = scale * math.cos(angle_rad), scale * math.sin(angle_rad)
    turn = np.array([[c, -s], [s, c]], np.float32)
    return turn * np.array([-1.0, 1.0], np.float32) if mirrored else turn


def cut(scene: Scene, matrix: Floats, shift: Floats, size: tuple[int, int]) -> Sample:
    """The scene under ``matrix`` @ xy + ``shift``, a window of ``size`` (width, height), with its faces."""
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    level = min(max(int(math.log2(1.0 / max(scale, 1e-3)) + 0.25), 0), len(scene.levels) - 1)
    times = 2.0**level
    affine = np.column_stack([matrix * times, shift + matrix @ np.full(2, 0.5 * times - 0.5, np.float32)])
    image = cv2.warpAffine(
        scene.levels[level],
        affine,
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(FILL,) * 3,
    )
    faces = faces_under(scene, matrix, shift, size)
    return Sample(np.asarray(image, np.uint8), *faces, origin=Origin(scene, matrix, shift))


def faces_under(scene: Scene, matrix: Floats, shift: Floats, size: tuple[int, int]) -> tuple[Floats, ...]:
    """Boxes, points, scores and ignore of the faces that are still in view."""
    middle = (scene.boxes[:, :2] + scene.boxes[:, 2:] / 2) @ matrix.T + shift
    half = np.sqrt((scene.boxes[:, 2:] / 2) ** 2 @ (matrix**2).T)  # a turned face is about a turned ellipse
    boxes = np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)
    points = scene.points @ matrix.T + shift
    if np.linalg.det(matrix) < 0:
        points = points[:, MIRRORED]
    inner = np.concatenate([np.clip(boxes[:, :2], 0, None), np.minimum(boxes[:, 2:], size)], axis=1)
    visible = np.prod(np.clip(inner[:, 2:] - inner[:, :2], 0, None), axis=1) / np.prod(2 * half, axis=1).clip(1e-3)
    ignore = (scene.scores < SURE) | (2 * half.min(axis=1) < LEAST_PX) | (visible < LEAST_VISIBLE)
    kept = visible > 0.02
    return boxes[kept], points[kept].astype(np.float32), scene.scores[kept], ignore[kept]


def filling(scene: Scene, matrix: Floats, shift: Floats, size: tuple[int, int]) -> Floats:
    """``shift`` moved so that the picture fills the window, or lies in it where it is smaller (nearly, when turned)."""
    width, height = scene.size_px
    ends = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float32) @ matrix.T + shift
    low, high = ends.min(axis=0), ends.max(axis=0)
    slack = high - low - np.array(size)
    start = np.where(slack >= 0, np.clip(low, -slack, 0), np.clip(low, 0, -slack))
    return (shift + start - low).astype(np.float32)


def beside(photo: Scene, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Middle and half size of a window in a photograph of one face that shows at most an edge of that face."""
    low, high = photo.boxes[0, :2], photo.boxes[0, :2] + photo.boxes[0, 2:]
    half = np.full(2, float(photo.boxes[0, 2:].min()) * rng.uniform(0.2, 0.4))
    angle = rng.uniform(0, 2 * math.pi)
    away = np.array([math.cos(angle), math.sin(angle)])
    reach = np.abs((high - low) / 2 / np.where(np.abs(away) < 1e-6, 1e-6, away)).min()
    middle = (low + high) / 2 + away * (reach + 0.85 * float(half.min()))
    return middle.astype(np.float32), half
