"""Raspberry Pi's CSI cameras through picamera2, which comes with Raspberry Pi OS and not from PyPI."""

from __future__ import annotations

import importlib
import time
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError  # the built-in one from Python 3.11 on
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera.bounded import call_within
from edge.camera.source import CameraSettings
from edge.camera.timing import capture_time_s
from edge.data import Frame, Image
from edge.errors import CameraError, CameraMissing

_POLL_S = 0.2
_STOP_LIMIT_S = 2.0
_INSTALL = (
    "`apt install python3-picamera2` and make the virtual environment with `--system-site-packages` "
    "(numpy must stay the system's)"
)


def make(settings: CameraSettings) -> PiCamera:
    """Camera number ``settings.device``. Raises CameraMissing when picamera2 cannot be imported."""
    if not settings.device.isdecimal():
        raise CameraError(f"device `{settings.device}`: source `picamera2` needs the number of the camera, 0 or 1")
    try:
        library = importlib.import_module("picamera2")
    except (ImportError, ValueError) as error:  # ValueError: it was built against another numpy
        raise CameraMissing(f"source `picamera2` cannot be loaded ({error}); {_INSTALL}") from error
    size_px = (settings.width_px, settings.height_px)
    return PiCamera(library.Picamera2, int(settings.device), size_px=size_px, rate_hz=settings.rate_hz)


_SEARCH_WIDTH_PX = 640
"""Width of the second, small stream, for the search. The network sees 512 px; a main stream of this width or less is
scaled down in less time than a second one is turned into BGR."""


def search_size_px(size_px: tuple[int, int]) -> tuple[int, int] | None:
    """Size of the small stream beside a main one of ``size_px``: of its shape, even (YUV420); None: it needs none."""
    width, height = size_px
    if width <= _SEARCH_WIDTH_PX:
        return None
    return _SEARCH_WIDTH_PX, max(2 * round(height * _SEARCH_WIDTH_PX / width / 2), 2)


class PiCamera:
    """Reads the main stream, and a small one that the image processor makes of it where the main one is large.

    ``picamera2`` calls the memory order blue, green, red "RGB888". The small stream is YUV420, the only format that
    every Pi can make for it.
    """

    def __init__(self, library: Any, number: int, *, size_px: tuple[int, int], rate_hz: float) -> None:
        self._library = library
        self._name = f"Raspberry Pi camera {number}"
        self._number = number
        self._size_px = size_px
        self._rate_hz = rate_hz
        self._search_px = search_size_px(size_px)
        self._camera: Any = None
        self._every_s = 0.0
        self._seq = 0
        self._last_s = 0.0

    def open(self) -> None:
        self.close()
        hint = "check its ribbon cable with `rpicam-hello --list-cameras`, and that no other program uses it"
        try:
            camera = self._library(camera_num=self._number)
        except (RuntimeError, IndexError, OSError) as error:
            raise CameraError(f"{self._name}: cannot be opened ({error}); {hint}") from error
        self._camera = camera
        try:
            camera.configure(camera.create_video_configuration(**self._wishes()))
            camera.start()
            self._every_s = 0.0
        except (RuntimeError, ValueError, OSError) as error:
            self.close()
            raise CameraError(f"{self._name}: does not start ({error}); {hint}") from error

    def read(self, *, every_s: float = 0.0) -> Frame:
        request = self._next_request(every_s)
        try:
            image = np.ascontiguousarray(request.make_array("main"), np.uint8)
            small = None if self._search_px is None else _as_bgr(request.make_array("lores"), self._search_px)
            stamp_s = request.get_metadata().get("SensorTimestamp", 0) / 1e9
        finally:
            request.release()
        self._last_s = capture_time_s(stamp_s=stamp_s, now_s=time.monotonic(), last_s=self._last_s)
        frame = Frame(image=image, t_s=self._last_s, seq=self._seq, small=small)
        self._seq += 1
        return frame

    def close(self) -> None:
        """libcamera's stop can hang for ever; then its thread is left behind, and only a new process helps."""
        camera, self._camera = self._camera, None
        if camera is not None:
            call_within(camera.close, limit_s=_STOP_LIMIT_S, what=f"closing {self._name}")

    def _wishes(self) -> dict[str, Any]:
        wishes: dict[str, Any] = {
            "main": {"size": self._size_px, "format": "RGB888"},
            "controls": {"FrameRate": self._rate_hz},
        }
        if self._search_px is not None:
            wishes["lores"] = {"size": self._search_px, "format": "YUV420"}
        return wishes

    def _ask(self, camera: Any, every_s: float) -> None:
        """Lets the sensor itself run at the rate that is wanted."""
        if every_s != self._every_s:
            rate_hz = min(self._rate_hz, 1.0 / every_s) if every_s > 0.0 else self._rate_hz
            camera.set_controls({"FrameRate": rate_hz})
            self._every_s = every_s

    def _next_request(self, every_s: float) -> Any:
        """Waits in short steps, so that ``close`` by another thread ends the wait even if libcamera hangs."""
        job = None
        while (camera := self._camera) is not None:
            try:
                self._ask(camera, every_s)
                job = job or camera.capture_request(wait=False)
                request = _result(camera, job)
            except (CancelledError, RuntimeError, OSError) as error:
                raise CameraError(f"{self._name}: gives no frame ({error}); check its ribbon cable") from error
            if request is not None:
                return request
        raise CameraError(f"{self._name}: not open")


def _as_bgr(yuv: NDArray[np.uint8], size_px: tuple[int, int]) -> Image:
    """A YUV420 picture as uint8 ``(h, w, 3)`` BGR. libcamera fills its rows up; what is left over is cut off."""
    width, height = size_px
    bgr = cv2.cvtColor(yuv, cv2.COLOR_YUV2BGR_I420)
    return np.ascontiguousarray(bgr[:height, :width], np.uint8)


def _result(camera: Any, job: Any) -> Any:
    """The request that ``job`` waits for, or None when it has not come within the step."""
    try:
        return camera.wait(job, timeout=_POLL_S)
    except FutureTimeoutError:
        return None
