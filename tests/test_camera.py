"""What every source of the table must do. A new one needs an entry in ``camera_cases.CASES``; these tests run it."""

from __future__ import annotations

import dataclasses
import threading
import time

import numpy as np
import pytest

from edge.camera.source import CameraEnded, CameraSettings
from edge.camera.table import SOURCES, make_camera
from edge.config.sensing import Camera as CameraSection
from edge.data import Frame
from edge.errors import CameraError
from tests.camera_cases import CASES, Place


@pytest.fixture(params=sorted(CASES))
def settings(request, tmp_path, monkeypatch) -> CameraSettings:
    return CASES[request.param](Place(tmp_path, monkeypatch))


@pytest.fixture
def camera(settings):
    made = make_camera(settings)
    yield made
    made.close()


def assert_good(frame: Frame) -> None:
    assert frame.image.dtype == np.uint8
    assert frame.image.ndim == 3
    assert frame.image.shape[2] == 3
    assert min(frame.image.shape) > 0
    assert frame.image.flags.c_contiguous
    assert frame.image.flags.writeable
    assert isinstance(frame.t_s, float)
    assert isinstance(frame.seq, int)


def test_every_source_has_a_case():
    assert {name.split("-")[0] for name in CASES} == set(SOURCES)


def test_configuration_offers_exactly_the_table():
    assert set(CameraSection.model_fields["source"].annotation.__args__) == set(SOURCES)


def test_settings_are_called_as_in_the_configuration():
    section = CameraSection()
    for field in dataclasses.fields(CameraSettings):
        assert field.name in CameraSection.model_fields
        if field.name not in ("source", "region"):
            assert getattr(section, field.name) == field.default, field.name


def test_gives_good_frames_in_order(camera):
    camera.open()
    frames = [camera.read() for _ in range(3)]
    for frame in frames:
        assert_good(frame)
    assert frames[0].seq == 0
    assert frames[0].seq < frames[1].seq < frames[2].seq
    assert frames[0].t_s < frames[1].t_s < frames[2].t_s
    assert len({frame.image.shape for frame in frames}) == 1


def test_live_time_is_the_monotonic_clock(camera):
    camera.open()
    frame = camera.read()
    assert 0.0 <= time.monotonic() - frame.t_s < 2.0


def test_a_frame_is_the_callers_own(camera):
    camera.open()
    first = camera.read()
    before = first.image.copy()
    camera.read()
    np.testing.assert_array_equal(first.image, before)
    first.image[:] = 0
    assert_good(camera.read())


def test_a_reader_that_wants_few_frames_gets_good_ones_in_time(settings):
    """A source may ignore the wish; what it gives is in order and not late."""
    camera = make_camera(dataclasses.replace(settings, loop=True))
    camera.open()
    camera.read()
    every_s = 0.002 if settings.source == "v4l2" else 0.1  # in its place stands a file read as fast as possible
    frames = [camera.read(every_s=every_s) for _ in range(3)]
    camera.close()
    late_s = time.monotonic() - frames[-1].t_s
    for frame in frames:
        assert_good(frame)
    assert frames[0].seq < frames[1].seq < frames[2].seq
    assert frames[0].t_s < frames[1].t_s < frames[2].t_s
    assert late_s < 1.0


@pytest.mark.parametrize(
    ("name", "every_s"), [("v4l2-on-a-file", 0.002), ("video", 0.16), ("images", 0.16), ("demo", 0.16), ("gst", 0.16)]
)
def test_frames_that_nobody_wants_are_passed_over(name, every_s, tmp_path, monkeypatch):
    settings = dataclasses.replace(CASES[name](Place(tmp_path, monkeypatch)), loop=True)
    camera = make_camera(settings)
    camera.open()
    first = camera.read()
    last = [camera.read(every_s=every_s) for _ in range(4)][-1]
    camera.close()
    assert last.t_s - first.t_s >= 2.75 * every_s, "three beats, less half a frame"
    assert last.seq - first.seq > 4, "they are counted"


