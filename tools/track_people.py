"""People for composed sequences (tools/track_sequences.py): where each one is at which time, and painting them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX, LENGTH_S = 640, 360, 12.0
Bgr = NDArray[np.uint8]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Head:
    """One person: a photograph, and where the face is at which time."""

    image: Bgr
    box: Box
    """The face in ``image``."""
    height_px: tuple[float, float]
    """Of the face at the beginning and at the end of the sequence."""
    start: tuple[float, float]
    velocity: tuple[float, float]
    sway: tuple[float, float, float]
    """Amplitude in px, frequency in Hz, phase."""
    turns: tuple[tuple[float, float], ...]
    """Begin and end of each turning away, in seconds."""
    clothes: tuple[int, int, int]

    def truth(self, t_s: float) -> Box:
        """Box ``(x, y, width, height)`` at ``t_s``, before the camera's tremble."""
        part = t_s / LENGTH_S
        height = self.height_px[0] * (1 - part) + self.height_px[1] * part
        width = height * self.box[2] / self.box[3]
        swing = self.sway[0] * math.sin(2 * math.pi * self.sway[1] * t_s + self.sway[2])
        x = self.start[0] + self.velocity[0] * t_s + swing
        y = self.start[1] + self.velocity[1] * t_s + 0.3 * abs(swing)
        return x - width / 2, y - height / 2, width, height

    def facing(self, t_s: float) -> float:
        """1 towards the camera, 0 turned away."""
        away = max((min((t_s - a) / 0.12, (b - t_s) / 0.12) for a, b in self.turns), default=0.0)
        return 1.0 - min(max(away, 0.0), 1.0)


def oval(image: NDArray[Any], box: Box, colour: Any, divide: int = 1) -> None:
    x, y, w, h = (v / divide for v in box)
    cv2.ellipse(image, ((x + w / 2, y + h / 2), (w, h), 0.0), colour, cv2.FILLED)


def shoulders(image: NDArray[Any], box: Box, colour: Any, divide: int = 1) -> None:
    x, y, w, h = box
    oval(image, (x - 0.6 * w, y + 1.05 * h, 2.2 * w, 6 * h), colour, divide)


def paint(image: Bgr, head: Head, box: Box, facing: float) -> None:
    """Lays one person into ``image``; who turns away becomes narrower and the colour of their hair."""
    x, y, w, h = box
    if x + 2 * w < 0 or x - w > WIDTH_PX:
        return
    shoulders(image, box, head.clothes)
    narrow = 0.45 + 0.55 * facing
    sx, sy = w / head.box[2], h / head.box[3]
    mid = (x + w / 2, head.box[0] + head.box[2] / 2)
    affine = np.array([[sx * narrow, 0, mid[0] - sx * narrow * mid[1]], [0, sy, y - sy * head.box[1]]], np.float32)
    x0, y0 = max(int(x - 0.2 * w), 0), max(int(y - 0.2 * h), 0)
    x1, y1 = min(int(x + 1.2 * w) + 1, WIDTH_PX), min(int(y + 1.2 * h) + 1, HEIGHT_PX)
    if x1 <= x0 or y1 <= y0:
        return
    affine[:, 2] -= (x0, y0)
    patch = cv2.warpAffine(
        head.image, affine, (x1 - x0, y1 - y0), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    hair = head.image[:12].reshape(-1, 3).mean(axis=0) * 0.5
    patch = facing * patch + (1 - facing) * hair
    mask = np.zeros(patch.shape[:2], np.uint8)
    oval(mask, (x - x0 - 0.04 * w, y - y0 - 0.06 * h, 1.08 * w, 1.12 * h), 255)
    alpha = (cv2.blur(mask, (5, 5)).astype(np.float32) / 255)[..., None]
    under = image[y0:y1, x0:x1]
    under[:] = (under + alpha * (patch - under)).astype(np.uint8)


def background(path: Path) -> Bgr:
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path}: cannot be read")
    return np.asarray(cv2.resize(image, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA), np.uint8)
