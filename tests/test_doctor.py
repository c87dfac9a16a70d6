"""`moodcast doctor` finds planted faults, one at a time, and names the remedy of each."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from edge import cli
from edge.commands import doctor
from edge.core.picture import complaint, quality
from edge.core.topics import Topics
from edge.doctor.broker import broker_check
from edge.doctor.camera import camera_checks
from edge.doctor.check import Check
from edge.doctor.machine import clock_check, log_check, temperature_check, throttling_check
from edge.doctor.model import import_error, numpy_check
from edge.doctor.page import page_check
from edge.doctor.sandbox import rights, run_inside
from edge.doctor.sound import player_check, sound_check, tone
from edge.errors import CameraError
from edge.mqtt import MqttSettings
from edge.paths import shipped
from tests.mosquitto import Mosquitto, free_port, retained

PASSWORD = "correct horse"


@dataclass
class Site:
    """A healthy installation, into which a test plants a fault."""

    folder: Path
    broker: Mosquitto
    values: dict[str, dict[str, Any]]
    monkeypatch: pytest.MonkeyPatch
    around: doctor.Surroundings
    stack: ExitStack
    """What must stay open as long as the test."""

    @property
    def secret(self) -> Path:
        return self.folder / "password"

    def examine(self, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """Runs the command; exit status and its checks by name."""
        path = self.folder / "moodcast.yaml"
        path.write_text(yaml.safe_dump(self.values))
        self.monkeypatch.setattr(doctor.Surroundings, "real", staticmethod(lambda: self.around))
        status = cli.main(["doctor", "--config", str(path), "--json", *more])
        checks = json.loads(capsys.readouterr().out)["checks"]
        assert all(list(check) == ["name", "ok", "detail", "remedy"] for check in checks)
        return status, {check["name"]: check for check in checks}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "broker"
    folder.mkdir()
    monkeypatch.delenv("MOODCAST_MQTT_PASSWORD", raising=False)
    with Mosquitto(folder, password=PASSWORD) as broker, ExitStack() as stack:
        secret = tmp_path / "password"
        secret.write_text(f"{PASSWORD}\n")
        secret.chmod(0o600)
        values: dict[str, dict[str, Any]] = {
            "unit": {"id": "kiosk-7f3a"},
            "deployment": {"context": "retail"},
            "camera": {"source": "demo"},
            "mqtt": {"port": broker.port, "username": "moodcast", "password_file": str(secret)},
            "kiosk": {"port": free_port()},
            "daemon": {"state_dir": str(tmp_path / "state")},
        }
        around = doctor.Surroundings(time.time(), synced=True, temperature_c=51.0, throttled=False, camera_wait_s=10.0)
        yield Site(tmp_path, broker, values, monkeypatch, around, stack)


def test_a_healthy_installation_has_no_red_line(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    status, checks = site.examine(capsys)
    assert [check for check in checks.values() if check["ok"] is False] == []
    assert status == 0
    skipped = {name for name, check in checks.items() if check["ok"] is None}
    assert skipped - {"log"} == {"sandbox", "numpy", "sound", "player"}
    assert all(check["detail"].startswith("skipped: ") for check in checks.values() if check["ok"] is None)


def no_camera(site: Site) -> None:
    site.values["camera"] = {"source": "v4l2", "device": "/dev/video77"}


def wrong_hash(site: Site) -> None:
    missing_card(site)
    shutil.copy(shipped("models") / "emotion.yaml", site.folder)
    network = site.folder / "emotion.tflite"
    data = bytearray(network.read_bytes())
    data[-1] ^= 1
    network.write_bytes(data)


def missing_card(site: Site) -> None:
    shutil.copy(shipped("models") / "emotion.tflite", site.folder)
    site.values["emotion"] = {"model": str(site.folder / "emotion.tflite")}


def wrong_password(site: Site) -> None:
    site.secret.write_text("wrong battery\n")


def port_taken(site: Site) -> None:
    listener = socket.create_server(("127.0.0.1", site.values["kiosk"]["port"]))
    site.stack.enter_context(listener)


def clock_unset(site: Site) -> None:
    site.around = doctor.Surroundings(12.0, synced=False, temperature_c=51.0, throttled=False)


def world_readable(site: Site) -> None:
    site.secret.chmod(0o644)


def disk_full(site: Site) -> None:
    site.monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(total=8e9, used=8e9, free=4096))


def wrong_numpy(site: Site) -> None:
    stubs = site.folder / "stubs"
    stubs.mkdir()
    words = "numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88"
    (stubs / "simplejpeg.py").write_text(f"raise ValueError({words!r})\n")
    (stubs / "picamera2.py").write_text("import simplejpeg\n")
    site.monkeypatch.setenv("PYTHONPATH", str(stubs))
    site.values["camera"] = {"source": "picamera2"}


def broker_off(site: Site) -> None:
    site.broker.stop()


FAULTS: list[tuple[Callable[[Site], None], str, list[str]]] = [
    (no_camera, "camera", ["camera.source", "camera.device", "group video"]),
    (wrong_hash, "model", ["copy", "NAME.yaml", "tools/install --upgrade"]),
    (missing_card, "model", ["NAME.tflite", "NAME.yaml", "both files"]),
    (wrong_password, "broker", ["mqtt.password_file", "MOODCAST_MQTT_PASSWORD"]),
    (port_taken, "page", ["ss -ltnp", "kiosk.port"]),
    (clock_unset, "clock", ["timedatectl set-ntp true"]),
    (world_readable, "secrets", ["chmod o-rwx", "password"]),
    (disk_full, "disk", ["journalctl --vacuum-size"]),
    (wrong_numpy, "numpy", ["numpy==", "opencv-python-headless<4.12", "tools/install --upgrade"]),
    (broker_off, "broker", ["systemctl start mosquitto", "mqtt.host"]),
]


@pytest.mark.parametrize(("plant", "name", "remedy"), FAULTS, ids=[fault[0].__name__ for fault in FAULTS])
def test_a_planted_fault_is_found_with_its_remedy(
    site: Site, capsys: pytest.CaptureFixture[str], plant: Callable[[Site], None], name: str, remedy: list[str]
) -> None:
    plant(site)
    status, checks = site.examine(capsys)
    assert status == 1
    assert checks[name]["ok"] is False, checks[name]
    for part in remedy:
        assert part in checks[name]["remedy"]
    assert PASSWORD not in json.dumps(checks)
    # Nothing else is blamed, but for the camera that this machine has not.
    blamed = {key for key, check in checks.items() if check["ok"] is False} - {name}
    assert blamed <= ({"camera"} if plant is wrong_numpy else set())


def test_two_faults_of_one_model_differ_in_their_words(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    missing_card(site)
    assert "no such card" in site.examine(capsys)[1]["model"]["detail"]
    wrong_hash(site)
    assert "sha256: expected" in site.examine(capsys)[1]["model"]["detail"]


def test_a_bad_configuration_is_told_whole_and_the_machine_is_examined_all_the_same(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.values["mood"] = {"enter": 3, "leeve": 1}
    status, checks = site.examine(capsys)
    assert status == 1
    assert "mood.enter" in checks["configuration"]["detail"]
    assert "leeve" in checks["configuration"]["detail"]
    assert "check-config" in checks["configuration"]["remedy"]
    assert checks["runtime"]["ok"] is True
    assert checks["broker"]["ok"] is None


def test_the_table_is_for_people(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    world_readable(site)
    site.examine(capsys)
    assert cli.main(["doctor", "--config", str(site.folder / "moodcast.yaml")]) == 1
    lines = capsys.readouterr().out.splitlines()
    red = next(i for i, line in enumerate(lines) if line.startswith("RED  secrets"))
    assert "-> chmod o-rwx" in lines[red + 1]
    assert lines[-1] == "1 red"


def test_the_broker_check_leaves_nothing_behind_and_reads_what_the_unit_says(tmp_path: Path) -> None:
    topics = Topics("moodcast", "kiosk-7f3a")
    with Mosquitto(tmp_path) as broker:
        found = broker_check(MqttSettings(host="127.0.0.1", port=broker.port, client_id="x"), topics)
        assert found.check.ok is True
        assert not found.camera_online(topics)
        assert retained(broker.port) == {}
        broker.stop()


def test_missing_rights_are_told_apart_from_a_wrong_password(tmp_path: Path) -> None:
    topics = Topics("moodcast", "kiosk-7f3a")
    acl = "user moodcast\ntopic readwrite moodcast/other/#\n"
    with Mosquitto(tmp_path, password="x1y2z3", acl=acl) as broker:
        settings = MqttSettings("127.0.0.1", "x", port=broker.port, username="moodcast", password="x1y2z3")
        check = broker_check(settings, topics, wait_s=2.0).check
    assert check.ok is False
    assert "without rights" in check.detail
    assert "topic readwrite moodcast/kiosk-7f3a/#" in check.remedy


def test_a_network_that_the_unit_closes_is_told_apart_from_a_broker_that_is_off() -> None:
    def closed(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # the kernel: an address outside IPAddressAllow=

    topics = Topics("moodcast", "kiosk-7f3a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", closed)
        check = broker_check(MqttSettings("198.51.100.7", "x"), topics, wait_s=2.0).check
    assert check.ok is False
    assert "IPAddressAllow=" in check.remedy
    assert "tools/install" in check.remedy


class Busy:
    def open(self) -> None:
        raise CameraError("/dev/video0: busy")

    def read(self) -> Any:
        raise AssertionError

    def close(self) -> None:
        return None


def test_a_camera_held_by_the_running_service_is_well() -> None:
    held = camera_checks(Busy, serving=True)
    assert [check.ok for check in held] == [True, None]
    assert [check.ok for check in camera_checks(Busy, serving=False)] == [False, None]


def test_a_driver_that_hangs_does_not_hang_the_doctor() -> None:
    class Hung(Busy):
        def open(self) -> None:
            time.sleep(2)

        def read(self) -> Any:
            raise CameraError("too late")

    begin_s = time.monotonic()
    check, _ = camera_checks(Hung, serving=False, wait_s=0.3)
    assert time.monotonic() - begin_s < 2
    assert "hangs" in check.detail


def test_brightness_and_sharpness() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    flat = np.full((120, 160, 3), 120, np.uint8)
    assert quality(noise).sharpness > 100 * quality(flat).sharpness
    assert quality(flat).brightness == pytest.approx(120 / 255, abs=1e-4)
    assert complaint(quality(noise)) == ""
    assert "blurred" in complaint(quality(flat))
    assert "cap" in complaint(quality(np.zeros_like(flat)))
    assert "lamps" in complaint(quality(np.full_like(flat, 255)))
    with pytest.raises(ValueError, match="expected uint8"):
        quality(np.zeros((4, 4), np.uint8))


def test_a_vehicle_without_network_is_not_red_for_its_clock() -> None:
    assert clock_check(wall_s=time.time(), synced=False, may_be_offline=True).ok is True
    assert clock_check(wall_s=time.time(), synced=False).ok is False
    assert clock_check(wall_s=0.0, synced=False, may_be_offline=True).ok is False


def test_what_the_board_does_not_tell_is_skipped_and_heat_is_red() -> None:
    assert (temperature_check(None).ok, throttling_check(None).ok) == (None, None)
    assert temperature_check(84.0).remedy
    assert throttling_check(True).remedy
    assert (log_check(journal=True).ok, log_check(journal=False).ok) == (True, None)


def test_numpy_pairing_words() -> None:
    assert numpy_check(wanted=False).ok is None
    assert numpy_check(wanted=True, probe=lambda _name: None).ok is None
    assert numpy_check(wanted=True, probe=lambda _name: "").ok is True
    assert "reinstall" in numpy_check(wanted=True, probe=lambda _name: "ImportError: libcamera.so").remedy
    assert import_error("json") == ""
    assert import_error("no_such_module_anywhere") is None


UNIT = """[Unit]
Description=x
[Service]
Type=notify
ExecStart=/opt/moodcast/current/bin/moodcast sense --config /etc/moodcast/moodcast.yaml
ExecReload=/bin/kill -HUP $MAINPID
User=moodcast
# a comment with = in it
DeviceAllow=char-media rw
SystemCallFilter=@system-service \\
  @file-system
