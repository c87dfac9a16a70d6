"""State on disk, by what goes wrong with it."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.store import StateFile, write_atomic

ROOT = Path(__file__).resolve().parent.parent


def test_saves_and_loads(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "made" / "state.json")
    assert state.load() == {}
    state.save({"paused": True, "starts": 3, "name": "Käse"})
    assert StateFile(state.path).load() == {"paused": True, "starts": 3, "name": "Käse"}
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o600
    assert [p.name for p in state.path.parent.iterdir()] == ["state.json"]
    assert not state.doubtful


@pytest.mark.parametrize(
    "content",
    [b"", b'{"paused": tr', b"\0" * 512, b"\xff\xfe", b"[1]", b"null", b"[" * 100_000, b'{"a": "' + b"x" * 1_000_000],
    ids=["empty", "torn", "zeros", "not utf-8", "list", "null", "deep", "huge"],
)
def test_starts_when_state_is_corrupt(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    state = StateFile(path)
    with caplog.at_level(logging.WARNING):
        assert state.load() == {}
    assert state.doubtful
    assert "corrupt" in caplog.text
    assert (tmp_path / "state.json.corrupt-1").read_bytes() == content  # nothing is lost
    state.save({"a": 1})
    assert state.load() == {"a": 1}


def test_keeps_one_corrupt_file(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.json")
    for n in range(3):
        state.path.write_text(f"broken {n}")
        state.load()
    assert [p.name for p in tmp_path.iterdir()] == ["state.json.corrupt-3"]
    assert (tmp_path / "state.json.corrupt-3").read_text() == "broken 2"


def test_starts_when_state_cannot_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = StateFile(tmp_path / "state.json")
    state.path.mkdir()  # for root too, a folder cannot be read as a file
    assert state.load() == {}
    assert state.doubtful
    assert "cannot be read" in caplog.text


def test_starts_when_corrupt_state_cannot_be_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    state = StateFile(tmp_path / "state.json")
    state.path.write_text("{")
    monkeypatch.setattr(Path, "rename", _fails_with(errno.EROFS))
    assert state.load() == {}
    assert "cannot be set aside" in caplog.text


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_old_state_stays_when_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    state = StateFile(tmp_path / "state.json")
    state.save({"n": 1})
    with monkeypatch.context() as patch:
        patch.setattr(Path if call == "replace" else os, call, _fails_with(errno.ENOSPC))
        with pytest.raises(OSError, match="No space left"):
            state.save({"n": 2})
    assert state.load() == {"n": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]  # no half-written file fills the disk further


def test_old_state_stays_when_a_file_may_not_grow(tmp_path: Path) -> None:
    """A real refusal by the kernel, in a child: files of more than 4096 bytes cannot be written."""
    path = tmp_path / "state.json"
    StateFile(path).save({"n": 1})
    code = (
        "import resource, signal, sys; from pathlib import Path; from edge.store import StateFile\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: StateFile(Path(sys.argv[1])).save({'n': 'x' * 10_000})\n"
        "except OSError as error: print(error.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(errno.EFBIG)
    assert StateFile(path).load() == {"n": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]


def test_killed_in_the_middle_of_a_write(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    code = (
        "import itertools, sys; from pathlib import Path; from edge.store import StateFile\n"
        "state = StateFile(Path(sys.argv[1]))\n"
        "for n in itertools.count(): state.save({'n': n, 'again': n, 'pad': 'x' * 200_000})\n"
    )
    for run in range(5):
        path.unlink(missing_ok=True)
        child = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT)
        try:
            deadline_s = time.monotonic() + 30
            while not path.exists() and time.monotonic() < deadline_s:
                time.sleep(0.01)
            time.sleep(0.02 + 0.013 * run)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
        state = json.loads(path.read_bytes())
        assert state["n"] == state["again"]
        assert len(state["pad"]) == 200_000
        assert StateFile(path).load() == state
        assert [p.name for p in tmp_path.iterdir()] == ["state.json"]  # what the dead process left is cleared away


def test_syncs_file_before_rename_and_folder_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_fsync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        order.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomic(tmp_path / "x", b"data")
    assert order == ["file", "rename", "folder"]


def test_refuses_what_json_cannot_hold(tmp_path: Path) -> None:
    state = StateFile(tmp_path / "state.json")
    with pytest.raises(ValueError, match="JSON"):
        state.save({"x": float("nan")})
    assert not state.path.exists()


def _fails_with(number: int) -> object:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail
