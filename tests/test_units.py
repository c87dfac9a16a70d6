"""The units of systemd: accepted by systemd itself, tight, and yet wide enough for what the daemons really do."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT
from tests.daemon import configuration
from tests.journal import FakeJournal, missing
from tests.mosquitto import Mosquitto, Recorder, eventually, free_port

UNITS = ROOT / "systemd"
SERVICES = ["moodcast-sense", "moodcast-companion", "moodcast-kiosk"]
DAEMONS = SERVICES[:2]
EXPOSURE_MAX = 1.7
"""Of systemd-analyze security, from 0 (tight) to 10. Distributions' own units of such daemons stand at 9."""


def needs(program: str, package: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"needs {program} (apt install {package}), which is not here")


def settings(name: str) -> list[tuple[str, str]]:
    """Key and value of every line of a unit, in order."""
    lines = (UNITS / f"{name}.service").read_text().splitlines()
    return [(k, v) for k, _, v in (line.partition("=") for line in lines if re.match(r"[A-Z]\w*=", line))]


def values(name: str, key: str) -> list[str]:
    return [value for found, value in settings(name) if found == key]


@pytest.mark.parametrize("name", [*SERVICES, "moodcast-hours"])
def test_systemd_accepts_the_unit(name: str, tmp_path: Path) -> None:
    needs("systemd-analyze", "systemd")
    for path in UNITS.glob("moodcast-*.*"):
        # What tools/install puts below /opt is not here; everything else is checked as it stands.
        text = re.sub(r"^(Exec\w+=)/opt/moodcast/\S+", r"\1/bin/true", path.read_text(), flags=re.MULTILINE)
        text = text.replace("Requires=seatd.service\n", "")  # installed by tools/install --kiosk
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / f"{name}.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if "moodcast" in line]
    assert (done.returncode, said) == (0, [])


@pytest.mark.parametrize("name", SERVICES)
def test_exposure_stays_below_the_gate(name: str) -> None:
    needs("systemd-analyze", "systemd")
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true"]
    command += [f"--threshold={EXPOSURE_MAX * 10:.0f}", str(UNITS / f"{name}.service")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    level = re.search(r"exposure level .*: ([\d.]+)", done.stdout)
    assert level, done.stdout + done.stderr
    assert done.returncode == 0
    assert float(level[1]) <= EXPOSURE_MAX


@pytest.mark.parametrize("name", SERVICES)
def test_unit_is_watched_and_comes_back(name: str) -> None:
    for key, wanted in (("Type", "notify"), ("Restart", "always"), ("RestartPreventExitStatus", "78")):
        assert values(name, key) == [wanted]
    assert values(name, "WatchdogSec")
    assert values(name, "NotifyAccess") == ["main"]
    assert values(name, "StartLimitIntervalSec") == ["0"]


@pytest.mark.parametrize("name", SERVICES)
def test_inference_can_read_cpuinfo(name: str) -> None:
    assert not values(name, "ProcSubset")  # LiteRT's cpuinfo, OpenCV and OpenBLAS read /proc/cpuinfo


@pytest.mark.parametrize("name", DAEMONS)
def test_clock_can_be_read(name: str) -> None:
    assert not values(name, "ProtectClock")  # it forbids adjtimex(2), and with it `clock: synced`
    assert {"adjtimex", "clock_adjtime"} <= allowed_calls(name)


def test_camera_opens_and_each_device_has_its_reason() -> None:
    lines = (UNITS / "moodcast-sense.service").read_text().splitlines()
    allowed = {line: before for before, line in itertools.pairwise(lines) if line.startswith("DeviceAllow=")}
    assert set(allowed) == {f"DeviceAllow=char-{kind} rw" for kind in ("video4linux", "media", "dma_heap")}
    assert all(reason.startswith("# /dev/") for reason in allowed.values())
    assert values("moodcast-sense", "DevicePolicy") == ["closed"]
    assert not values("moodcast-sense", "PrivateDevices")


# --- system calls ----------------------------------------------------------------------------------------------------


def _groups() -> dict[str, set[str]]:
    """Every group of system calls that systemd knows, with the groups within it."""
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True, check=True
    )
    groups: dict[str, set[str]] = {}
    name = ""
    for line in listed.stdout.splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = set()
        elif line.startswith("    ") and not line.strip().startswith("#") and name:
            groups[name].add(line.strip())
    return groups


