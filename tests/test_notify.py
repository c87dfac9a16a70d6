"""sd_notify against a socket that stands for systemd's."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edge.notify import Notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_messages_reach_the_service_manager(tmp_path: Path, abstract: bool) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = f"@moodcast-test-{tmp_path.name}" if abstract else str(tmp_path / "notify")
        manager.bind("\0" + name[1:] if abstract else name)
        notifier = Notifier(name)
        notifier.ready()
        notifier.status("running")
        notifier.watchdog()
        notifier.stopping()
        got = [manager.recv(100).decode() for _ in range(4)]
    assert got == ["READY=1", "STATUS=running", "WATCHDOG=1", "STOPPING=1"]


def test_without_systemd_nothing_happens() -> None:
    Notifier("").ready()


def test_a_manager_that_went_away_is_no_fault(tmp_path: Path) -> None:
    Notifier(str(tmp_path / "gone")).watchdog()
