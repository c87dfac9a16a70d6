"""Video files, and streams from an address (RTSP, HTTP)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import cv2

from edge.camera.address import expand, is_address, mask
from edge.camera.capture import Capture
from edge.camera.source import CameraEnded, CameraSettings
from edge.camera.timing import Timeline
from edge.core.pace import Pace
from edge.data import Frame
from edge.errors import CameraError

STREAM_TIMEOUT_MS = 5000
"""A stream that does not answer, or falls silent, for this long has failed. Below the default of `stall_s`, so that it
is reopened instead of ending the process."""
_RATE_DEFAULT_HZ = 25.0
_SKIPPED_MAX_S = 2.0


def make(settings: CameraSettings) -> VideoFile | Stream:
    """The source for ``settings.path``. Raises CameraError when it is empty, CameraMissing for an unset variable."""
    if not settings.path:
        raise CameraError("source `video` needs `path`: a file or an address such as rtsp://host/stream")
    if is_address(settings.path):
        return Stream(settings.path)
    return VideoFile(Path(expand(settings.path)), realtime=settings.realtime, loop=settings.loop)


class VideoFile:
    """A recording. In real time a frame comes when it is due, and a late reader finds the older ones gone."""

    def __init__(self, path: Path, *, realtime: bool, loop: bool) -> None:
        self._path = path
        self._realtime = realtime
        self._loop = loop
        self._timeline = Timeline(realtime=realtime)
        self._capture: Capture | None = None
        self._interval_s = 1.0 / _RATE_DEFAULT_HZ
        self._position_s: float | None = None
        self._seq = 0
        self._pace = Pace()

    def open(self) -> None:
        self.close()
        self._capture = self._open_file()
        self._timeline.begin()

    def read(self, *, every_s: float = 0.0) -> Frame:
        if self._capture is None:
            raise CameraError(f"{self._path}: not open")
        capture, t_s = self._next_due(self._capture)
        while self._realtime and not self._pace.wanted(t_s, every_s):
            self._seq += 1  # decoded, as the next one builds on it, but not turned into BGR
            capture, t_s = self._next_due(capture)
        image = capture.retrieve()
        if image is None:
            raise CameraError(f"{self._path}: frame {self._seq} cannot be decoded; is the file complete?")
        frame = Frame(image=image, t_s=t_s, seq=self._seq)
        self._seq += 1
        return frame

    def close(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _open_file(self) -> Capture:
        if not self._path.is_file():
            raise CameraError(f"{self._path}: no such file; correct `path`")
        failed = f"{self._path}: not a video that can be decoded; convert it, e.g. with `ffmpeg -i IN OUT.mp4`"
        capture = Capture(str(self._path), cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG), failed)
        rate_hz = capture.get(cv2.CAP_PROP_FPS)
        self._interval_s = 1.0 / (rate_hz if 0.0 < rate_hz <= 1000.0 else _RATE_DEFAULT_HZ)
        self._position_s = None
        return capture

    def _next_due(self, capture: Capture) -> tuple[Capture, float]:
        """Advances to the frame that is due: waits for it when early, passes over frames when late."""
        skipped_max = round(_SKIPPED_MAX_S / self._interval_s)
        for skipped in range(skipped_max + 1):
            self._seq += skipped > 0
            capture, t_s = self._advance(capture)
            late_s = time.monotonic() - t_s
            # A decoder slower than real time is late for ever: it must give a frame now and then all the same.
            if not self._realtime or late_s < self._interval_s or skipped == skipped_max:
                break
        if self._realtime and late_s < 0.0 and capture.released.wait(-late_s):
            raise CameraError(f"{self._path}: closed while it was read")
        return capture, t_s

    def _advance(self, capture: Capture) -> tuple[Capture, float]:
        """Fetches the next frame, from the beginning again where the file is looped. Returns its time."""
        if not capture.grab():
            if self._position_s is None:
                raise CameraError(f"{self._path}: holds no frame that can be decoded; is the file complete?")
            if not self._loop:
                raise CameraEnded(f"{self._path}: end of the recording; set `loop: true` to play it again")
            capture = self._rewind(capture)
        position_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
        if self._position_s is not None and position_s <= self._position_s:  # the container has no usable stamps
            position_s = self._position_s + self._interval_s
        self._position_s = position_s
        t_s = self._timeline.t_s(position_s=position_s, interval_s=self._interval_s, now_s=time.monotonic())
        return capture, t_s

    def _rewind(self, old: Capture) -> Capture:
        """Opens the file anew: not every container can seek."""
        capture = self._open_file()
        self._capture = capture
        if old.released.is_set():  # closed by another thread in this moment
            self.close()
            raise CameraError(f"{self._path}: closed while it was read")
        old.release()
        self._timeline.begin_pass()
        if not capture.grab():
            raise CameraError(f"{self._path}: cannot be read from its beginning any more; was it replaced?")
        return capture


class Stream:
    """A live stream from an address. ``${NAME}`` in it stands for an environment variable."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._name = mask(address)
        self._capture: Capture | None = None
        self._seq = 0
        self._pace = Pace()

    def open(self) -> None:
        self.close()
        # Packets lost over UDP smear the picture. OpenCV's FFmpeg can be told by this variable only.
        os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, STREAM_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, STREAM_TIMEOUT_MS]
        capture = cv2.VideoCapture(expand(self._address), cv2.CAP_FFMPEG, limits)
        failed = (
            f"{self._name}: no stream (waited up to {STREAM_TIMEOUT_MS // 1000} s); check address, password and network"
        )
        self._capture = Capture(self._name, capture, failed)

    def read(self, *, every_s: float = 0.0) -> Frame:
        capture = self._capture
        if capture is None:
            raise CameraError(f"{self._name}: not open")
        while True:
            if not capture.grab():
                raise CameraError(f"{self._name}: the stream broke off; check camera and network")
            t_s = time.monotonic()
            if self._pace.wanted(t_s, every_s):
                break
            self._seq += 1
        image = capture.retrieve()
        if image is None:
            raise CameraError(f"{self._name}: frame {self._seq} cannot be decoded; check the stream's codec")
        frame = Frame(image=image, t_s=t_s, seq=self._seq)
        self._seq += 1
        return frame

    def close(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()