def _expand(names: str, groups: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    for name in names.split():
        found |= _expand(" ".join(groups[name]), groups) if name.startswith("@") else {name}
    return found


def allowed_calls(name: str) -> set[str]:
    """System calls that the unit's filter lets through: its lines in order, `~` takes away."""
    needs("systemd-analyze", "systemd")
    groups = _groups()
    allowed = _expand("@default", groups)  # always added to an allow list
    for line in values(name, "SystemCallFilter"):
        calls = _expand(line.removeprefix("~"), groups)
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def _read_trace(path: Path) -> tuple[set[str], list[str]]:
    """Names of the calls in strace's file, and those that asked for memory both writable and executable."""
    calls: set[str] = set()
    executable: list[str] = []
    with path.open(errors="replace") as log:
        for line in log:
            match = re.match(r"\d+\s+(?:<\.\.\. )?(\w+)(?:\(| resumed)", line)
            if match:
                calls.add(match[1])
            forbidden = "PROT_EXEC" in line and ("PROT_WRITE" in line or "mprotect" in line)
            if forbidden and "= -1" not in line:
                executable.append(line.strip())
    return calls, executable


class Traced:
    """A daemon under strace: what it called, and whether it ever asked for memory that is writable and executable."""

    def __init__(self, command: str, config: Path, journal: FakeJournal | None) -> None:
        """``journal`` None: it logs to standard error."""
        self._log = config.parent / f"{command}.strace"
        program = [
            *("strace", "-f", "-qq", "-s", "0", "-e", "signal=none", "-o", str(self._log)),
            *(sys.executable, "-m", "edge.cli", command, "--config", str(config)),
        ]
        with (config.parent / f"{command}.stderr").open("wb") as stderr:
            env = {**(dict(os.environ) if journal is None else journal.environment(stderr)), "NOTIFY_SOCKET": ""}
            self._process = subprocess.Popen(
                program if journal is None else journal.command(program), env=env, stderr=stderr
            )

    def end(self) -> tuple[set[str], list[str]]:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGTERM)
        assert self._process.wait(20) == 0
        return _read_trace(self._log)


@pytest.mark.timeout(180)
def test_daemons_stay_within_their_filters(tmp_path: Path) -> None:
    """Both daemons over the bundled clip with a real broker, logging to a stand-in for the journal where that can be.
    strace's run is slow, so both go at the same time."""
    needs("strace", "strace")
    needs("systemd-analyze", "systemd")
    with Mosquitto(tmp_path) as broker, contextlib.ExitStack() as stack:
        journal = None if missing() else stack.enter_context(FakeJournal(tmp_path / "journal"))
        port = free_port()
        config = configuration(tmp_path, broker.port, kiosk={"port": port}, mqtt={"port": broker.port, "health_s": 2.0})
        with Recorder(broker.port) as recorder:
            sense, companion = Traced("sense", config, journal), Traced("companion", config, journal)
            try:
                met = recorder.wait_for(
                    lambda r: (
                        any("happy" in g.text for g in r.of("moodcast/kiosk-7f3a/event"))
                        and len(r.of("moodcast/kiosk-7f3a/health")) > 1
                        and bool(r.of("moodcast/kiosk-7f3a/recommendation"))
                    ),
                    90,
                )
            finally:
                done = {"moodcast-sense": sense.end(), "moodcast-companion": companion.end()}
            assert met, {g.topic for g in recorder.got}
            assert journal is None or journal.entries(), "nothing was logged"
    for name, (calls, executable) in done.items():
        assert len(calls) > 40, f"{name}: strace saw too little"
        assert calls - allowed_calls(name) == set(), name
        assert executable == [], f"{name}: MemoryDenyWriteExecute= would forbid this"


