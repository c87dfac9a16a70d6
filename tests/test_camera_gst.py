"""GStreamer pipelines: what goes wrong, secrets, and what is missing."""

from __future__ import annotations

import sys
import time

import pytest

from edge.camera.source import CameraSettings
from edge.camera.table import make_camera
from edge.errors import CameraError, CameraMissing
from tests.camera_cases import CASES, Place


@pytest.fixture
def gst(tmp_path, monkeypatch):
    """Makes a camera of a pipeline."""
    CASES["gst"](Place(tmp_path, monkeypatch))
    return lambda pipeline: make_camera(CameraSettings(source="gst", pipeline=pipeline))


@pytest.mark.parametrize("width_px", [64, 65, 66, 67])
def test_rows_filled_up_to_four_bytes_are_cut(gst, width_px):
    camera = gst(
        f"videotestsrc pattern=solid-color foreground-color=0xff0000ff ! video/x-raw,width={width_px},height=50"
    )
    camera.open()
    image = camera.read().image
    camera.close()
    assert image.shape == (50, width_px, 3)
    assert (image[..., 0] > 200).all(), "blue comes first"
    assert (image[..., 1:] < 60).all()


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        ("nosuchelement", "nosuchelement.*correct `pipeline`"),
        ("videotestsrc !", "correct `pipeline`"),
        ("filesrc location=/no/such/file ! videoparse", "gst-launch-1.0|correct `pipeline`"),
        ("videotestsrc ! video/x-raw,format=GRAY8 ! video/x-raw,format=BGR", "gst-launch-1.0|correct `pipeline`"),
    ],
)
def test_pipeline_that_cannot_work_says_why(gst, pipeline, said):
    camera = gst(pipeline)

    def open_and_read() -> None:
        camera.open()
        camera.read()

    with pytest.raises(CameraError, match=said):
        open_and_read()


def test_secrets_in_a_pipeline_are_not_shown(gst):
    camera = gst("nosuchsrc location=rtsp://joe:hunter2@127.0.0.1/ user-pw=swordfish ! fakevideo")
    with pytest.raises(CameraError, match=r"rtsp://\*\*\*@127.0.0.1/ user-pw=\*\*\*") as caught:
        camera.open()
    assert "hunter2" not in str(caught.value)
    assert "swordfish" not in str(caught.value)


def test_slow_reader_gets_the_newest_frame(gst):
    camera = gst("videotestsrc is-live=true ! video/x-raw,framerate=50/1")
    camera.open()
    camera.read()
    time.sleep(0.5)
    frame = camera.read()
    age_s = time.monotonic() - frame.t_s
    camera.close()
    assert age_s < 0.2


def test_missing_bindings_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gi", None)
    with pytest.raises(CameraMissing, match=r"apt install .*pip install 'PyGObject<3.51'"):
        make_camera(CameraSettings(source="gst", pipeline="videotestsrc"))
