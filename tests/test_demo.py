"""``moodcast demo``: the whole product with nothing at hand."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.commands.demo import camera_keys
from edge.errors import ConfigError

DEMO = [sys.executable, "-m", "edge.cli", "demo"]


def test_the_summary_of_a_short_run() -> None:
    done = subprocess.run([*DEMO, "--seconds", "10", "--json"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert {"neutral", "happy"} <= set(summary["emotions"])
    assert summary["script_accuracy"] > 0.5
    assert {e["event_type"] for e in summary["events"]} >= {"start", "end"}
    assert summary["recommendations"]
    assert all(r["reason"] for r in summary["recommendations"])


def test_ctrl_c_ends_it_with_a_summary_and_leaves_nothing_behind() -> None:
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith("page: http://127.0.0.1:")
        assert "camera online" in demo.stdout.readline()
        time.sleep(2.0)
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=15)
    assert demo.returncode == 0, err
    assert "right for" in out
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("word", "source"),
    [("demo", "demo"), ("0", "v4l2"), ("/dev/video2", "v4l2"), ("rtsp://cam/1", "video"), ("picamera2", "picamera2")],
)
def test_words_for_the_camera(word: str, source: str) -> None:
    assert camera_keys(word)["source"] == source


def test_files_and_folders_for_the_camera(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    assert camera_keys(str(tmp_path / "a.mp4"))["source"] == "video"
    assert camera_keys(str(tmp_path))["source"] == "images"
    with pytest.raises(ConfigError, match="no such file"):
        camera_keys("nosuch")