@pytest.mark.timeout(180)
def test_browser_shows_a_page_within_its_filter(tmp_path: Path) -> None:
    """Chromium with the helper's flags, without a screen."""
    needs("strace", "strace")
    needs("chromium", "chromium")
    page = tmp_path / "page.html"
    page.write_text("<script>document.documentElement.lang = 'r' + 6 * 7</script>")
    flags = [flag for flag in program("moodcast-kiosk").FLAGS if flag not in ("--kiosk", "--ozone-platform=wayland")]
    log = tmp_path / "browser.strace"
    done = subprocess.run(
        [
            *("strace", "-f", "-qq", "-s", "0", "-e", "signal=none", "-o", str(log)),
            *("chromium", "--headless", "--disable-gpu", "--no-sandbox", "--test-type", *flags),
            *(f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=500", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'lang="r42"' in done.stdout, done.stderr[-2000:]
    calls, executable = _read_trace(log)
    assert calls - allowed_calls("moodcast-kiosk") == set()
    assert executable == [], "MemoryDenyWriteExecute= would forbid this"


# --- the kiosk's helper ----------------------------------------------------------------------------------------------


class Page:
    """Stands for the companion: answers /healthz and says how many pages are open."""

    def __init__(self) -> None:
        self.port = free_port()
        self.clients = 1

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"ok": True, "page": {"clients": page.clients}}).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@contextlib.contextmanager
def kiosk(folder: Path, page: Page, browser: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """The helper with a stand-in for the browser that writes its arguments to `started`, a line each time."""
    program = folder / "browser"
    program.write_text(f'#!/bin/sh\necho "$@" >>{folder}/started\n{browser}\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "MOODCAST_PAGE": f"http://127.0.0.1:{page.port}/",
        "MOODCAST_BROWSER": str(program),
        "MOODCAST_TICK_S": "0.05",
        "RUNTIME_DIRECTORY": str(folder),
        **env,
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(UNITS / "moodcast-kiosk"), "--desktop"], stderr=log, env=environment
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(10)


def starts(folder: Path) -> int:
    path = folder / "started"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_kiosk_waits_for_the_page(tmp_path: Path) -> None:
    page = Page()
    with kiosk(tmp_path, page, "sleep 60"):
        time.sleep(0.5)
        assert starts(tmp_path) == 0
        with page.answering():
            assert eventually(lambda: starts(tmp_path) == 1)
    flags = (tmp_path / "started").read_text()
    assert f"--user-data-dir={tmp_path}/browser" in flags
    assert "--kiosk" in flags
    assert "--no-sandbox" not in flags  # that is for the unit alone


def test_kiosk_starts_the_browser_again_for_ever(tmp_path: Path) -> None:
    page = Page()
    with page.answering(), kiosk(tmp_path, page, "exit 3"):
        assert eventually(lambda: starts(tmp_path) >= 4, 15)
    assert "ended with status 3" in (tmp_path / "log").read_text()


def test_kiosk_ends_a_browser_that_shows_no_page(tmp_path: Path) -> None:
    page = Page()
    page.clients = 0
    with page.answering(), kiosk(tmp_path, page, "sleep 60"):
        assert eventually(lambda: starts(tmp_path) >= 2, 15)
    assert "showed no page" in (tmp_path / "log").read_text()


def test_kiosk_feeds_the_watchdog_and_leaves_nothing_behind(tmp_path: Path) -> None:
    page = Page()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        with page.answering(), kiosk(tmp_path, page, "sleep 61.25", NOTIFY_SOCKET=str(tmp_path / "notify")) as process:
            heard = [manager.recv(100).decode() for _ in range(4)]
            assert eventually(lambda: starts(tmp_path) == 1)
            process.terminate()
            assert process.wait(10) == 0
    assert heard[0] == "READY=1"
    assert "WATCHDOG=1" in heard
    left = [p for p in Path("/proc").glob("[0-9]*/cmdline") if _command(p) == b"sleep\x0061.25\x00"]
    assert left == []


def _command(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""


def test_kiosk_without_a_browser_says_what_to_install(tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path), "MOODCAST_PAGE": "http://127.0.0.1:1/"}
    command = [sys.executable, str(UNITS / "moodcast-kiosk"), "--desktop"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "apt-get install chromium" in done.stderr


# --- opening hours ---------------------------------------------------------------------------------------------------


def program(name: str) -> ModuleType:
    """One of the programs beside the units, as a module."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(UNITS / name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, kept = True, sys.dont_write_bytecode
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = kept
    return module


@pytest.fixture(scope="module")
def hours() -> ModuleType:
    return program("moodcast-hours")


MONDAY = datetime(2026, 11, 16)


@pytest.mark.parametrize(
    ("text", "moment", "opened"),
    [
        ("", MONDAY.replace(hour=3), True),
        ("Mon-Fri 09:00-18:30", MONDAY.replace(hour=9), True),
        ("Mon-Fri 09:00-18:30", MONDAY.replace(hour=8, minute=59), False),
        ("Mon-Fri 09:00-18:30", MONDAY.replace(hour=18, minute=30), False),
        ("Mon-Fri 09:00-18:30  # shop", MONDAY.replace(day=21, hour=12), False),
        ("Sat,Sun 10:00-16:00", MONDAY.replace(day=22, hour=12), True),
        ("Fri-Mon 20:00-24:00\nSat-Tue 00:00-02:00", MONDAY.replace(hour=1), True),
        ("Fri-Mon 20:00-24:00\nSat-Tue 00:00-02:00", MONDAY.replace(day=17, hour=23), False),
    ],
)
def test_hours_say_when_it_is_open(hours: ModuleType, text: str, moment: datetime, opened: bool) -> None:
    assert hours.is_open(hours.parse(text), moment) is opened


@pytest.mark.parametrize("text", ["Mon 9-18", "Moon 09:00-18:00", "Mon 18:00-09:00", "Mon 09:00-25:00", "09:00-18:00"])
def test_hours_that_are_wrong_are_named_with_their_line(hours: ModuleType, text: str) -> None:
    with pytest.raises(ValueError, match="line 2: "):
        hours.parse(f"# open\n{text}\n")


def test_timer_wakes_at_each_change(hours: ModuleType) -> None:
    needs("systemd-analyze", "systemd")
    lines = hours.timer_lines(hours.parse("Sat,Sun 10:00-24:00")).splitlines()
    assert lines == [
        "[Timer]",
        *("OnCalendar=Sat 10:00:00", "OnCalendar=Sun 00:00:00", "OnCalendar=Sun 10:00:00", "OnCalendar=Mon 00:00:00"),
    ]
    for line in lines[1:]:
        subprocess.run(["systemd-analyze", "calendar", line.partition("=")[2]], check=True, stdout=subprocess.DEVNULL)
