"""The capture thread: keeps a camera open and holds its newest frame. Old frames are dropped and counted.

A camera that fails or ends is reopened with back-off. One that hangs cannot be helped from here (a hung driver blocks
even its own stop), so the owner asks ``hung_s`` and ends the process.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import Literal

from edge.camera.source import Camera
from edge.data import Frame
from edge.errors import CameraError, CameraMissing

_log = logging.getLogger(__name__)

CameraState = Literal["online", "stalled", "recovering", "absent", "paused"]

_FIRST_WAIT_S = 0.5


class Grabber:
    """Owns the camera and its thread. ``camera`` is used by that thread alone, but for a last ``close``."""

    def __init__(self, camera: Camera, *, reopen_max_s: float = 30.0, paused: bool = False) -> None:
        self._camera = camera
        self._reopen_max_s = reopen_max_s
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._paused = paused
        self._stopping = False
        self._busy_since_s: float | None = None
        self._state: CameraState = "paused" if paused else "absent"
        self._reason = "" if paused else "opening"
        self._fatal: BaseException | None = None
        self._dropped = 0
        self._reopens = 0
        self._every_s = 0.0
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame not yet taken, waiting at most ``timeout_s``; None when there is none.

        Raises what ended the thread: CameraMissing, or a bug.
        """
        with self._changed:
            if self._newest is None and self._fatal is None:
                self._changed.wait(timeout_s)
            if self._fatal is not None:
                raise self._fatal
            frame, self._newest = self._newest, None
            return frame

    def want(self, rate_hz: float) -> None:
        """So many frames a second are enough from now on. Until the first call, all that the camera gives."""
        self._every_s = 1.0 / rate_hz

    def pause(self) -> None:
        """Closes the camera as soon as the read under way returns; no frame is handed out any more."""
        with self._changed:
            self._paused, self._newest = True, None
            self._changed.notify_all()

    def resume(self) -> None:
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def stop(self, timeout_s: float) -> None:
        """Ends the thread and closes the camera; gives up after ``timeout_s`` (a hung driver)."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def state(self) -> tuple[CameraState, str]:
        """The camera's state and, where it is not well, why."""
        with self._changed:
            return self._state, self._reason

    @property
    def dropped(self) -> int:
        """Frames overwritten by newer ones before anybody took them."""
        return self._dropped

    @property
    def reopens(self) -> int:
        """Times the camera was opened again after a failure or its end."""
        return self._reopens

    def hung_s(self, now_s: float) -> float:
        """Seconds for which one call into the camera (open or read) has been running; 0 between calls."""
        since_s = self._busy_since_s
        return 0.0 if since_s is None else max(now_s - since_s, 0.0)

    def _run(self) -> None:
        try:
            wait_s = _FIRST_WAIT_S
            while not self._stopping:
                if self._paused:
                    self._wait_while_paused()
                    continue
                started_s = time.monotonic()
                self._open_and_read()
                if self._stopping or self._paused:
                    continue
                if time.monotonic() - started_s > self._reopen_max_s:
                    wait_s = _FIRST_WAIT_S  # it worked for long: a new trouble, not the old one
                self._wait(wait_s * random.uniform(0.8, 1.2))
                wait_s = min(wait_s * 2, self._reopen_max_s)
                self._reopens += 1
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which raises it in take()
            with self._changed:
                self._fatal = error
                self._changed.notify_all()
        finally:
            self._camera.close()

    def _open_and_read(self) -> None:
        """One life of the camera: from open to its failure, its end, a pause or the stop."""
        try:
            self._busy_since_s = time.monotonic()
            self._camera.open()
            while not (self._stopping or self._paused):
                self._busy_since_s = time.monotonic()
                frame = self._camera.read(every_s=self._every_s)
                self._busy_since_s = None
                self._put(frame)
        except CameraMissing:
            raise
        except CameraError as error:
            known = self._state in {"online", "recovering"}
            self._set_state("recovering" if known else "absent", str(error))
        finally:
            self._busy_since_s = time.monotonic()
            self._camera.close()
            self._busy_since_s = None

    def _put(self, frame: Frame) -> None:
        with self._changed:
            if self._paused:
                return
            if self._newest is not None:
                self._dropped += 1
            self._newest = frame
            self._changed.notify_all()
        if self._state != "online":
            self._set_state("online", "")

    def _wait_while_paused(self) -> None:
        self._set_state("paused", "")
        with self._changed:
            while self._paused and not self._stopping:
                self._changed.wait(1.0)
        if not self._stopping:
            self._set_state("absent", "opening")

    def _wait(self, wait_s: float) -> None:
        with self._changed:
            if not (self._stopping or self._paused):
                self._changed.wait(wait_s)

    def _set_state(self, state: CameraState, reason: str) -> None:
        with self._changed:
            changed = state != self._state
            self._state, self._reason = state, reason
        if changed:  # one line a change, not one a try
            _log.info("camera %s%s", state, f": {reason}" if reason else "")
