"""What a camera is to the rest of Moodcast, and the settings every source is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge.data import Frame
from edge.errors import CameraError

Region = tuple[float, float, float, float]
"""``(x, y, width, height)`` as fractions of the picture, after rotation and mirror."""
WHOLE: Region = (0.0, 0.0, 1.0, 1.0)


class CameraEnded(CameraError):
    """A recording came to its end. Opening it again starts from its beginning."""


class Camera(Protocol):
    """A source of pictures. One thread reads; ``close`` may come from another."""

    def open(self) -> None:
        """Makes the source ready. May be called again after ``close``.

        Raises CameraError when that fails, CameraMissing when trying again would not help.
        """

    def read(self, *, every_s: float = 0.0) -> Frame:
        """Blocks until the next frame. The caller owns its picture.

        ``every_s``: a frame each so many seconds is enough. The source may pass over frames that come sooner after the
        last one it gave, where that saves work (decoding, copying, light for the sensor), and may ignore it; it must
        not hand out frames late for it. ``seq`` counts those passed over.

        ``t_s`` is ``time.monotonic()`` at capture for live sources and for recordings played in real time, else the
        time of the recording, which goes on over loops. ``seq`` starts at 0 and goes on over loops and ``open``.

        Raises CameraEnded at the end of a recording and CameraError on any other clean failure, ``close`` by another
        thread included. A driver that hangs makes this call hang: the caller must watch the clock.
        """

    def close(self) -> None:
        """Releases the device. Does nothing when it is closed already; never raises; takes at most about 2 s."""


@dataclass(frozen=True, kw_only=True)
class CameraSettings:
    """One source and how it is read. Fields are called as in the section ``camera`` of the configuration file."""

    source: str
    """A name in ``edge.camera.table``."""
    device: str = "0"
    """v4l2: number or path of the device; picamera2: number of the camera."""
    path: str | None = None
    """video: file or address; images: folder."""
    pipeline: str | None = None
    """gst: the pipeline without its sink."""
    width_px: int = 640
    height_px: int = 480
    """Size asked of a live camera, before rotation; it may answer with another."""
    rate_hz: float = 15.0
    """Frames a second asked of a live camera, and the pace of a folder of images."""
    realtime: bool = True
    """video, images, demo: frames come when they are due and late ones are skipped; else each at once."""
    loop: bool = False
    """video, images, demo: begin again at the end."""
    rotation_deg: int = 0
    """Clockwise: 0, 90, 180 or 270."""
    mirror: bool = False
    """Left and right are swapped, after the rotation."""
    region: Region = WHOLE