CapabilityBoundingSet=
Restart=always
WatchdogSec=30
# /etc/systemd/system/moodcast-sense.service.d/override.conf
[Service]
MemoryDenyWriteExecute=no
[Install]
WantedBy=multi-user.target
"""


def test_the_sandbox_takes_over_the_rights_of_the_unit_and_its_drop_ins() -> None:
    assert rights(UNIT) == [
        "User=moodcast", "DeviceAllow=char-media rw", "SystemCallFilter=@system-service    @file-system",
        "CapabilityBoundingSet=", "MemoryDenyWriteExecute=no",
    ]  # fmt: skip
    shipped_unit = shipped("config").parent / "systemd" / "moodcast-sense.service"
    own = rights(shipped_unit.read_text())
    assert {"User=moodcast", "DeviceAllow=char-video4linux rw", "StateDirectory=moodcast"} <= set(own)
    assert not [right for right in own if right.startswith(("Exec", "Restart", "Type"))]


def test_inside_the_sandbox_the_installed_command_is_asked() -> None:
    asked: list[list[str]] = []
    told = {"checks": [{"name": "camera", "ok": False, "detail": "closed", "remedy": "open it"}]}

    def run(command: Any) -> subprocess.CompletedProcess[str]:
        asked.append(list(command))
        out = UNIT if command[0] == "systemctl" else json.dumps(told)
        return subprocess.CompletedProcess(command, 0, out, "")

    checks = run_inside(["--config", "/etc/moodcast/moodcast.yaml"], run=run)
    assert checks == [Check("camera", False, "closed", "open it")]
    assert asked[1][0] == "systemd-run"
    assert "DeviceAllow=char-media rw" in asked[1]
    assert asked[1][-6:-4] == ["/opt/moodcast/current/bin/moodcast", "doctor"]


@pytest.mark.parametrize("broken", ["not installed", "no answer"])
def test_without_the_sandbox_the_doctor_says_so_and_goes_on(broken: str) -> None:
    def run(command: Any) -> subprocess.CompletedProcess[str]:
        if broken == "not installed" or command[0] != "systemctl":
            return subprocess.CompletedProcess(command, 1, "", "Unknown assignment")
        return subprocess.CompletedProcess(command, 0, UNIT, "")

    assert broken in str(run_inside([], run=run))


def test_our_page_is_known_by_its_answer_and_a_free_port_is_fine() -> None:
    assert page_check("127.0.0.1", free_port(), enabled=True).ok is True
    assert page_check("127.0.0.1", 1, enabled=False).ok is None
    assert page_check("0.0.0.0", 0, enabled=True).ok is None


def test_sound(tmp_path: Path) -> None:
    assert tone()[:4] == b"RIFF"
    assert sound_check(asked=False).ok is None
    assert sound_check(asked=True, which=lambda _name: None).ok is None
    for status, expected in ((0, True), (1, False)):
        program = tmp_path / f"aplay{status}"
        program.write_text(f'#!/bin/sh\ntest -s "$1" || exit 9\necho no card >&2\nexit {status}\n')
        program.chmod(0o755)
        check = sound_check(asked=True, which=lambda _name, path=program: str(path))
        assert check.ok is expected
    assert "no card" in check.detail
    assert "aplay -l" in check.remedy
    assert player_check("none", "", 0).ok is None
    assert player_check("mpd", "127.0.0.1", free_port()).ok is False
