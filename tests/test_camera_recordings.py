"""Video files, streams and folders of pictures: pace, loops, damage, secrets."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera import video
from edge.camera.images import load_image
from edge.camera.source import CameraEnded, CameraSettings
from edge.camera.table import make_camera
from edge.errors import CameraError
from tests.camera_cases import COUNT, RATE_HZ, shade, write_images, write_video


@pytest.fixture(params=["video", "images"])
def recording(request, tmp_path):
    """Settings of a recording of COUNT frames whose grey value tells their number."""
    path = write_video(tmp_path / "clip.mp4") if request.param == "video" else write_images(tmp_path / "pictures")
    return partial(CameraSettings, source=request.param, path=str(path), rate_hz=RATE_HZ)


def read_number(frame) -> int:
    return round((float(frame.image.mean()) - shade(0)) / (shade(1) - shade(0)))


def test_as_fast_as_possible_gives_every_frame_in_the_time_of_the_recording(recording):
    camera = make_camera(recording(realtime=False))
    camera.open()
    frames = []
    with contextlib.suppress(CameraEnded):
        while True:
            frames.append(camera.read())
    assert [read_number(frame) for frame in frames] == list(range(COUNT))
    assert [frame.seq for frame in frames] == list(range(COUNT))
    assert [frame.t_s for frame in frames] == pytest.approx([n / RATE_HZ for n in range(COUNT)])


@pytest.mark.parametrize("realtime", [False, True])
def test_loop_goes_on_in_time_and_number(recording, realtime):
    camera = make_camera(recording(realtime=realtime, loop=True))
    camera.open()
    frames = [camera.read() for _ in range(2 * COUNT + 2)]
    camera.close()
    assert [frame.seq % COUNT for frame in frames] == [read_number(frame) for frame in frames]
    elapsed_s = [(frame.t_s - frames[0].t_s) for frame in frames]
    assert elapsed_s == pytest.approx([frame.seq / RATE_HZ for frame in frames])


def test_real_time_keeps_the_pace(recording):
    camera = make_camera(recording(realtime=True))
    camera.open()
    first = camera.read()
    start_s = time.monotonic()
    last = first
    while last.seq < COUNT - 1:
        last = camera.read()
    due_s = (COUNT - 1) / RATE_HZ
    assert due_s - 0.05 < time.monotonic() - start_s < due_s + 1.0


def test_late_reader_finds_the_older_frames_gone(recording):
    camera = make_camera(recording(realtime=True))
    camera.open()
    camera.read()
    time.sleep(3.4 / RATE_HZ)
    frame = camera.read()
    assert frame.seq >= 3
    assert read_number(frame) == frame.seq
    assert time.monotonic() - frame.t_s < 3.0 / RATE_HZ, "a frame of now, not the next one in line"


def test_file_that_shrinks_to_nothing_while_looped_fails_cleanly(tmp_path):
    path = write_video(tmp_path / "clip.mp4")
    camera = make_camera(CameraSettings(source="video", path=str(path), realtime=False, loop=True))
    camera.open()
    for _ in range(COUNT):
        camera.read()
    path.write_bytes(b"")
    with pytest.raises(CameraError, match=r"clip\.mp4"):
        camera.read()


def test_path_may_hold_a_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPS", str(tmp_path))
    write_video(tmp_path / "clip.mp4")
    camera = make_camera(CameraSettings(source="video", path="${CLIPS}/clip.mp4"))
    camera.open()
    camera.close()


def test_pictures_come_by_name_and_unreadable_ones_are_named_and_passed_over(tmp_path, caplog):
    folder = write_images(tmp_path / "pictures", count=3)
    (folder / "000a.png").write_bytes(b"not a picture")
    (folder / "001a.jpg").write_bytes(b"")
    (folder / "000.txt").write_text("no picture and none claimed")
    camera = make_camera(CameraSettings(source="images", path=str(folder), realtime=False, loop=True))
    camera.open()
    assert [read_number(camera.read()) for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"], "once each"
    assert "000a.png" in caplog.text
    assert "001a.jpg" in caplog.text


@pytest.mark.parametrize("content", [{}, {"a.png": b"nothing"}, {"a.txt": b"text"}])
def test_folder_without_a_readable_picture_is_an_error(tmp_path, content):
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    camera = make_camera(CameraSettings(source="images", path=str(tmp_path)))
    with pytest.raises(CameraError, match=r"holds no picture that can be read .*put some there"):
        camera.open()


def test_grey_and_transparent_and_deep_pictures_become_bgr(tmp_path):
    for name, image in {
        "grey.png": np.full((4, 5), 7, np.uint8),
        "transparent.png": np.full((4, 5, 4), 7, np.uint8),
        "deep.png": np.full((4, 5, 3), 7 * 257, np.uint16),
    }.items():
        cv2.imwrite(str(tmp_path / name), image)
        loaded = load_image(tmp_path / name)
        assert loaded.shape == (4, 5, 3), name
        assert (loaded == 7).all(), name


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[int]:
    """An HTTP server of ``folder`` on a loopback port."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args): ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_stream_gives_live_frames_and_says_when_it_breaks_off(tmp_path, monkeypatch):
    write_video(tmp_path / "clip.mp4")
    monkeypatch.setenv("PORT", "unused")
    with serving(tmp_path) as port:
        monkeypatch.setenv("PORT", str(port))
        camera = make_camera(CameraSettings(source="video", path="http://joe:pw@127.0.0.1:${PORT}/clip.mp4"))
        camera.open()
        frames = [camera.read() for _ in range(COUNT)]
        assert [frame.seq for frame in frames] == list(range(COUNT))
        assert all(0.0 <= time.monotonic() - frame.t_s < 2.0 for frame in frames)
        with pytest.raises(CameraError, match=r"\*\*\*@127.0.0.1:\$\{PORT\}/clip.mp4: the stream broke off"):
            camera.read()
        camera.close()


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_silent_server_is_given_up_and_no_secret_is_shown(scheme, monkeypatch, capfd, caplog):
    monkeypatch.setattr(video, "STREAM_TIMEOUT_MS", 500)
    monkeypatch.setenv("CAM_PASSWORD", "hunter2")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"{scheme}://joe:${{CAM_PASSWORD}}@127.0.0.1:{server.getsockname()[1]}/s?password=swordfish"
        start_s = time.monotonic()
        with pytest.raises(CameraError, match=r"\*\*\*@127.0.0.1.*check address, password and network") as caught:
            make_camera(CameraSettings(source="video", path=address)).open()
        assert time.monotonic() - start_s < 5.0
    shown = str(caught.value) + caplog.text + "".join(capfd.readouterr())
    assert "hunter2" not in shown
    assert "swordfish" not in shown
    assert "joe" not in shown


def test_refused_connection_shows_no_secret(capfd):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(CameraError) as caught:
        make_camera(CameraSettings(source="video", path=f"rtsp://joe:hunter2@127.0.0.1:{port}/s")).open()
    assert "hunter2" not in str(caught.value) + "".join(capfd.readouterr())


def test_unset_variable_is_named(monkeypatch):
    monkeypatch.delenv("NO_SUCH", raising=False)
    with pytest.raises(CameraError, match="NO_SUCH is not set"):
        make_camera(CameraSettings(source="video", path="rtsp://joe:${NO_SUCH}@127.0.0.1/s")).open()
