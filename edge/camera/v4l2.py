"""USB and other cameras of Linux's Video4Linux 2, through OpenCV."""

from __future__ import annotations

import os
import time
from pathlib import Path

import cv2

from edge.camera.capture import Capture
from edge.camera.source import CameraSettings
from edge.camera.timing import capture_time_s
from edge.core.pace import Pace
from edge.data import Frame
from edge.errors import CameraError

_MJPG = cv2.VideoWriter.fourcc(*"MJPG")


def make(settings: CameraSettings) -> V4l2Camera:
    return V4l2Camera(
        settings.device, width_px=settings.width_px, height_px=settings.height_px, rate_hz=settings.rate_hz
    )


class V4l2Camera:
    """``device`` is the N of /dev/videoN, or a path; those in /dev/v4l/by-id survive replugging."""

    def __init__(self, device: str, *, width_px: int, height_px: int, rate_hz: float) -> None:
        self._path = Path(f"/dev/video{device}") if device.isdecimal() else Path(device)
        # The order matters: the format decides which sizes there are, and the size which rates.
        self._wishes = (
            (cv2.CAP_PROP_FOURCC, _MJPG),  # uncompressed pictures of 720 p and more do not fit USB 2 at 15 Hz
            (cv2.CAP_PROP_FRAME_WIDTH, width_px),
            (cv2.CAP_PROP_FRAME_HEIGHT, height_px),
            (cv2.CAP_PROP_FPS, rate_hz),
            (cv2.CAP_PROP_BUFFERSIZE, 1),  # an older frame is of no use
        )
        self._capture: Capture | None = None
        self._pace = Pace()
        self._seq = 0
        self._last_s = 0.0

    def open(self) -> None:
        self.close()
        if not self._path.exists():
            raise CameraError(f"{self._path}: no such device; plug it in, or pick one from `ls /dev/v4l/by-id/`")
        if not os.access(self._path, os.R_OK | os.W_OK):
            raise CameraError(f"{self._path}: no permission; add the user to the group `video` and log in again")
        failed = f"{self._path}: not a camera, or another program uses it (`fuser -v {self._path}` names it)"
        capture = Capture(str(self._path), cv2.VideoCapture(str(self._path), cv2.CAP_V4L2), failed)
        for prop, value in self._wishes:
            capture.set(prop, value)  # a camera that cannot answers with what it has
        self._capture = capture

    def read(self, *, every_s: float = 0.0) -> Frame:
        capture = self._capture
        if capture is None:
            raise CameraError(f"{self._path}: not open")
        while True:
            if not capture.grab():
                raise CameraError(f"{self._path}: gives no frames; check cable and power")
            stamp_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0  # the kernel's, of the monotonic clock
            self._last_s = capture_time_s(stamp_s=stamp_s, now_s=time.monotonic(), last_s=self._last_s)
            if self._pace.wanted(self._last_s, every_s):
                break
            self._seq += 1  # fetched, not decoded: the picture is a JPEG, and decoding it is what costs
        image = capture.retrieve()
        if image is None:
            raise CameraError(f"{self._path}: frame {self._seq} cannot be decoded; check cable and power")
        frame = Frame(image=image, t_s=self._last_s, seq=self._seq)
        self._seq += 1
        return frame

    def close(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()