def test_closing_twice_and_before_opening_does_nothing(camera):
    camera.close()
    camera.open()
    camera.read()
    camera.close()
    camera.close()


@pytest.mark.parametrize("opened", [False, True])
def test_reading_a_closed_camera_says_so(camera, opened):
    if opened:
        camera.open()
        camera.close()
    with pytest.raises(CameraError, match="not open"):
        camera.read()


def test_opens_again_after_closing_and_goes_on_counting(camera):
    camera.open()
    before = [camera.read(), camera.read()][-1]
    camera.close()
    camera.open()
    after = camera.read()
    assert_good(after)
    assert after.seq > before.seq
    assert after.t_s > before.t_s


def test_opening_twice_is_allowed(camera):
    camera.open()
    camera.read()
    camera.open()
    assert_good(camera.read())


def test_closing_while_another_thread_reads_ends_the_read(camera):
    camera.open()
    errors: list[BaseException] = []

    def read_on() -> None:
        try:
            while True:
                camera.read()
        except BaseException as error:  # noqa: BLE001  whatever it is, the test looks at it
            errors.append(error)

    reader = threading.Thread(target=read_on)
    reader.start()
    time.sleep(0.2)
    start_s = time.monotonic()
    camera.close()
    assert time.monotonic() - start_s < 3.0
    reader.join(3.0)
    assert not reader.is_alive()
    assert [isinstance(error, CameraError) for error in errors] == [True], errors


def test_rotation_mirror_and_region_hold_for_all(settings):
    plain, fitted = make_camera(settings), None
    plain.open()
    height, width, _ = plain.read().image.shape
    plain.close()
    fitted = make_camera(dataclasses.replace(settings, rotation_deg=90, mirror=True, region=(0.0, 0.0, 0.5, 1.0)))
    fitted.open()
    frame = fitted.read()
    fitted.close()
    assert_good(frame)
    assert frame.image.shape == (width, round(height * 0.5), 3)


@pytest.mark.parametrize("name", ["video", "images", "demo", "gst"])
def test_end_of_a_recording_is_told_apart_and_it_starts_again(name, tmp_path, monkeypatch):
    settings = dataclasses.replace(CASES[name](Place(tmp_path, monkeypatch)), realtime=False)
    if name == "gst":
        settings = dataclasses.replace(settings, pipeline="videotestsrc is-live=true num-buffers=5")
    camera = make_camera(settings)
    camera.open()
    frames: list[Frame] = []
    with pytest.raises(CameraEnded):
        frames.extend(iter(camera.read, None))
    with pytest.raises(CameraError):
        camera.read()
    camera.close()
    camera.open()
    assert len(frames) > 1
    assert camera.read().seq > frames[-1].seq
    camera.close()


@pytest.mark.parametrize(
    ("wrong", "named", "advice"),
    [
        ({"source": "v4l2", "device": "97"}, "/dev/video97", "ls /dev/v4l/by-id"),
        ({"source": "v4l2", "device": "/dev/v4l/by-id/usb-none"}, "/dev/v4l/by-id/usb-none", "plug it in"),
        ({"source": "v4l2", "device": "/dev/null"}, "/dev/null", "another program"),
        ({"source": "video", "path": "/no/such/clip.mp4"}, "/no/such/clip.mp4", "correct `path`"),
        ({"source": "video", "path": __file__}, __file__, "convert it"),
        ({"source": "video"}, "video", "needs `path`"),
        ({"source": "images", "path": "/no/such/folder"}, "/no/such/folder", "correct `path`"),
        ({"source": "images"}, "images", "needs `path`"),
        ({"source": "gst"}, "gst", "needs `pipeline`"),
        ({"source": "webcam"}, "webcam", "v4l2"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(wrong, named, advice):
    with pytest.raises(CameraError) as caught:
        make_camera(CameraSettings(**wrong)).open()
    assert named in str(caught.value)
    assert advice in str(caught.value)
