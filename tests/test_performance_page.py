"""docs/performance.md says what was measured: its tables are those of docs/performance.json."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from measure_performance import NUMBERS, PAGE, PICTURE, SECTIONS, rewritten  # noqa: E402
from performance_estimate import BOARDS, board_ms  # noqa: E402


def told() -> dict[str, object]:
    return json.loads(NUMBERS.read_text())


def test_the_page_is_what_was_measured() -> None:
    assert rewritten(PAGE.read_text(), told()) == PAGE.read_text(), "run tools/measure_performance.py --tables-only"
    assert PICTURE.is_file()


def test_a_missing_marker_is_named() -> None:
    with pytest.raises(SystemExit, match="markers of `machine` are missing"):
        rewritten("# nothing", told())
    marked = PAGE.read_text().split("<!-- measured: ")[1:]
    assert set(SECTIONS) == {part.split(" -->")[0] for part in marked}


def test_estimates_are_labelled_and_ordered() -> None:
    counts = told()["instructions"]
    for board in BOARDS:
        low, high = board_ms(board, counts)
        assert 0 < low < high
    assert "Estimates, not measurements" in PAGE.read_text()


def test_the_counting_program_is_sound() -> None:
    done = subprocess.run(["bash", "-n", str(ROOT / "tools/count-instructions")], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
