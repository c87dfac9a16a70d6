"""`tools/emotion_ablation.py`: the crops that are compared are what their names say."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.data import Face
from edge.measure.face_sets import Photo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from emotion_ablation import CROPS

EYES = [(75.0, 80.0), (125.0, 110.0)]
"""Right and left eye in px: tilted by 31 degrees."""


def crop(name: str) -> np.ndarray:
    image = np.zeros((240, 240, 3), np.uint8)
    for x, y in EYES:
        cv2.circle(image, (int(x), int(y)), 6, (255, 255, 255), -1)
    landmarks = np.array([*EYES, (90.0, 120.0), (55.0, 125.0), (100.0, 150.0)], np.float32)
    face = Face((40.0, 50.0, 110.0, 120.0), landmarks, 0.9)
    return CROPS[name](image, Photo(Path("face.jpg"), face, 0, "somebody", "faces.csv:1"))


def eye_rows(crop: np.ndarray) -> list[float]:
    count, _, _, centres = cv2.connectedComponentsWithStats((crop > 100).astype(np.uint8))
    assert count == 3, "both eyes are in the crop"
    return [float(centre[1]) for centre in centres[1:]]


def test_a_turned_crop_has_level_eyes_and_the_shipped_one_does_not() -> None:
    first, second = eye_rows(crop("turned until the eyes are level"))
    assert first == pytest.approx(second, abs=0.7)
    first, second = eye_rows(crop("upright square from landmarks, as shipped"))
    assert abs(first - second) > 5


def test_a_larger_square_shows_smaller_eyes() -> None:
    area = {name: int((crop(name) > 100).sum()) for name in CROPS}
    shipped = area["upright square from landmarks, as shipped"]
    assert area["a tenth smaller"] > shipped > area["a tenth larger"] > area["a quarter larger"]
