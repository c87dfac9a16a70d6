"""The aiming view tells where faces are and how well the camera sees, and never a pixel."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge import cli
from edge.aim import Aimer, Sight, canvas, figures, payload
from edge.aim_page import AimServer
from edge.config.file import load_config
from edge.daemon import pause_folders
from edge.data import Face, Frame, Image
from edge.errors import InputError
from edge.terminal import Terminal
from tests.daemon import configuration
from tests.mosquitto import eventually, free_port

BOX = (40.0, 30.0, 60.0, 50.0)


class Fixed:
    """Finds the same face in every picture."""

    def find(self, _image: Image) -> list[Face]:
        return [Face(BOX, None, 0.9), Face((100.0, 60.0, 12.0, 14.0), None, 0.8)]


def sight_of(image: Image) -> Sight:
    aimer = Aimer(Fixed(), readable_px=24)
    for n in range(5):
        sight = aimer.look(Frame(image, n / 10, n), n / 10)
    return sight


def noise() -> Image:
    return np.random.default_rng(3).integers(0, 256, (120, 160, 3)).astype(np.uint8)


def test_figures() -> None:
    sight = sight_of(noise())
    assert (sight.width_px, sight.height_px) == (160, 120)
    assert sight.frames_per_s == pytest.approx(10.0)
    assert 0.4 < sight.brightness < 0.6
    assert sight.sharpest == sight.sharpness > 100
    text = figures(sight)
    assert "50 px, 12 px too small" in text
    assert "10.0 frames/s" in text


def test_the_canvas_holds_boxes_sizes_and_nothing_else() -> None:
    lines = canvas(sight_of(noise()), columns=80, rows=24)
    assert [len(line) for line in lines] == [80] * 24
    assert "50px" in "".join(lines)
    assert set("".join(lines)) <= set("+-| 0123456789px too small")
    assert lines[6][20] == "+", "the box's corner stands where the face is"
    assert len(canvas(sight_of(noise()), columns=1, rows=1)) == 5


def test_a_face_beyond_the_edge_stays_on_the_canvas() -> None:
    sight = sight_of(noise())
    far = Sight(
        **{name: getattr(sight, name) for name in Sight.__dataclass_fields__}
        | {"boxes_xywh_px": ((-50.0, -50.0, 1000.0, 1000.0), (500.0, 500.0, 9.0, 9.0))}
    )
    assert len(canvas(far, columns=40, rows=12)) == 12


def test_two_pictures_that_share_their_figures_give_the_same_bytes() -> None:
    """What leaves depends on the pixels through brightness and sharpness alone: mirrored, they are other pixels."""
    picture = noise()
    other = np.ascontiguousarray(picture[:, ::-1])
    assert not np.array_equal(picture, other)
    first, second = sight_of(picture), sight_of(other)
    assert json.dumps(payload(first)) == json.dumps(payload(second))
    assert canvas(first, columns=60, rows=20) == canvas(second, columns=60, rows=20)
    assert figures(first) == figures(second)


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    else:
        yield value


def test_the_browser_gets_a_few_scalars() -> None:
    told = payload(sight_of(noise()))
    values = list(leaves(told))
    assert all(isinstance(value, (int, float, str)) for value in values)
    assert len(values) == 8 + 2 * 4
    assert len(json.dumps(told)) < 500


@pytest.fixture
def server() -> Iterator[AimServer]:
    server = AimServer(0)
    yield server
    server.close()


def get(server: AimServer, path: str, host: str | None = None) -> tuple[int, dict[str, str], bytes]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)) as connection:
        connection.request("GET", path, headers={} if host is None else {"host": host})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def test_the_page_is_for_this_machine_alone(server: AimServer) -> None:
    status, headers, body = get(server, "/")
    assert status == 200
    assert b"No picture is sent" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "img-src" not in headers["content-security-policy"], "no picture could be loaded"
    assert get(server, "/aim.json")[0] == 204
    server.show(payload(sight_of(noise())))
    status, headers, body = get(server, "/aim.json")
    assert (status, json.loads(body)["boxes"]["1"]["width"]) == (200, 60.0)
    assert get(server, "/aim.json", host="evil.example")[0] == 403
    assert get(server, "/../etc/passwd")[0] == 404
    with pytest.raises(InputError, match="choose another port"):
        AimServer(server.port)


def test_the_command_over_the_clip_prints_figures_only(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert cli.main(["aim", "--config", str(configuration(tmp_path, 1)), "--seconds", "3"]) == 0
    out = capfdbinary.readouterr().out
    lines = out.decode("ascii").splitlines()
    assert len(lines) >= 2
    assert all("640 x 480" in line and "brightness" in line for line in lines)
    assert len(out) < 2000
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["moodcast.yaml"]


def test_the_browser_view_of_a_running_command(tmp_path: Path) -> None:
    port = free_port()
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), noise())
    camera = {"source": "images", "path": str(folder), "loop": True, "rate_hz": 5}
    command = ["aim", "--config", str(configuration(tmp_path, 1, camera=camera)), "--web", str(port), "--seconds", "20"]
    process = subprocess.Popen([sys.executable, "-m", "edge.cli", *command], stdout=subprocess.PIPE)

    def told() -> bytes:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as connection:
            try:
                connection.request("GET", "/aim.json")
                return connection.getresponse().read()
            except OSError:
                return b""

    try:
        assert eventually(lambda: told().startswith(b"{"), 15.0)
        assert json.loads(told())["width_px"] == 160
        assert len(told()) < 1000
    finally:
        process.terminate()
        process.communicate()


def test_a_thrown_privacy_switch_keeps_the_camera_closed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "sense.json").write_text('{"paused": true}')
    config = configuration(tmp_path, 1, kiosk={"enabled": False})
    assert cli.main(["aim", "--config", str(config), "--seconds", "1"]) == 1
    assert "privacy" in capsys.readouterr().err
    cli.main(["doctor", "--config", str(config), "--json"])
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert (checks["camera"]["ok"], checks["picture"]["ok"]) == (None, None)


def test_an_absent_camera_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = {"source": "video", "path": str(tmp_path / "none.mp4")}
    config = configuration(tmp_path, 1, camera=camera)
    assert cli.main(["aim", "--config", str(config), "--seconds", "2"]) == 0
    assert capsys.readouterr().err.count("none.mp4") == 1


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_terminal_is_given_back_and_lines_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "4")
    out = Screen()
    with Terminal(out) as terminal:
        terminal.draw(["x" * 50] * 50)
    assert out.getvalue().count("x") == 30
    assert out.getvalue().endswith("\x1b[?25h\x1b[?1049l")
    pipe = io.StringIO()
    with Terminal(pipe) as terminal:
        terminal.draw(["x"])
    assert pipe.getvalue() == ""


def test_pause_switch_of_the_service_counts_for_every_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    service = tmp_path / "service"
    shipped, own = (
        load_config(configuration(tmp_path, 1, daemon={"state_dir": d})) for d in (None, str(tmp_path / "x"))
    )
    assert pause_folders(shipped, service=service) == [tmp_path / ".local/state/moodcast"]
    service.mkdir()
    assert pause_folders(shipped, service=service)[-1] == service
    assert pause_folders(own, service=service) == [tmp_path / "x"], "a folder of one's own, a switch of one's own"


@pytest.mark.parametrize("port", ["80000", "taken"])
def test_port_that_cannot_be_had_is_named(port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = str(taken.getsockname()[1]) if port == "taken" else port
        assert cli.main(["aim", "--config", str(configuration(tmp_path, 1)), "--web", number]) == 1
    assert f"--web {number}: " in capsys.readouterr().err
