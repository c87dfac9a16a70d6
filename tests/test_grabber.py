"""The capture thread, fault by fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from edge.data import Frame
from edge.errors import CameraError, CameraMissing
from edge.grabber import Grabber
from tests.mosquitto import eventually


class ScriptedCamera:
    """Plays a list of steps, each time it is opened the next list: a frame, a fault or a wait."""

    def __init__(self, *lives: list[Callable[[], None]], rate_s: float = 0.01) -> None:
        self.lives = list(lives)
        self.opened = 0
        self.closed = 0
        self.seq = 0
        self.rate_s = rate_s
        self.asked_s: list[float] = []
        self._steps: Iterator[Callable[[], None]] = iter(())

    def open(self) -> None:
        self.opened += 1
        steps = self.lives[min(self.opened, len(self.lives)) - 1]
        self._steps = iter(steps)
        if steps and steps[0] is absent:
            absent()

    def read(self, *, every_s: float = 0.0) -> Frame:
        self.asked_s.append(every_s)
        step = next(self._steps, None)
        if step is not None:
            step()
        else:
            time.sleep(self.rate_s)
        self.seq += 1
        return Frame(np.zeros((4, 4, 3), np.uint8), time.monotonic(), self.seq)

    def close(self) -> None:
        self.closed += 1


def absent() -> None:
    raise CameraError("/dev/video0: no such device; plug the camera in")


def unplugged() -> None:
    raise CameraError("the camera was unplugged")


def missing() -> None:
    raise CameraMissing("picamera2 is not installed")


@contextmanager
def grabbing(camera: ScriptedCamera, *, paused: bool = False) -> Iterator[Grabber]:
    grabber = Grabber(camera, reopen_max_s=0.1, paused=paused)
    grabber.start()
    try:
        yield grabber
    finally:
        grabber.stop(2.0)


def test_the_newest_frame_is_handed_out_and_old_ones_are_counted() -> None:
    with grabbing(ScriptedCamera([])) as grabber:
        first = grabber.take(2.0)
        time.sleep(0.2)
        second = grabber.take(2.0)
        assert first is not None
        assert second is not None
        # Every frame but the two taken was dropped; one more may have come since.
        assert grabber.dropped - (second.seq - 2) in (0, 1)
        assert grabber.dropped > 5
        assert grabber.state == ("online", "")


def test_the_camera_is_asked_for_what_is_wanted() -> None:
    camera = ScriptedCamera([])
    with grabbing(camera) as grabber:
        assert eventually(lambda: camera.asked_s[-1:] == [0.0])
        grabber.want(5.0)
        assert eventually(lambda: camera.asked_s[-1:] == [0.2])
        grabber.want(20.0)
        assert eventually(lambda: camera.asked_s[-1:] == [0.05])


def test_a_camera_that_is_absent_at_the_start_is_found_later() -> None:
    with grabbing(ScriptedCamera([absent], [absent], [])) as grabber:
        assert eventually(lambda: grabber.state[0] == "absent" and "plug the camera in" in grabber.state[1])
        assert eventually(lambda: grabber.state[0] == "online")
        assert grabber.take(1.0) is not None


def test_an_unplugged_camera_is_reopened_with_back_off() -> None:
    camera = ScriptedCamera([lambda: None, unplugged], [absent], [])
    with grabbing(camera) as grabber:
        assert eventually(lambda: grabber.state == ("recovering", "the camera was unplugged"))
        assert eventually(lambda: grabber.state[0] == "online")
        assert grabber.reopens == 2
        assert camera.closed >= 2


def test_a_camera_that_hangs_is_noticed_and_does_not_block_the_stop() -> None:
    wake = threading.Event()
    with grabbing(ScriptedCamera([lambda: None, lambda: wake.wait(20) and None])) as grabber:
        assert eventually(lambda: grabber.hung_s(time.monotonic()) > 0.3)
        begin_s = time.monotonic()
        grabber.stop(0.2)
        assert time.monotonic() - begin_s < 1.0
        wake.set()


def test_a_back_end_that_is_not_installed_ends_the_process_instead_of_being_tried_for_ever() -> None:
    with grabbing(ScriptedCamera([missing])) as grabber, pytest.raises(CameraMissing, match="picamera2"):
        grabber.take(2.0)


def test_paused_means_that_the_camera_is_closed() -> None:
    camera = ScriptedCamera([])
    with grabbing(camera) as grabber:
        assert grabber.take(2.0) is not None
        grabber.pause()
        assert grabber.take(0.1) is None
        assert eventually(lambda: grabber.state[0] == "paused")
        assert camera.closed == camera.opened == 1
        time.sleep(0.2)
        assert camera.opened == 1
        grabber.resume()
        assert grabber.take(2.0) is not None


def test_starting_paused_never_opens_the_camera() -> None:
    camera = ScriptedCamera([])
    with grabbing(camera, paused=True) as grabber:
        assert grabber.take(0.3) is None
        assert camera.opened == 0
        assert grabber.state[0] == "paused"


def test_a_bug_in_a_source_reaches_the_main_thread() -> None:
    def bug() -> None:
        raise ZeroDivisionError

    with grabbing(ScriptedCamera([bug])) as grabber:
        time.sleep(0.5)
        with pytest.raises(ZeroDivisionError):
            grabber.take(0.2)
