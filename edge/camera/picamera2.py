"""Raspberry Pi's CSI cameras through picamera2, which comes with Raspberry Pi OS and not from PyPI."""

from __future__ import annotations

import importlib
import time
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError  # the built-in one from Python 3.11 on
from typing import Any

import numpy as np

from edge.camera.bounded import call_within
from edge.camera.source import CameraSettings
from edge.camera.timing import capture_time_s
from edge.data import Frame
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


class PiCamera:
    """Reads the main stream. ``picamera2`` calls the memory order blue, green, red "RGB888"."""

    def __init__(self, library: Any, number: int, *, size_px: tuple[int, int], rate_hz: float) -> None:
        self._library = library
        self._name = f"Raspberry Pi camera {number}"
        self._number = number
        self._size_px = size_px
        self._rate_hz = rate_hz
        self._camera: Any = None
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
            wanted = {"size": self._size_px, "format": "RGB888"}
            camera.configure(camera.create_video_configuration(main=wanted, controls={"FrameRate": self._rate_hz}))
            camera.start()
        except (RuntimeError, ValueError, OSError) as error:
            self.close()
            raise CameraError(f"{self._name}: does not start ({error}); {hint}") from error

    def read(self) -> Frame:
        request = self._next_request()
        try:
            image = np.ascontiguousarray(request.make_array("main"), np.uint8)
            stamp_s = request.get_metadata().get("SensorTimestamp", 0) / 1e9
        finally:
            request.release()
        self._last_s = capture_time_s(stamp_s=stamp_s, now_s=time.monotonic(), last_s=self._last_s)
        frame = Frame(image=image, t_s=self._last_s, seq=self._seq)
        self._seq += 1
        return frame

    def close(self) -> None:
        """libcamera's stop can hang for ever; then its thread is left behind, and only a new process helps."""
        camera, self._camera = self._camera, None
        if camera is not None:
            call_within(camera.close, limit_s=_STOP_LIMIT_S, what=f"closing {self._name}")

    def _next_request(self) -> Any:
        """Waits in short steps, so that ``close`` by another thread ends the wait even if libcamera hangs."""
        job = None
        while (camera := self._camera) is not None:
            try:
                job = job or camera.capture_request(wait=False)
                request = _result(camera, job)
            except (CancelledError, RuntimeError, OSError) as error:
                raise CameraError(f"{self._name}: gives no frame ({error}); check its ribbon cable") from error
            if request is not None:
                return request
        raise CameraError(f"{self._name}: not open")


def _result(camera: Any, job: Any) -> Any:
    """The request that ``job`` waits for, or None when it has not come within the step."""
    try:
        return camera.wait(job, timeout=_POLL_S)
    except FutureTimeoutError:
        return None
