"""tools/install without a device: its decisions, its parts, and the trap of the two numpys.

The whole way, with a real Debian root, is tools/install-check; it takes ten minutes and is not part of this.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import struct
import subprocess
import sys
import time
import venv
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from edge.config.file import load_config
from tests.conftest import ROOT
from tests.mosquitto import Mosquitto, Recorder, free_port
from tests.numpy_trap import SIZE_CHANGED, SYSTEM_NUMPY, make_system, make_wheels

PARTS = ROOT / "tools" / "install.d"


def part(name: str) -> ModuleType:
    """One of the installer's programs, as a module."""
    spec = importlib.util.spec_from_file_location(f"install_{name}", PARTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


constraints, cursor, settings, is_local = part("constraints"), part("cursor"), part("settings"), part("is_local")
QUIET = """
say() { :; }; step() { :; }; act() { echo "$@"; }; touches() { :; }; stop() { echo "$*" >&2; exit 1; }
place() { echo place "$2" "$3"; }; link() { echo link "$@"; }
dry=yes l4t=0 picamera2=no kiosk=no desktop='' speaker='' broker='' wheels='' hours='' journal=yes python=3.11
"""
"""The installer's own functions and variables that its parts use; they print what they would do."""


def bash(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs lines of bash with the installer's functions at hand."""
    parts = "".join(f'. "{PARTS}/{name}.sh"; ' for name in ("platform", "environment", "settings", "units"))
    sourced = f"{parts}{script}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", sourced],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **env},
    )


# --- where it installs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        ("arm64 bookworm 0 2.36 3.11", ""),
        ("arm64 trixie 0 2.41 3.13", ""),
        ("amd64 bookworm 0 2.36 3.11", ""),
        ("arm64 jammy 36 2.35 3.10", ""),
        ("arm64 noble 38 2.39 3.12", ""),
        ("armhf bookworm 0 2.36 3.11", "32-bit (armhf)"),
        ("i386 bookworm 0 2.36 3.11", "32-bit (i386)"),
        ("arm64 bullseye 0 2.31 3.9", "Bullseye"),
        ("arm64 focal 35 2.31 3.8", "JetPack 5"),
        ("arm64 unknown 0 2.33 3.11", "glibc 2.33"),
        ("arm64 unknown 0 2.36 3.9", "Python 3.9"),
        ("arm64 sid 0 2.42 3.14", "Python 3.14"),
    ],
)
def test_machines_are_taken_or_refused_by_name(machine: str, words: str) -> None:
    done = bash(f"problem {machine}")
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
    assert bool(done.stdout) is bool(words)


