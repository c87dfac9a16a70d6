"""Faces of `scenes`, small, turned, masked or badly lit: what the usable score must not reject.

FER2013 and `faces` hold portraits alone. A network that knows squares of scenes as no face only takes their faces for
none as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from detector_data import Scene
from emotion_data import SIDE, Grey

from edge.core.crop import crop_from_landmarks
from edge.measure.box_sets import COUNTS_PX, COUNTS_SCORE, SIDE_PX
from edge.vision.emotion import crop_grey


def scene_faces(scenes: Sequence[Scene]) -> Grey:
    """Crops uint8 (N, 48, 48), as the service cuts them, of the faces that count when faces are found
    (``edge/measure/box_sets.py``)."""
    found = [np.empty((0, SIDE, SIDE), np.uint8)]
    for scene in scenes:
        counting = scene.boxes[:, 2:].min(axis=1) * SIDE_PX / max(scene.size_px) >= COUNTS_PX
        counting &= scene.scores >= COUNTS_SCORE
        if counting.any():
            image = np.asarray(cv2.imread(str(scene.path)), np.uint8)
            crops = [crop_grey(image, crop_from_landmarks(points), SIDE) for points in scene.points[counting]]
            found.append(np.stack(crops))
    return np.concatenate(found)
