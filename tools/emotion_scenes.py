"""Faces of `scenes`, small, turned, masked or badly lit: what the usable score must not reject.

FER2013 and `faces` hold portraits alone. A network that knows squares of scenes as no face only takes their faces for
none as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from detector_data import Scene, own_split, read_scenes
from emotion_data import SIDE, Grey

from edge.core.crop import crop_from_landmarks
from edge.measure.box_sets import COUNTS_PX, COUNTS_SCORE, SIDE_PX
from edge.vision.emotion import crop_grey

TAUGHT_PX = 16.0
"""Shorter side, at 640 px on the picture's longest, of the smallest face that teaches: half of what counts."""


def scene_faces(scenes: Sequence[Scene], *, least_px: float) -> Grey:
    """Crops uint8 (N, 48, 48), as the service cuts them, of the faces of ``scenes``: no doubtful ones, as where faces
    that are found are judged (``edge/measure/box_sets.py``), and none smaller than ``least_px`` at 640 px."""
    found = [np.empty((0, SIDE, SIDE), np.uint8)]
    for scene in scenes:
        counting = scene.boxes[:, 2:].min(axis=1) * SIDE_PX / max(scene.size_px) >= least_px
        counting &= scene.scores >= COUNTS_SCORE
        if counting.any():
            image = np.asarray(cv2.imread(str(scene.path)), np.uint8)
            crops = [crop_grey(image, crop_from_landmarks(points), SIDE) for points in scene.points[counting]]
            found.append(np.stack(crops))
    return np.concatenate(found)


def taught_faces(data: Path) -> Grey:
    """Those of ``data``/scenes that are trained on."""
    return scene_faces(own_split(read_scenes(data / "scenes"))[0], least_px=TAUGHT_PX)


def own_faces(data: Path) -> Grey:
    """Those of the scenes that choose, as large as those that count."""
    return scene_faces(own_split(read_scenes(data / "scenes"))[1], least_px=COUNTS_PX)
