"""Runs the doctor with the rights of the installed service: its user, folders, devices and filter of system calls.

What works for root on the command line may be closed to the service, and the other way round.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge.doctor.check import Check

UNIT = "moodcast-sense.service"
INSIDE = "--inside-the-sandbox"
"""Given to the doctor in there, so that it does not go in again."""
_OF_THE_SERVICE = ("Type", "NotifyAccess", "Exec", "Restart", "Timeout", "Watchdog", "KillMode", "OOMScoreAdjust")
"""Beginnings of settings that are about the daemon as a service, not about its rights."""
_WAIT_S = 90.0

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def rights(unit_text: str) -> list[str]:
    """``KEY=VALUE`` of the section ``[Service]`` (``systemctl cat``: the unit and its drop-ins, in order) that give or
    take rights."""
    found, section = [], ""
    for line in unit_text.replace("\\\n", " ").splitlines():
        text = line.strip()
        if text.startswith("["):
            section = text
        elif section == "[Service]" and "=" in text and not text.startswith(("#", ";", *_OF_THE_SERVICE)):
            found.append(text)
    return found


def run_inside(arguments: Sequence[str], *, run: Run | None = None) -> list[Check] | str:
    """The checks as ``moodcast doctor ARGUMENTS --json`` finds them inside, or why that was not possible."""
    start = run or _run
    try:
        if run is None and not (shutil.which("systemd-run") and Path("/run/systemd/system").is_dir()):
            return "systemd does not run here"
        unit = start(["systemctl", "cat", UNIT])
        if unit.returncode != 0:
            return f"{UNIT} is not installed"
        # The installed command, not this one: the service may not be allowed to read a checkout.
        program = _program(unit.stdout)
        options = [option for right in rights(unit.stdout) for option in ("-p", right)]
        systemd_run = ["systemd-run", "--quiet", "--collect", "--pipe", "--wait", *options, "--"]
        done = start([*systemd_run, program, "doctor", *arguments, "--json", INSIDE])
        return [Check(**check) for check in json.loads(done.stdout)["checks"]]
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    except (ValueError, KeyError, TypeError):
        return f"the sandbox gave no answer: {(done.stderr.strip() or 'no message')[-300:]}"


def _program(unit_text: str) -> str:
    starts = [line.strip().removeprefix("ExecStart=") for line in unit_text.splitlines() if "ExecStart=" in line]
    return starts[-1].split()[0] if starts and starts[-1] else "moodcast"


def _run(command: Sequence[str]) -> Any:
    return subprocess.run(command, capture_output=True, text=True, timeout=_WAIT_S, check=False)  # noqa: S603
