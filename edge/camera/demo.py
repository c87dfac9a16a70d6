"""The bundled clip: people who do not exist, whose expressions follow a known script."""

from __future__ import annotations

from pathlib import Path

from edge.camera.source import CameraSettings
from edge.camera.video import VideoFile
from edge.errors import CameraMissing

CLIP = Path(__file__).with_name("demo.mp4")
SCRIPT = Path(__file__).with_name("demo_script.yaml")


def make(settings: CameraSettings) -> VideoFile:
    """The clip as a source, looped and paced as configured. Raises CameraMissing when it was not installed."""
    if not CLIP.is_file():
        raise CameraMissing(f"{CLIP}: the bundled clip is missing; install Moodcast again")
    return VideoFile(CLIP, realtime=settings.realtime, loop=settings.loop)
