"""Frames of a recording, each at once, in the recording's time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from edge.camera.source import CameraEnded, CameraSettings
from edge.camera.table import make_camera
from edge.data import Frame
from edge.errors import CameraError, InputError


def frames_of(path: Path) -> Iterator[Frame]:
    """Every frame of the video file ``path``; ``t_s`` is 0 at the first.

    Raises InputError, naming the file, when it is no video, holds no frame or breaks off.
    """
    camera = make_camera(CameraSettings(source="video", path=str(path.absolute()), realtime=False))
    with closing(camera):
        try:
            camera.open()
            while True:
                yield camera.read()
        except CameraEnded:
            return
        except CameraError as error:
            raise InputError(str(error)) from error
