"""OpenCV's Haar cascade for frontal faces (Viola and Jones 2001; stump cascade by Lienhart). Ships with OpenCV 4."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import cv2.data
import numpy as np

from edge.data import Face, Image
from edge.errors import ModelError
from edge.vision.finders import FinderSettings, check_image

CASCADE = "haarcascade_frontalface_default.xml"
_SCALE = 1.1
_HITS_SCALE = 6.0
_WINDOW_PX = 24  # the cascade's own window: smaller pictures hold no face for it


def make(settings: FinderSettings) -> HaarFinder:
    return HaarFinder(min_face_px=settings.min_face_px, neighbours=settings.haar_neighbours)


class HaarFinder:
    """Boxes without landmarks. More than ``neighbours`` overlapping hits make a face.

    The histogram is not equalised: on 200 pictures of `scenes` that gave recall 0.500 instead of 0.483 but 0.145 false
    boxes a picture instead of 0.075 (4 neighbours without it: 0.531 and 0.140; ``tools/measure_haar.py``, 2026-11).
    """

    def __init__(self, *, min_face_px: int, neighbours: int) -> None:
        if not hasattr(cv2, "CascadeClassifier"):
            raise ModelError(f"OpenCV {cv2.__version__} has no Haar cascades; install `opencv-python-headless<5`")
        path = Path(cv2.data.haarcascades) / CASCADE
        self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise ModelError(f"{path}: cannot be loaded; install `opencv-python-headless<5` again")
        self._min_face_px = min_face_px
        self._neighbours = neighbours
        self._grey = np.empty((0, 0), np.uint8)

    def find(self, image: Image, *, scale: float = 1.0) -> list[Face]:
        check_image(image)
        smallest = round(self._min_face_px / scale)
        if min(image.shape[:2]) < max(_WINDOW_PX, smallest):
            return []
        if self._grey.shape != image.shape[:2]:
            self._grey = np.empty(image.shape[:2], np.uint8)
        cv2.cvtColor(image, cv2.COLOR_BGR2GRAY, dst=self._grey)
        boxes, hits = self._cascade.detectMultiScale2(
            self._grey,
            scaleFactor=_SCALE,
            minNeighbors=self._neighbours,
            minSize=(smallest, smallest),
        )
        faces = [
            Face((x * scale, y * scale, w * scale, h * scale), landmarks_px=None, score=score(int(n)))
            for (x, y, w, h), n in zip(np.asarray(boxes, float).reshape(-1, 4).tolist(), hits, strict=True)
        ]
        return sorted(faces, key=lambda face: -face.score)


def score(hits: int) -> float:
    """How often a box with this many overlapping hits is a face, 0-1.

    Fitted to 200 pictures of `scenes` with ``tools/measure_haar.py`` (2026-11): of the boxes with 3 hits 0.38 were
    faces, with 6-7 0.64, with 8-11 0.78, with 12 and more 0.97.
    """
    return 1.0 - math.exp(-hits / _HITS_SCALE)
