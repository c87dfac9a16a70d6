"""One way to run every source of the table here, and recordings made for the tests."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera import demo, v4l2
from edge.camera.gst import load_gst
from edge.camera.source import CameraSettings
from edge.errors import CameraMissing

WIDTH_PX, HEIGHT_PX, RATE_HZ, COUNT = 64, 48, 25.0, 8
STUBS = Path(__file__).parent / "stubs"


@dataclass(frozen=True)
class Place:
    """What a case may use to set its source up."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch


def shade(number: int) -> int:
    """The grey value of recorded frame ``number`` (of up to COUNT): far enough apart to survive coding."""
    return 20 + 25 * (number % COUNT)


def write_video(path: Path, *, count: int = COUNT, rate_hz: float = RATE_HZ) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate_hz, (WIDTH_PX, HEIGHT_PX))
    assert writer.isOpened()
    for number in range(count):
        writer.write(np.full((HEIGHT_PX, WIDTH_PX, 3), shade(number), np.uint8))
    writer.release()
    return path


def write_images(folder: Path, *, count: int = COUNT) -> Path:
    folder.mkdir()
    for number in range(count):
        assert cv2.imwrite(str(folder / f"{number:03}.png"), np.full((HEIGHT_PX, WIDTH_PX, 3), shade(number), np.uint8))
    return folder


def use_picamera2_stub(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("picamera2", STUBS / "picamera2.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "picamera2", module)


def _picamera2(place: Place) -> CameraSettings:
    use_picamera2_stub(place.monkeypatch)
    return CameraSettings(source="picamera2", width_px=WIDTH_PX, height_px=HEIGHT_PX, rate_hz=50.0)


def _v4l2(place: Place) -> CameraSettings:
    if not Path("/dev/video0").exists():
        pytest.skip("needs a camera at /dev/video0, which is not here")
    return CameraSettings(source="v4l2")


def _v4l2_on_a_file(place: Place) -> CameraSettings:
    """The adapter as it is, with a recording in the place of the device."""
    place.monkeypatch.setattr(v4l2.cv2, "CAP_V4L2", cv2.CAP_FFMPEG)
    return CameraSettings(source="v4l2", device=str(write_video(place.folder / "device.mp4", count=1500)))


def _video(place: Place) -> CameraSettings:
    return CameraSettings(source="video", path=str(write_video(place.folder / "clip.mp4")))


def _images(place: Place) -> CameraSettings:
    return CameraSettings(source="images", path=str(write_images(place.folder / "pictures")), rate_hz=RATE_HZ)


def _gst(place: Place) -> CameraSettings:
    try:
        load_gst()
    except CameraMissing as error:
        pytest.skip(str(error))
    return CameraSettings(source="gst", pipeline="videotestsrc is-live=true ! video/x-raw,width=66,height=48")


def _demo(place: Place) -> CameraSettings:
    if not demo.CLIP.is_file():
        pytest.skip("the bundled clip is not made yet: tools/make_clip.py")
    return CameraSettings(source="demo")


CASES: dict[str, Callable[[Place], CameraSettings]] = {
    "picamera2": _picamera2,
    "v4l2": _v4l2,
    "v4l2-on-a-file": _v4l2_on_a_file,
    "video": _video,
    "images": _images,
    "gst": _gst,
    "demo": _demo,
}
