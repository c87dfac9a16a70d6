"""Every source by its name in the configuration. A new source is one file and one line here."""

from __future__ import annotations

import importlib
from typing import cast

from edge.camera.geometry import FittedCamera
from edge.camera.source import Camera, CameraSettings
from edge.errors import CameraError

SOURCES = {
    "picamera2": "edge.camera.picamera2",
    "v4l2": "edge.camera.v4l2",
    "video": "edge.camera.video",
    "images": "edge.camera.images",
    "gst": "edge.camera.gst",
    "demo": "edge.camera.demo",
}
"""Name -> module whose ``make(settings)`` returns a Camera. Imported on use: its library may be absent."""


def make_camera(settings: CameraSettings) -> Camera:
    """The source that ``settings`` ask for, closed, with rotation, mirror and region applied to its frames.

    Raises CameraMissing, saying what to install, when its back end cannot be loaded on this machine, and CameraError
    when settings that it needs are empty or its name is unknown.
    """
    if settings.source not in SOURCES:
        raise CameraError(f"source `{settings.source}` is unknown; there are {', '.join(SOURCES)}")
    module = importlib.import_module(SOURCES[settings.source])
    camera = cast(Camera, module.make(settings))
    return FittedCamera(camera, rotation_deg=settings.rotation_deg, mirror=settings.mirror, region=settings.region)