def test_dry_run_says_everything_and_does_nothing() -> None:
    if shutil.which("dpkg") is None:
        pytest.skip("needs a Debian system (dpkg), which this is not")
    there = [Path("/opt/moodcast"), Path("/etc/moodcast")]
    before = [path.exists() for path in there]
    command = [str(ROOT / "tools" / "install"), "--dry-run", "--no-picamera2", "--broker", "broker.example"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 1 and "is installed; tools/install --upgrade" in done.stderr:
        pytest.skip("Moodcast is installed on this machine")
    assert done.returncode == 0, done.stderr
    assert [path.exists() for path in there] == before
    assert "would run: systemctl enable --quiet moodcast-sense.service" in done.stdout
    listed = done.stdout.partition("== touched")[2]
    for path in (
        "/opt/moodcast",
        "/etc/moodcast",
        "/etc/systemd/system/moodcast-sense.service",
        "/usr/local/bin/moodcast",
    ):
        assert f"  {path}\n" in listed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "bakery"], "there are moodcast, kiosk, vehicle"),
        (["--speaker", "x; rm"], "not the name of a card"),
        (["--broker", "a b"], "not a name or address"),
        (["--hours", "always"], "not like Mon-Fri 09:00-18:30"),
        (["--offline", "/nowhere"], "no such folder"),
        (["--rotation", "45"], "there are 0, 90, 180, 270"),
        (["--ready-seconds", "soon"], "not a number of seconds"),
        (["--colour"], "unknown option --colour"),
    ],
)
def test_wrong_options_are_refused(arguments: list[str], words: str) -> None:
    command = [str(ROOT / "tools" / "install"), "--dry-run", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert words in done.stderr


def test_jetpack_is_known_by_its_release_and_gets_what_its_cameras_need(tmp_path: Path) -> None:
    """With a description of the platform as NVIDIA writes it: no Jetson has been at this yet."""
    (tmp_path / "nv_tegra_release").write_text("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n")
    done = bash(f"l4t_release {tmp_path}/nv_tegra_release; l4t_release {tmp_path}/missing")
    assert done.stdout.split() == ["36", "0"]
    script = "l4t=36 units=/etc/systemd/system; needed_packages; link_journal /opt/x; install_units from"
    done = bash(f"{QUIET} etc={tmp_path} {script}")
    assert done.returncode == 0, done.stderr
    assert {"python3-gi", "gir1.2-gstreamer-1.0"} <= set(done.stdout.split())
    drop_in = "/etc/systemd/system/moodcast-sense.service.d/jetson.conf"
    assert f"place from/jetson.conf {drop_in}" in done.stdout
    assert "dist-packages/systemd" not in done.stdout, "the environment sees the system's packages already"


# --- python3-systemd -------------------------------------------------------------------------------------------------


def test_journals_module_is_linked_into_the_environment() -> None:
    done = bash(f"{QUIET} link_journal /opt/x")
    assert done.stdout == (
        "link /usr/lib/python3/dist-packages/systemd /opt/x/lib/python3.11/site-packages/systemd\n"
    ), done.stderr


@pytest.mark.parametrize(
    ("there", "status", "words"),
    [
        ("python3-venv", 0, ""),  # the log does without python3-systemd
        ("python3-systemd", 1, "apt-get install python3-venv"),
    ],
)
def test_without_a_network_only_what_is_needed_stops(there: str, status: int, words: str) -> None:
    script = f"""{QUIET} wheels=/wheels
installed() {{ [ "$1" = {there} ]; }}
install_packages; link_journal /opt/x"""
    done = bash(script)
    assert done.returncode == status
    assert words in done.stderr
    assert done.stdout == "", "nothing is installed, nothing linked"


def test_rotation_asked_for_later_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "kiosk.env").write_text("MOODCAST_ROTATION=0\n")
    done = bash(f"{QUIET} kiosk=yes rotation=270 etc={tmp_path}; systemd_running() {{ false; }}; set_up_kiosk")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"sed -i s/^MOODCAST_ROTATION=.*/MOODCAST_ROTATION=270/ {tmp_path}/kiosk.env\n"


# --- the broker's address --------------------------------------------------------------------------------------------

NETWORKS = is_local.allowed((ROOT / "systemd" / "moodcast-sense.service").read_text())


def known(host: str) -> list[str]:
    names = {"shop": ["192.168.1.9"], "both.example": ["2001:db8::7", "10.0.0.7"], "cloud.example": ["198.51.100.7"]}
    if host in names:
        return names[host]
    if host[0].isdigit() or ":" in host:
        return [host]
    raise OSError(host)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *[(h, True) for h in ("127.0.0.1", "::1", "192.168.0.1", "10.9.8.7", "172.31.0.1", "100.100.1.1", "fd12::1")],
        *[("fe80::1", True), ("shop", True), ("both.example", True)],
        *[("broker.local", True), ("unknown-yet", True)],  # nobody knows them now; the names are of one's own network
        *[("198.51.100.7", False), ("172.32.0.1", False), ("2001:db8::1", False), ("cloud.example", False)],
        *[("nowhere.example", False)],
    ],
)
def test_hosts_in_local_networks_are_known(host: str, local: bool) -> None:
    assert is_local.is_local(host, NETWORKS, known) is local


@pytest.mark.parametrize(
    ("given", "configured", "opened"),
    [
        ("", "127.0.0.1", False),
        ("", "198.51.100.7  # the cloud's", True),
        ("198.51.100.7", "127.0.0.1", True),
        ("local", "198.51.100.7", False),
    ],
)
def test_unit_is_opened_for_a_broker_elsewhere_and_only_then(
    given: str, configured: str, opened: bool, tmp_path: Path
) -> None:
    (tmp_path / "moodcast.yaml").write_text(f"mqtt:\n  host: {configured}\n")
    folder = tmp_path / "moodcast-sense.service.d"
    folder.mkdir()
    (folder / "public-broker.conf").write_text("")  # of an installation before
    done = bash(f"{QUIET} broker='{given}' etc={tmp_path} units={tmp_path}; reach_broker from")
    assert done.returncode == 0, done.stderr
    path = folder / "public-broker.conf"
    assert done.stdout == (f"place from/public-broker.conf {path}\n" if opened else f"rm -f {path}\n")


