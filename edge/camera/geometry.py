"""Rotation, mirror and region of interest, for every source alike."""

from __future__ import annotations

import cv2
import numpy as np

from edge.camera.source import WHOLE, Camera, Region
from edge.data import Frame, Image

_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def rotate(image: Image, rotation_deg: int) -> Image:
    """Turns the picture clockwise by 0, 90, 180 or 270 degrees. Returns the same array for 0.

    Raises ValueError for another angle.
    """
    if rotation_deg == 0:
        return image
    if rotation_deg not in _ROTATIONS:
        raise ValueError(f"rotation_deg is {rotation_deg}; allowed are 0, 90, 180 and 270")
    return np.asarray(cv2.rotate(image, _ROTATIONS[rotation_deg]), np.uint8)


def region_px(size_px: tuple[int, int], region: Region) -> tuple[int, int, int, int]:
    """The region as ``(x, y, width, height)`` in pixels of a picture of ``(width, height)``: inside, at least 1 x 1."""
    (width, height), (x, y, w, h) = size_px, region
    left, right = _span_px(width, x, w)
    top, bottom = _span_px(height, y, h)
    return left, top, right - left, bottom - top


def _span_px(length_px: int, start: float, extent: float) -> tuple[int, int]:
    first = min(max(round(start * length_px), 0), length_px - 1)
    end = min(round((start + extent) * length_px), length_px)
    return first, max(end, first + 1)


def fit(image: Image, *, rotation_deg: int = 0, mirror: bool = False, region: Region = WHOLE) -> Image:
    """Rotates clockwise, then mirrors left and right, then cuts the region out.

    ``image`` is uint8 ``(H, W, 3)``; the result too, C-contiguous, and the same array where nothing is to be done.
    """
    image = rotate(image, rotation_deg)
    if mirror:
        image = np.asarray(cv2.flip(image, 1), np.uint8)
    if region != WHOLE:
        x, y, width, height = region_px((image.shape[1], image.shape[0]), region)
        image = image[y : y + height, x : x + width]
    return np.ascontiguousarray(image)


class FittedCamera:
    """A camera whose frames are rotated, mirrored and cut."""

    def __init__(self, camera: Camera, *, rotation_deg: int, mirror: bool, region: Region) -> None:
        self._camera = camera
        self._rotation_deg = rotation_deg
        self._mirror = mirror
        self._region = region

    def open(self) -> None:
        self._camera.open()

    def read(self, *, every_s: float = 0.0) -> Frame:
        frame = self._camera.read(every_s=every_s)
        image = self._fit(frame.image)
        if image is frame.image:
            return frame
        small = None if frame.small is None else self._fit(frame.small)
        return Frame(image=image, t_s=frame.t_s, seq=frame.seq, small=small)

    def close(self) -> None:
        self._camera.close()

    def _fit(self, image: Image) -> Image:
        return fit(image, rotation_deg=self._rotation_deg, mirror=self._mirror, region=self._region)
