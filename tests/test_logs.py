"""Where the log goes: the journal through python3-systemd under systemd, standard error everywhere else."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from edge.logs import BURST, IDENTIFIER, destination, journal_handler, journal_module
from tests.daemon import configuration
from tests.journal import FakeJournal, needs_journal
from tests.mosquitto import eventually

PASSWORD = "correct-horse"
LINES = f"""
import logging, sys
from edge.logs import destination, set_up_log
set_up_log("info", lambda text: text.replace({PASSWORD!r}, "***"))
log = logging.getLogger("edge.try")
for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
    log.log(level, "level %d", level)
log.warning("login %s\\nwith %s", "me", {PASSWORD!r}, extra={{"hint": {PASSWORD!r}}})
try:
    raise ValueError({PASSWORD!r})
except ValueError:
    log.exception("it broke")
for n in range(30):
    log.info("turn %d", n)
print(destination())
"""


def told(text: str, env: Mapping[str, str], command: list[str], stderr: Any) -> str:
    """Runs the lines above; what they say of the log's destination."""
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=stderr, text=True, check=True)
    return done.stdout.strip()


# --- the real python3-systemd against a socket in the journal's place ------------------------------------------------


def test_lines_reach_the_journal_with_priorities_and_without_secrets(tmp_path: Path) -> None:
    needs_journal()
    with FakeJournal(tmp_path / "journal") as journal, (tmp_path / "stderr").open("wb") as stderr:
        command = journal.command([sys.executable, "-c", LINES])
        assert told(LINES, journal.environment(stderr), command, stderr) == "journal"
        entries = journal.entries()
    assert (tmp_path / "stderr").read_bytes() == b""
    by_level = {e["MESSAGE"]: e["PRIORITY"] for e in entries if "level" in e["MESSAGE"]}
    assert by_level == {  # syslog(3): 6 informational, 4 warning, 3 error, 2 critical; debug is below the wanted level
        "INFO edge.try: level 20": "6",
        "WARNING edge.try: level 30": "4",
        "ERROR edge.try: level 40": "3",
        "CRITICAL edge.try: level 50": "2",
    }
    assert {(e["SYSLOG_IDENTIFIER"], e["LOGGER"]) for e in entries} == {(IDENTIFIER, "edge.try")}
    assert "WARNING edge.try: login me\nwith ***" in [e["MESSAGE"] for e in entries]
    broke = next(e["MESSAGE"] for e in entries if "it broke" in e["MESSAGE"])
    assert "Traceback" in broke
    assert broke.endswith("ValueError: ***")
    assert PASSWORD not in str(entries), "also in no other field: arguments, exception, extra"
    assert len([e for e in entries if "turn" in e["MESSAGE"]]) == BURST


def test_daemon_logs_its_changes_to_the_journal(tmp_path: Path) -> None:
    needs_journal()
    config = configuration(tmp_path, 1)  # no broker there: a warning
    command = [sys.executable, "-m", "edge.cli", "sense", "--config", str(config)]
    with FakeJournal(tmp_path / "journal") as journal, (tmp_path / "stderr").open("wb") as stderr:
        process = subprocess.Popen(journal.command(command), env=journal.environment(stderr), stderr=stderr)
        try:

            def warned() -> bool:
                return any(e["PRIORITY"] == "4" and "MQTT broker" in e["MESSAGE"] for e in journal.entries())

            assert eventually(warned, 60), journal.entries()
        finally:
            process.terminate()
            process.wait(10)
    assert "MQTT" not in (tmp_path / "stderr").read_text(), "a line twice: there and in the journal"


def test_journal_that_is_away_stops_nothing(tmp_path: Path) -> None:
    needs_journal()
    with FakeJournal(tmp_path / "journal") as journal, (tmp_path / "stderr").open("wb") as stderr:
        (tmp_path / "journal" / "socket").unlink()
        command = journal.command([sys.executable, "-c", LINES])
        assert told(LINES, journal.environment(stderr), command, stderr) == "journal"


# --- standard error --------------------------------------------------------------------------------------------------


def test_without_systemd_lines_go_to_standard_error_without_secrets() -> None:
    env = {name: value for name, value in os.environ.items() if name != "JOURNAL_STREAM"}
    done = subprocess.run([sys.executable, "-c", LINES], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "stderr\n"
    assert "WARNING edge.try: login me\nwith ***\n" in done.stderr
    assert "ValueError: ***" in done.stderr
    assert PASSWORD not in done.stderr
    assert done.stderr.count("turn") == BURST


class Handler(logging.Handler):
    """Stands for JournalHandler."""

    def __init__(self, sender_function: Callable[..., None], **fields: str) -> None:
        super().__init__()


def stand_in() -> ModuleType:
    return cast(ModuleType, SimpleNamespace(JournalHandler=Handler, send=lambda *_, **__: None))


@pytest.mark.parametrize(
    ("stream_of", "module", "taken"),
    [
        ("stderr", stand_in, True),
        ("stderr", lambda: None, False),  # python3-systemd is not installed
        ("another", stand_in, False),  # standard error was redirected after systemd had connected it
        ("none", stand_in, False),
    ],
)
def test_journal_is_taken_where_standard_error_leads_there(
    stream_of: str, module: Callable[[], ModuleType | None], taken: bool, tmp_path: Path
) -> None:
    with (tmp_path / "stderr").open("w") as stderr, (tmp_path / "another").open("w") as another:
        found = os.fstat({"stderr": stderr, "another": another, "none": stderr}[stream_of].fileno())
        environ = {} if stream_of == "none" else {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert (journal_handler(environ, stderr, module) is not None) is taken


def test_stream_without_a_descriptor_is_no_journal() -> None:
    assert journal_handler({"JOURNAL_STREAM": "1:2"}, io.StringIO(), stand_in) is None


def test_missing_package_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "systemd.journal", None)  # as if it could not be imported
    assert journal_module() is None
    assert destination() == "stderr"