def test_port_of_the_broker_may_stand_behind_its_name() -> None:
    command = [str(ROOT / "tools" / "install"), "--dry-run", "--no-picamera2", "--broker", "broker.example:8883"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no dry run on this machine: {done.stderr.strip()}")
    assert 'mqtt.host="broker.example" mqtt.port=8883' in done.stdout


def test_scripts_are_clean() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck (apt install shellcheck), which is not here")
    names = ("install", "install-check", "install-check.d/booted", "arm64-check")
    scripts = [ROOT / "tools" / name for name in names]
    subprocess.run(["shellcheck", "-x", *map(str, scripts)], cwd=ROOT, check=True)


# --- the trap of the two numpys --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trap")
    make_wheels(folder / "wheels")
    make_system(folder / "system")
    return folder


def environment(trap: Path, name: str, *pip: str) -> Path:
    """A virtual environment that sees the system's packages, with what pip chose; its Python."""
    folder = trap / name
    venv.create(folder, with_pip=False, symlinks=True)
    packages = next((folder / "lib").glob("python*/site-packages"))
    # As --system-site-packages does with dist-packages: after the environment's own.
    (packages / "system.pth").write_text(f"{trap}/system\n")
    wanted = ["numpy>=1.24", "opencv-python-headless>=4.10,<5", "ai-edge-litert>=2.1"]
    command = [sys.executable, "-m", "pip", "--quiet", "--python", str(folder / "bin/python"), "install"]
    command += ["--no-index", "--find-links", str(trap / "wheels"), *pip, *wanted]
    subprocess.run(command, check=True, env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""})
    return folder / "bin" / "python"


IMPORTS = "import picamera2, cv2, ml_dtypes, ai_edge_litert, numpy; print(numpy.__version__, cv2.__version__)"


def test_newest_packages_break_picamera2(trap: Path) -> None:
    python = environment(trap, "newest", "--upgrade")
    done = subprocess.run([python, "-c", IMPORTS], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert SIZE_CHANGED in done.stderr


def test_constraint_keeps_picamera2_working(trap: Path) -> None:
    lines = constraints.constraints((ROOT / "requirements" / "run.lock").read_text(), SYSTEM_NUMPY)
    ours = [
        line
        for line in lines
        if line.partition("==")[0] in ("numpy", "opencv-python-headless", "ml-dtypes", "ai-edge-litert")
    ]
    path = trap / "constraints.txt"
    path.write_text("\n".join(ours))
    python = environment(trap, "constrained", "--constraint", str(path))
    done = subprocess.run([python, "-c", IMPORTS], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1.24.2 4.11.0.86\n", "")


def test_constraints_keep_the_locks_other_pins() -> None:
    lock = (ROOT / "requirements" / "run.lock").read_text()
    lines = constraints.constraints(lock, "1.24.2")
    names = [line.partition("==")[0] for line in lines]
    assert lines[-1] == "numpy==1.24.2"
    assert names.count("numpy") == 1
    assert {"ai-edge-litert", "paho-mqtt", "pydantic", "starlette", "uvicorn"} <= set(names)
    assert not {"opencv-python-headless", "ml-dtypes"} & set(names)
    assert not any("[" in line for line in lines), "pip takes no extras in constraints"
    assert not any("--hash" in line or line.endswith("\\") for line in lines)


# --- configuration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["moodcast", "kiosk", "vehicle"])
def test_settings_are_written_and_comments_stay(preset: str, tmp_path: Path) -> None:
    before = (ROOT / "config" / f"{preset}.yaml").read_text()
    text = settings.put(before, "mqtt.host", '"127.0.0.1"')
    for name, value in (
        ("mqtt.username", "moodcast"),
        ("mqtt.password_file", "/etc/moodcast/p"),
        ("speaker.player", "mpd"),
    ):
        text = settings.put(text, name, value)
    path = tmp_path / "moodcast.yaml"
    path.write_text(text)
    config = load_config(path)
    assert (config.mqtt.username, config.mqtt.password_file, config.speaker.player) == (
        "moodcast",
        "/etc/moodcast/p",
        "mpd",
    )
    kept, now = yaml.safe_load(before), yaml.safe_load(text)
    for section, values in kept.items():
        for key, value in values.items():
            if (section, key) not in {
                ("mqtt", "host"),
                ("mqtt", "username"),
                ("mqtt", "password_file"),
                ("speaker", "player"),
            }:
                assert now[section][key] == value
    assert [line for line in before.splitlines() if "#" in line and ": " not in line] == [
        line for line in text.splitlines() if "#" in line and ": " not in line
    ]


def test_setting_twice_changes_nothing() -> None:
    once = settings.put("a:\n  b: 1\nc:\n  d: 2\n", "c.e", "3")
    assert once == "a:\n  b: 1\nc:\n  e: 3\n  d: 2\n"
    assert settings.put(once, "c.e", "3") == once


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mqtt:\n  host: a.b # c\n", "a.b"),
        ("mqtt:\n  port: 1\n  host: '10.0.0.1'\n", "10.0.0.1"),
        ("speaker:\n  host: x\nmqtt:\n  # host: y\n  port: 1\n", ""),
        ("speaker:\n  host: x\n", ""),
    ],
)
def test_a_value_is_read_from_its_own_section(text: str, value: str) -> None:
    assert settings.get(text, "mqtt.host") == value


