"""YuNet (Wu, Peng and Yu 2023) through ``cv2.FaceDetectorYN``: boxes, landmarks, scores. The file is the user's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge.data import Face, Image
from edge.errors import ModelError
from edge.vision.finders import FinderSettings, check_image

_GET = (
    "download face_detection_yunet_2023mar.onnx from https://github.com/opencv/opencv_zoo and name it in "
    "`faces.yunet_file`, or use `faces.back_end: haar`"
)
_SIZE_FIRST_PX = (320, 320)


def make(settings: FinderSettings) -> YuNetFinder:
    if not settings.yunet_file:
        raise ModelError(f"back end `yunet` needs its model: {_GET}")
    return YuNetFinder(Path(settings.yunet_file), min_face_px=settings.min_face_px, score_min=settings.score_min)


class YuNetFinder:
    """Finds faces of at least ``min_face_px`` on the shorter side with a score of at least ``score_min``."""

    def __init__(self, path: Path, *, min_face_px: int, score_min: float) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such file; {_GET}")
        try:
            self._net = cv2.FaceDetectorYN.create(str(path), "", _SIZE_FIRST_PX, score_threshold=score_min)
            self._net.detect(np.zeros((*_SIZE_FIRST_PX, 3), np.uint8))  # another network shows itself only here
        except cv2.error as error:
            raise ModelError(f"{path}: not a YuNet model that OpenCV {cv2.__version__} can use; {_GET}") from error
        self._size_px = _SIZE_FIRST_PX
        self._min_face_px = min_face_px

    def find(self, image: Image, *, scale: float = 1.0) -> list[Face]:
        check_image(image)
        height, width = image.shape[:2]
        if min(width, height) * scale < self._min_face_px:
            return []
        if (width, height) != self._size_px:
            self._net.setInputSize((width, height))
            self._size_px = (width, height)
        _, rows = self._net.detect(np.ascontiguousarray(image))
        if rows is None:
            return []
        faces = [_face(row, scale) for row in rows if min(row[2], row[3]) * scale >= self._min_face_px]
        return sorted(faces, key=lambda face: -face.score)


def _face(row: np.ndarray[tuple[int], np.dtype[np.float32]], scale: float) -> Face:
    """From a row ``(15,)``: box, five points (right eye first, as in ``Face.landmarks_px``), score."""
    x, y, width, height = (float(value) * scale for value in row[:4])
    landmarks_px = row[4:14].reshape(5, 2).astype(np.float64) * scale
    return Face(box_xywh_px=(x, y, width, height), landmarks_px=landmarks_px, score=min(max(float(row[14]), 0.0), 1.0))
