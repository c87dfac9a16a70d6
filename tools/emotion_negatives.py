"""What the usable score must reject: windows beside all faces, and what OpenCV's Haar cascade takes for a face.

Cut from `scenes` as the service cuts faces, kept in RUN/negatives.npz since the cascade takes minutes.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from detector_data import Bgr, Floats, Scene, chooses, read_scenes
from emotion_data import SIDE, Grey, Mask

from edge.core.crop import crop_from_box
from edge.vision.emotion import crop_grey
from edge.vision.haar import CASCADE

WINDOWS_PER_PICTURE = 4
SIDES_PX = (20.0, 220.0)
MOST_OF_FACE, MOST_OF_WINDOW = 0.25, 0.1
"""A window may hold so much of a face, and a face so much of a window; more is neither face nor background."""
HAAR_NEIGHBOURS = 2
"""Fewer than the service's 5: more false alarms to learn from."""


def _shared(window: Floats, boxes: Floats) -> tuple[Floats, Floats]:
    """Shares of each box (N, 4) xywh and of ``window`` (4,) that both have in common."""
    low = np.maximum(window[:2], boxes[:, :2])
    high = np.minimum(window[:2] + window[2:], boxes[:, :2] + boxes[:, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=1)
    return both / np.prod(boxes[:, 2:], axis=1).clip(1e-3), both / np.prod(window[2:])


def is_background(window: Floats, boxes: Floats) -> bool:
    """Whether ``window`` (4,) xywh shows next to nothing of the faces ``boxes`` (N, 4)."""
    of_faces, of_window = _shared(window, boxes)
    return bool((of_faces < MOST_OF_FACE).all() and (of_window < MOST_OF_WINDOW).all())


def _windows(image: Bgr, scene: Scene, rng: np.random.Generator) -> list[Grey]:
    height, width = image.shape[:2]
    found: list[Grey] = []
    for _ in range(4 * WINDOWS_PER_PICTURE):
        side = float(np.exp(rng.uniform(np.log(SIDES_PX[0]), np.log(min(SIDES_PX[1], height, width)))))
        x, y = (float(v) for v in rng.uniform(-0.1 * side, np.array([width, height]) - 0.9 * side))
        if is_background(np.array([x, y, side, side], np.float32), scene.boxes):
            found.append(crop_grey(image, (x, y, side), SIDE))
        if len(found) == WINDOWS_PER_PICTURE:
            break
    return found


def _false_alarms(image: Bgr, scene: Scene, cascade: cv2.CascadeClassifier) -> list[Grey]:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    boxes = cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=HAAR_NEIGHBOURS, minSize=(24, 24))
    return [
        crop_grey(image, crop_from_box((float(x), float(y), float(w), float(h))), SIDE)
        for x, y, w, h in boxes
        if is_background(np.array([x, y, w, h], np.float32), scene.boxes)
    ]


def negatives(data: Path, kept: Path, *, seed: int) -> tuple[Grey, Mask]:
    """Crops uint8 (N, 48, 48) of no face, and which (N,) choose the threshold; from ``kept`` once it is there."""
    if kept.is_file():
        saved = np.load(kept)
        return saved["crops"], saved["own"]
    rng = np.random.default_rng(seed)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + CASCADE)
    crops: list[Grey] = []
    own: list[bool] = []
    for scene in read_scenes(data / "scenes"):
        image = np.asarray(cv2.imread(str(scene.path)), np.uint8)
        found = _windows(image, scene, rng) + _false_alarms(image, scene, cascade)
        crops += found
        own += [chooses(scene)] * len(found)
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(kept, crops=np.stack(crops), own=np.array(own))
    return np.stack(crops), np.array(own)