def test_renamed_keys_keep_value_and_comment() -> None:
    text = "faces:\n  # how\n  old: 3  # why\nmood:\n  old: 4\n"
    assert settings.rename(text, {"faces.old": "faces.new"}) == "faces:\n  # how\n  new: 3  # why\nmood:\n  old: 4\n"


def test_moved_keys_exist() -> None:
    schema = yaml.safe_load((ROOT / "config" / "moodcast.yaml").read_text())
    for old, new in settings.MOVED.items():
        section, key = new.split(".")
        assert key in schema[section]
        assert old.split(".")[0] == section


# --- READY -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("s.send(b'STATUS=x'); s.send(b'READY=1'); time.sleep(60)", 0, ""),
        ("sys.exit(78)", 1, "ended with status 78"),
        ("time.sleep(60)", 1, "did not come in time"),
    ],
)
def test_ready_is_waited_for(body: str, status: int, words: str) -> None:
    program = (
        "import os, socket, sys, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); "
        f"s.connect(os.environ['NOTIFY_SOCKET']); {body}"
    )
    begin_s = time.monotonic()
    command = [sys.executable, str(PARTS / "wait_ready.py"), "1.5", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert words in done.stderr
    assert time.monotonic() - begin_s < 10


# --- broker, speaker, cursor -----------------------------------------------------------------------------------------


def test_rights_of_daemon_and_integrator(tmp_path: Path) -> None:
    """The shipped ACL with a real mosquitto: the daemons speak, an integrator hears all and says only what it may."""
    acl = (ROOT / "config" / "broker" / "moodcast.acl").read_text()
    broker = Mosquitto(tmp_path, password="secret", acl=acl)  # makes the user moodcast
    subprocess.run(["mosquitto_passwd", "-b", str(tmp_path / "passwords"), "integrator", "other"], check=True)
    with broker:
        daemon = Recorder(broker.port, username="moodcast", password="secret")
        integrator = Recorder(broker.port, username="integrator", password="other")
        with daemon, integrator:
            for topic in ("moodcast/u/emotion", "homeassistant/device/u/config"):
                daemon.publish(topic, "from the daemon")
            for topic in (
                "moodcast/u/privacy/set",
                "moodcast/u/request/status",
                "moodcast/u/feedback",
                "homeassistant/status",
            ):
                integrator.publish(topic, "from outside")
            for topic in ("moodcast/u/emotion", "moodcast/u/availability", "homeassistant/device/u/config"):
                integrator.publish(topic, "forged")
            daemon.publish("elsewhere/x", "not ours")
            assert integrator.wait_for(lambda r: bool(r.of("moodcast/u/emotion")))
            assert daemon.wait_for(lambda r: bool(r.of("homeassistant/status")))
            time.sleep(0.3)
            got = daemon.got + integrator.got
    assert not [g for g in got if g.text in ("forged", "not ours")]
    assert {g.topic for g in daemon.got if g.text == "from outside"} == {
        *("moodcast/u/privacy/set", "moodcast/u/request/status", "moodcast/u/feedback", "homeassistant/status"),
    }
    assert {g.topic for g in integrator.got if g.text == "from the daemon"} == {
        *("moodcast/u/emotion", "homeassistant/device/u/config"),
    }


def test_broker_snippet_is_accepted(tmp_path: Path) -> None:
    """The shipped snippet itself, with its files and port put elsewhere; a client without a password is refused."""
    text = (ROOT / "config" / "broker" / "moodcast.conf").read_text()
    port = free_port()
    (tmp_path / "passwd").write_text("")
    shutil.copy(ROOT / "config" / "broker" / "moodcast.acl", tmp_path / "acl")
    text = text.replace("listener 1883", f"listener {port}").replace("/etc/mosquitto/moodcast.", f"{tmp_path}/")
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        pytest.skip("needs the program mosquitto (apt install mosquitto), which is not here")
    path = tmp_path / "mosquitto.conf"
    path.write_text(text + ("user root\n" if os.geteuid() == 0 else ""))
    process = subprocess.Popen([program, "-c", str(path)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        assert process.poll() is None, "mosquitto refuses the snippet"
        with pytest.raises(AssertionError, match="could not subscribe"):
            Recorder(port)
    finally:
        process.terminate()
        process.wait(5)


def test_broker_that_is_set_up_already_is_left_alone(tmp_path: Path) -> None:
    script = f"""
dry=no broker=local etc={tmp_path}/etc units={tmp_path}/units
say() {{ :; }}; step() {{ :; }}; act() {{ echo "$@"; }}; touches() {{ :; }}; stop() {{ echo "$*" >&2; exit 1; }}
grep() {{ if [ "$1" = -lsE ]; then echo /etc/mosquitto/mosquitto.conf; else command grep "$@"; fi; }}
set_up_broker"""
    done = bash(script)
    assert done.returncode == 1
    assert "use --broker 127.0.0.1" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["alsa", "desktop"])
def test_mpd_accepts_its_settings(name: str, tmp_path: Path) -> None:
    """With an output that exists everywhere: whether there is such a card, only the device knows."""
    program = shutil.which("mpd")
    if program is None:
        pytest.skip("needs the program mpd (apt install mpd), which is not here")
    text = (ROOT / "config" / "mpd" / f"{name}.conf").read_text()
    for old, new in (
        ("/var/lib/mpd", str(tmp_path)),
        ("~/.config/mpd", str(tmp_path)),
        ("~/Music", str(tmp_path / "music")),
    ):
        text = text.replace(old, new)
    text = (
        text.replace('"6600"', f'"{free_port()}"')
        .replace('type "alsa"', 'type "null"')
        .replace('type "pipewire"', 'type "null"')
    )
    (tmp_path / "music").mkdir()
    (tmp_path / "playlists").mkdir()
    path = tmp_path / "mpd.conf"
    path.write_text(text)
    process = subprocess.Popen([program, "--no-daemon", "--stderr", str(path)], stderr=subprocess.PIPE, text=True)
    time.sleep(0.7)
    alive = process.poll() is None
    process.terminate()
    _, said = process.communicate(timeout=10)
    assert alive, said
    assert "unrecognized" not in said


def test_cursor_is_one_transparent_pixel() -> None:
    data = cursor.transparent()
    magic, header, _version, entries, kind, _size, position = struct.unpack_from("<4sIIIIII", data)
    assert (magic, header, entries, kind, position) == (b"Xcur", 16, 1, cursor.IMAGE, 28)
    _header, kind, _size, _version, width, height, _x, _y, _delay, pixel = struct.unpack_from("<10I", data, position)
    assert (kind, width, height, pixel) == (cursor.IMAGE, 1, 1, 0)
    assert len(data) == position + 40
