"""`tools/emotion_scenes.py`: which faces of scenes teach and judge the usable score, and how they are cut."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from detector_data import Scene
from emotion_scenes import scene_faces

SIZE_PX = (320, 240)
"""So that a face of 16 px has 32 px: sizes are those in pictures of 640 px."""


def scene(folder: Path, faces: list[tuple[float, float]]) -> Scene:
    """A picture with one face for each ``(side in px, score)``, its landmarks where those of a face are."""
    image = np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)
    boxes, points, scores = [], [], []
    for i, (side, score) in enumerate(faces):
        x, y = 20.0 + 70.0 * i, 100.0
        cv2.rectangle(image, (int(x), int(y)), (int(x + side), int(y + side)), (255, 255, 255), -1)
        boxes.append([x, y, side, side])
        points.append(
            [[x + u * side, y + v * side] for u, v in ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))]
        )
        scores.append(score)
    path = folder / "scene.png"
    cv2.imwrite(str(path), image)
    found = (np.array(part, np.float32) for part in (boxes, points, scores))
    boxes_px, points_px, scores_found = found
    return Scene(path, SIZE_PX, boxes_px.reshape(-1, 4), points_px.reshape(-1, 5, 2), scores_found)


def test_faces_are_cut_and_small_or_doubtful_ones_left_away(tmp_path):
    crops = scene_faces([scene(tmp_path, [(40.0, 0.9), (15.0, 0.9), (40.0, 0.6), (16.0, 0.7)])], least_px=32.0)
    assert crops.shape == (2, 48, 48)
    assert crops.dtype == np.uint8
    assert (crops[:, 20:28, 20:28] == 255).all(), "the face fills the middle of its crop"


def test_a_scene_without_a_face_gives_none(tmp_path):
    assert scene_faces([scene(tmp_path, [])], least_px=32.0).shape == (0, 48, 48)
