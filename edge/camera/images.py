"""A folder of pictures, in the order of their names."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import cv2
import numpy as np

from edge.camera.source import CameraEnded, CameraSettings
from edge.camera.timing import Timeline
from edge.core.pace import Pace
from edge.data import Frame, Image
from edge.errors import CameraError

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_log = logging.getLogger(__name__)


def make(settings: CameraSettings) -> ImageFolder:
    """The source for ``settings.path``. Raises CameraError when that is empty."""
    if not settings.path:
        raise CameraError("source `images` needs `path`: a folder of pictures")
    folder = Path(settings.path)
    return ImageFolder(folder, rate_hz=settings.rate_hz, realtime=settings.realtime, loop=settings.loop)


def load_image(path: Path) -> Image | None:
    """Reads a picture as uint8 ``(H, W, 3)`` BGR, turned upright by its EXIF; None when it cannot be decoded."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError:
        return None
    if data.size == 0:
        return None
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error:  # larger than OpenCV's limit of pixels
        return None
    return None if image is None else np.ascontiguousarray(image, np.uint8)


class ImageFolder:
    """Pictures shown one after another at ``rate_hz``. They may differ in size.

    What cannot be read is named in a warning, once, and passed over. In real time, a late reader misses pictures as it
    would miss frames of a camera.
    """

    def __init__(self, folder: Path, *, rate_hz: float, realtime: bool, loop: bool) -> None:
        self._folder = folder
        self._interval_s = 1.0 / rate_hz
        self._realtime = realtime
        self._loop = loop
        self._timeline = Timeline(realtime=realtime)
        self._closed = threading.Event()
        self._closed.set()
        self._paths: list[Path] = []
        self._index = 0
        self._pace = Pace()
        self._seq = 0

    def open(self) -> None:
        if not self._folder.is_dir():
            raise CameraError(f"{self._folder}: no such folder; correct `path`")
        self._paths = sorted(p for p in self._folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
        while self._paths and load_image(self._paths[0]) is None:
            self._drop(0)
        if not self._paths:
            kinds = " ".join(sorted(IMAGE_SUFFIXES))
            raise CameraError(f"{self._folder}: holds no picture that can be read ({kinds}); put some there")
        self._index = 0
        self._timeline.begin()
        self._closed.clear()

    def read(self, *, every_s: float = 0.0) -> Frame:
        while True:
            self._check_open()
            self._skip_late()
            if self._realtime and not self._pace.wanted(self._t_s(time.monotonic()), every_s):
                self._index += 1
                self._seq += 1
                continue
            image = load_image(self._paths[self._index])
            if image is not None:
                break
            self._drop(self._index)
        t_s = self._t_s(time.monotonic())
        if self._realtime:
            self._closed.wait(max(0.0, t_s - time.monotonic()))
            self._check_open()
        frame = Frame(image=image, t_s=t_s, seq=self._seq)
        self._index += 1
        self._seq += 1
        return frame

    def close(self) -> None:
        self._closed.set()

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise CameraError(f"{self._folder}: not open")
        if self._index < len(self._paths):
            return
        if not self._loop:
            raise CameraEnded(f"{self._folder}: no more pictures; set `loop: true` to show them again")
        if not self._paths:
            raise CameraError(f"{self._folder}: no picture can be read any more; put some there")
        self._timeline.begin_pass()
        self._index = 0

    def _skip_late(self) -> None:
        while (
            self._realtime
            and self._index + 1 < len(self._paths)
            and self._t_s(now := time.monotonic()) + self._interval_s <= now
        ):
            self._index += 1
            self._seq += 1

    def _t_s(self, now_s: float) -> float:
        position_s = self._index * self._interval_s
        return self._timeline.t_s(position_s=position_s, interval_s=self._interval_s, now_s=now_s)

    def _drop(self, index: int) -> None:
        _log.warning("%s: not a picture that can be read; passed over", self._paths.pop(index))
