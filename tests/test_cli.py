"""The command line: every command is there, errors name what to do, and exit statuses are kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge import cli
from edge.core.people import PeopleSettings

CLIP = Path(cli.__file__).parent / "camera" / "demo.mp4"


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([command, "--help"])
    assert end.value.code == 0
    assert "usage: moodcast " + command in capsys.readouterr().out


def test_an_unknown_command_is_refused_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["dance"])
    assert end.value.code == 2
    assert "analyze" in capsys.readouterr().err


def test_an_expected_error_is_one_line_and_its_exit_status(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["replay", str(tmp_path / "none.jsonl")]) == 1
    err = capsys.readouterr().err
    assert err.startswith("moodcast replay: ")
    assert "none.jsonl" in err
    assert "Traceback" not in err


def test_a_bug_keeps_its_traceback_and_gives_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def bug(_argv: object = None) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "main", bug)
    with pytest.raises(SystemExit) as end:
        cli.console()
    assert end.value.code == 70
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    trace = Path(__file__).parent / "golden" / "demo.trace.jsonl"
    command = f"{sys.executable} -m edge.cli replay {trace} --explain | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "holds" in done.stdout


def test_replay_explains_why(capsys: pytest.CaptureFixture[str]) -> None:
    trace = Path(__file__).parent / "golden" / "flicker.trace.jsonl"
    assert cli.main(["replay", str(trace), "--explain"]) == 0
    text = capsys.readouterr().out
    trigger = PeopleSettings().trigger
    assert f"enter {trigger.enter:.2f} leave {trigger.leave:.2f}" in text
    assert "waits" in text
    assert "fades" in text
    assert "start" in text
