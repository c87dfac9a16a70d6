"""``cv2.VideoCapture`` made safe to release from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import cv2
import numpy as np

from edge.data import Image
from edge.errors import CameraError

_RELEASE_WAIT_S = 1.0
T = TypeVar("T")


class Capture:
    """One opened capture. Releasing it while another thread is inside ``grab`` would crash the process; here the
    release then waits, and after a second leaves the work to that thread.

    ``name`` stands in error messages and must carry no secret. Raises CameraError when it cannot be opened.
    """

    def __init__(self, name: str, capture: cv2.VideoCapture, failed: str) -> None:
        self._name = name
        self._capture = capture
        self._inside = threading.Lock()
        self.released = threading.Event()
        if not capture.isOpened():
            raise CameraError(failed)

    def grab(self) -> bool:
        """Fetches the next frame; False when there is none."""
        return self._call(self._capture.grab)

    def retrieve(self) -> Image | None:
        """The fetched frame as uint8 ``(H, W, 3)`` BGR, C-contiguous; None when it cannot be decoded."""
        ok, image = self._call(self._capture.retrieve)
        if not ok or image is None or image.ndim != 3:
            return None
        return np.ascontiguousarray(image, np.uint8)

    def get(self, prop: int) -> float:
        return self._call(lambda: float(self._capture.get(prop)))

    def set(self, prop: int, value: float) -> bool:
        return self._call(lambda: bool(self._capture.set(prop, value)))

    def release(self) -> None:
        self.released.set()
        if self._inside.acquire(timeout=_RELEASE_WAIT_S):
            try:
                self._capture.release()
            finally:
                self._inside.release()

    def _call(self, function: Callable[[], T]) -> T:
        with self._inside:
            if self.released.is_set():
                raise CameraError(f"{self._name}: closed while it was read")
            result = function()
        if self.released.is_set():
            self.release()
            raise CameraError(f"{self._name}: closed while it was read")
        return result
