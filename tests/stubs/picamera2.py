"""Stands in for the package ``picamera2``, which runs on a Raspberry Pi only.

It has the methods that ``edge.camera.picamera2`` uses, with the real signatures, records every call, and can be told
to fail or to hang. ``tests/test_camera_picamera2.py`` holds its signatures and all recorded calls against the source of
the real package.
"""

# ruff: noqa: B006, PLR0917  the signatures are the real package's

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import numpy as np

CALLS: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = []
"""``(class, method, args, kwargs)`` of every call."""
FAULTS: set[str] = set()
"""Of: ``absent``, ``busy``, ``hang`` (no frames, and close never returns), ``unplugged``."""
ATTACHED = 1


def _record(kind: str, method: str, *args: Any, **kwargs: Any) -> None:
    CALLS.append((kind, method, args, kwargs))


class CompletedRequest:
    def __init__(self, image: np.ndarray, lores: np.ndarray | None) -> None:
        self._arrays = {"main": image, "lores": lores}
        self.released = False

    def make_array(self, name: str) -> np.ndarray:
        _record("CompletedRequest", "make_array", name)
        array = self._arrays[name]
        assert array is not None, f"Stream {name!r} is not defined"
        return array.copy()

    def get_metadata(self) -> dict[str, Any]:
        _record("CompletedRequest", "get_metadata")
        return {"SensorTimestamp": time.monotonic_ns() - 5_000_000}

    def release(self) -> None:
        _record("CompletedRequest", "release")
        assert not self.released, "a request was released twice"
        self.released = True


class Picamera2:
    def __init__(self, camera_num=0, verbose_console=None, tuning=None, allocator=None):
        _record("Picamera2", "__init__", camera_num=camera_num)
        if "absent" in FAULTS or camera_num >= ATTACHED:
            raise RuntimeError(f"No camera number {camera_num} found")
        self._stopped = threading.Event()
        self._config: dict[str, Any] = {}

    def create_video_configuration(
        self,
        main={},
        lores=None,
        raw={},
        transform=None,
        colour_space=None,
        buffer_count=6,
        controls={},
        display="main",
        encode="main",
        queue=True,
        sensor={},
        use_case="video",
    ):
        given = {"main": main, "controls": controls} | ({} if lores is None else {"lores": lores})
        _record("Picamera2", "create_video_configuration", **given)
        for stream in (main, lores or {}):
            assert set(stream) <= {"size", "format", "stride", "preserve_ar"}
        return dict(given)

    def set_controls(self, controls):
        _record("Picamera2", "set_controls", controls)
        self._config["controls"] = {**self._config["controls"], **controls}

    def configure(self, camera_config=None):
        _record("Picamera2", "configure", camera_config)
        assert camera_config["main"]["format"] == "RGB888"
        if "lores" in camera_config:
            assert camera_config["lores"]["format"] == "YUV420", "the only one that a Pi 4 can make"
            sizes = zip(camera_config["lores"]["size"], camera_config["main"]["size"], strict=True)
            assert all(small <= large and small % 2 == 0 for small, large in sizes)
        self._config = dict(camera_config)

    def start(self, config=None, show_preview=False):
        _record("Picamera2", "start")
        if "busy" in FAULTS:
            raise RuntimeError("Camera in Running state")

    def capture_request(self, wait=None, signal_function=None, flush=None):
        _record("Picamera2", "capture_request", wait=wait)
        assert wait is False, "the adapter must be able to leave a hanging camera"
        return object()

    def wait(self, job, timeout=None):
        _record("Picamera2", "wait", job, timeout=timeout)
        if "unplugged" in FAULTS:
            raise CancelledError
        if "hang" in FAULTS:
            time.sleep(timeout)
            raise FutureTimeoutError
        if self._stopped.wait(1.0 / self._config["controls"]["FrameRate"]):
            raise CancelledError
        width, height = self._config["main"]["size"]
        return CompletedRequest(np.full((height, width, 3), (255, 0, 0), np.uint8), self._lores())

    def _lores(self):
        """Blue as YUV420, its rows filled up to multiples of 64 bytes; None without that stream."""
        if "lores" not in self._config:
            return None
        width, height = self._config["lores"]["size"]
        stride = -(-width // 64) * 64
        planes = ((height, 29), (height // 4, 255), (height // 4, 107))
        return np.concatenate([np.full((rows, stride), level, np.uint8) for rows, level in planes])

    def close(self):
        _record("Picamera2", "close")
        if "hang" in FAULTS:
            threading.Event().wait()
        self._stopped.set()
