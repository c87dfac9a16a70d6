"""Drivers that hang: releasing a capture while it is read, and calls with a time limit."""

from __future__ import annotations

import logging
import threading
import time

import pytest

from edge.camera import capture as capture_module
from edge.camera.bounded import call_within
from edge.camera.capture import Capture
from edge.errors import CameraError


class HangingDriver:
    """Stands in for ``cv2.VideoCapture``. ``grab`` returns when ``answer`` is set."""

    def __init__(self) -> None:
        self.answer = threading.Event()
        self.entered = threading.Event()
        self.inside = False
        self.released_inside: list[bool] = []

    def isOpened(self) -> bool:  # noqa: N802  OpenCV's name
        return True

    def grab(self) -> bool:
        self.inside = True
        self.entered.set()
        self.answer.wait()
        self.inside = False
        return True

    def retrieve(self) -> tuple[bool, None]:
        return False, None

    def release(self) -> None:
        self.released_inside.append(self.inside)


def test_release_never_happens_while_another_thread_is_inside(monkeypatch):
    monkeypatch.setattr(capture_module, "_RELEASE_WAIT_S", 0.1)
    driver = HangingDriver()
    capture = Capture("camera", driver, "failed")
    errors = []

    def read() -> None:
        try:
            capture.grab()
        except CameraError as error:
            errors.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    driver.entered.wait(2.0)
    start_s = time.monotonic()
    capture.release()
    assert time.monotonic() - start_s < 1.0, "a driver that hangs does not hold the caller"
    assert driver.released_inside == []
    driver.answer.set()
    reader.join(2.0)
    assert driver.released_inside == [False], "the reader released it on its way out"
    assert errors == ["camera: closed while it was read"]


def test_released_capture_is_not_touched_again():
    driver = HangingDriver()
    capture = Capture("camera", driver, "failed")
    capture.release()
    with pytest.raises(CameraError, match="closed"):
        capture.grab()
    assert not driver.entered.is_set()


def test_frame_that_cannot_be_decoded_is_none():
    assert Capture("camera", HangingDriver(), "failed").retrieve() is None


def test_call_within_its_limit():
    assert call_within(lambda: None, limit_s=1.0, what="stop")


def test_call_that_hangs_is_left_behind(caplog):
    never = threading.Event()
    assert not call_within(never.wait, limit_s=0.05, what="stop of camera 0")
    assert "stop of camera 0 has not returned" in caplog.text
    never.set()


def test_call_that_fails_is_logged(caplog):
    def fail() -> None:
        raise RuntimeError("no device")

    with caplog.at_level(logging.WARNING):
        assert call_within(fail, limit_s=1.0, what="stop")
    assert "stop failed: no device" in caplog.text
