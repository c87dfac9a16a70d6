"""The monitor shows what a unit says, in a terminal, in a pipe and once."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge import cli
from edge.monitor import TAILS, Board, bar, boards, line, screen
from tests.daemon import Daemon, Integrator, configuration
from tests.mosquitto import Mosquitto, eventually, free_port
from tests.test_reload import TOPICS
from tests.test_wire import documented

ROOT = TOPICS.root


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


def board_of_the_contract() -> Board:
    """A board that heard the examples of docs/mqtt.md."""
    board = Board("moodcast")
    board.take(f"{ROOT}/availability", b"online", 100.0)
    board.take(f"{ROOT}/companion/availability", b"online", 100.0)
    examples: dict[str, Any] = {}
    for name, example in documented():
        examples.setdefault(name, example)
    for tail in ("state", "camera", "emotion", "audience", "health", "recommendation", "now_playing"):
        assert board.take(f"{ROOT}/{tail}", json.dumps(examples[tail]).encode(), 100.0)
    return board


def test_the_screen_tells_everything() -> None:
    text = "\n".join(screen(board_of_the_contract().units["kiosk-7f3a"], 101.0))
    for part in (
        "kiosk-7f3a  online", "degraded: camera absent", "camera     online", "1 in view", "happy     ####",
        "0.81 for 2.3 s", "face 112 px", "14.9 frames/s", "58 degrees", "Clair de lune", "Claude Debussy", "volume 40",
        "6 seen in 60 s", "A gentle piece of music",
    ):  # fmt: skip
        assert part in text, (part, text)
    assert text.count("\n") < 24, "fits a small terminal"


def test_an_old_emotion_says_how_old_and_an_offline_unit_tells_nothing_of_people() -> None:
    board = board_of_the_contract()
    view = board.units["kiosk-7f3a"]
    assert "(100 s ago)" in "\n".join(screen(view, 200.0))
    board.take(f"{ROOT}/availability", b"offline", 200.0)
    text = "\n".join(screen(view, 200.0))
    assert "offline" in text
    assert "happy" not in text, "what an offline unit once said is void"


def test_each_topic_is_one_plain_line() -> None:
    view = board_of_the_contract().units["kiosk-7f3a"]
    for tail in view.said:
        text = line(view, tail)
        assert text.startswith(f"kiosk-7f3a {tail} ")
        assert text.isprintable()


def test_two_units_stand_one_below_the_other() -> None:
    board = board_of_the_contract()
    board.take("moodcast/other/availability", b"offline", 100.0)
    lines = boards([board.units[name] for name in sorted(board.units)], 100.0)
    assert [text for text in lines if text.startswith("unit")] == [
        "unit       kiosk-7f3a  online",
        "unit       other  offline",
    ]


@pytest.mark.parametrize(
    "payload",
    [
        b"{", b"[1]", b"\xff", b"[" * 60_000, b"{" * 60_000, b"{}", b'{"emotion": 7}', b'{"emotion": [1]}',
        b'{"state": {"a": 1}, "emotion": "\\u001b[2J", "probs": [1], "confidence": "high", "choices": [1]}',
        b'{"choices": {"1": 5}, "title": 5, "volume": "loud"}', b"\x1b[2J\x07",
    ],
)  # fmt: skip
def test_nothing_that_a_stranger_publishes_breaks_or_commands_the_terminal(payload: bytes) -> None:
    board = Board("moodcast")
    board.take(f"{ROOT}/availability", b"online", 0.0)
    for tail in TAILS[1:]:
        board.take(f"{ROOT}/{tail}", payload, 0.0)
    view = board.units["kiosk-7f3a"]
    assert all(text.isprintable() for text in screen(view, 1.0))
    assert all(line(view, tail).isprintable() for tail in view.said)


def test_other_topics_are_left_out() -> None:
    board = Board("a/b")
    assert board.take("other/kiosk/state", b"{}", 0.0) is None
    assert board.take("a/b/kiosk/secret", b"{}", 0.0) is None
    assert board.take("a/b/kiosk/availability", b"online", 0.0) is not None
    assert list(board.units) == ["kiosk"]


def test_bars() -> None:
    assert (bar(0.0), bar(1.0), bar(7.0)) == ("." * 20, "#" * 20, "#" * 20)
    assert bar(0.5) == "#" * 10 + "." * 10


def test_once_shows_a_running_unit_and_ends(
    broker: Mosquitto, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration(tmp_path, broker.port)
    with Integrator(broker.port) as integrator, Daemon(config):
        assert integrator.says(TOPICS.state, "running", 20)
        assert cli.main(["monitor", "--config", str(config), "--once"]) == 0
        out = capsys.readouterr().out
        assert "kiosk-7f3a  online" in out
        assert "running" in out
        assert "frames/s" in out
        assert re.search(r"^emotion", out, re.M)
        assert cli.main(["monitor", "--config", str(config), "--once", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["kiosk-7f3a"]["state"]["state"] == "running"
        assert not [g for g in integrator.got if "monitor" in g.topic and g.retained]
    time.sleep(0.2)
    assert cli.main(["monitor", "--config", str(config), "--unit", "nobody", "--once"]) == 1
    assert "no unit heard" in capsys.readouterr().err


def test_once_without_a_broker_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["monitor", "--config", str(configuration(tmp_path, free_port())), "--once"]) == 1
    err = capsys.readouterr().err
    assert "refused" in err
    assert "mqtt.host" in err


def start(config: Path, *more: str, stdout: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "edge.cli", "monitor", "--config", str(config), *more]
    return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, env={**os.environ, "COLUMNS": "100"})


def test_in_a_pipe_each_message_is_a_line(broker: Mosquitto, tmp_path: Path) -> None:
    config = configuration(tmp_path, broker.port)
    out = tmp_path / "lines"
    with Integrator(broker.port) as integrator, out.open("wb") as file:
        process = start(config, "--json", stdout=file.fileno())
        try:
            assert eventually(lambda: broker.connects("moodcast-monitor") == 1, 10)
            time.sleep(0.3)
            integrator.publish(TOPICS.state, '{"state": "running", "reason": ""}')
            integrator.publish(TOPICS.availability, "online")
            assert eventually(lambda: out.read_bytes().count(b"\n") == 2)
        finally:
            process.terminate()
            process.communicate()
    told = [json.loads(text) for text in out.read_text().splitlines()]
    assert [(t["unit"], t["topic"]) for t in told] == [("kiosk-7f3a", "state"), ("kiosk-7f3a", "availability")]
    assert told[0]["payload"]["state"] == "running"


def test_in_a_terminal_it_redraws_and_gives_the_screen_back(broker: Mosquitto, tmp_path: Path) -> None:
    config = configuration(tmp_path, broker.port)
    far, near = pty.openpty()
    seen = b""
    with Integrator(broker.port) as integrator:
        integrator.publish(TOPICS.availability, "online", retain=True)
        process = start(config, stdout=near)
        os.close(near)
        try:
            end_s = time.monotonic() + 10
            while b"kiosk-7f3a  online" not in seen and time.monotonic() < end_s:
                seen += os.read(far, 65536)
            process.send_signal(2)
            while process.poll() is None:
                seen += os.read(far, 65536)
        except OSError:
            pass  # the other end is closed
        finally:
            process.wait(5)
            assert process.stderr is not None
            error = process.stderr.read()
            process.stderr.close()
            os.close(far)
    assert b"kiosk-7f3a  online" in seen
    assert b"\x1b[?1049h" in seen
    assert (process.returncode, error) == (0, b"")
