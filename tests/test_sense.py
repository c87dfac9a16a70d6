"""The daemon over a real mosquitto, fault by fault."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge import loop
from edge import sense as root
from edge.config.file import load_config
from edge.core.topics import Topics
from edge.errors import CameraStalled
from tests.daemon import Daemon, Integrator, assert_contract, configuration
from tests.mosquitto import Mosquitto, eventually, retained
from tests.small_network import write_network
from tests.test_grabber import ScriptedCamera

TOPICS = Topics("moodcast", "kiosk-7f3a")
CLIP = Path(__file__).parent.parent / "edge" / "camera" / "demo.mp4"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


def test_from_the_clip_to_the_contract_and_a_clean_end(broker: Mosquitto, tmp_path: Path) -> None:
    with Integrator(broker.port) as integrator, Daemon(configuration(tmp_path, broker.port)) as daemon:
        assert integrator.says(TOPICS.state, "running", 20)
        assert eventually(lambda: any(e["event_type"] == "start" for e in integrator.payloads(TOPICS.event)), 10)
        status, took_s = daemon.terminate()
        assert (status, took_s < 2.0) == (0, True), daemon.log
        assert integrator.says(TOPICS.availability, "offline")
        assert integrator.says(TOPICS.state, "stopping")
        assert_contract(integrator.got, TOPICS)
    kept = retained(broker.port)
    assert kept[TOPICS.availability] == "offline"
    assert not {TOPICS.emotion, TOPICS.event, TOPICS.audience} & set(kept)


def test_what_the_network_cannot_use_gives_no_emotion(broker: Mosquitto, tmp_path: Path) -> None:
    model = {"model": str(write_network(tmp_path / "small.tflite")), "usable_min": 1.0}
    config = configuration(tmp_path, broker.port, emotion=model, mqtt={"health_s": 1.0})
    with Integrator(broker.port) as integrator, Daemon(config) as daemon:
        assert integrator.says(TOPICS.state, "running", 20)
        assert eventually(lambda: len(integrator.payloads(TOPICS.emotion)) > 3, 20), daemon.log
        told = {e["emotion"] for e in integrator.payloads(TOPICS.emotion)}
        assert told == {"none"}, "never a face to read: nobody is in view"
        assert integrator.payloads(TOPICS.event) == []


def test_paused_closes_the_camera_and_survives_a_restart(broker: Mosquitto, tmp_path: Path) -> None:
    config = configuration(tmp_path, broker.port)
    with Integrator(broker.port) as integrator:
        with Daemon(config) as daemon:
            assert integrator.says(TOPICS.state, "running", 20)
            assert eventually(lambda: len(integrator.payloads(TOPICS.event)) > 0)
            integrator.publish(TOPICS.privacy_set, "paused")
            assert integrator.says(TOPICS.camera, "paused")
            assert integrator.says(TOPICS.privacy_state, "paused")
            assert integrator.says(TOPICS.state, "paused")
            events = integrator.payloads(TOPICS.event)
            assert sum(e["event_type"] == "start" for e in events) == sum(e["event_type"] == "end" for e in events)
            assert eventually(lambda: integrator.payloads(TOPICS.emotion)[-1]["emotion"] == "none")
            daemon.terminate()
        with Daemon(config):
            assert integrator.says(TOPICS.state, "paused", 20)
            online = [c for c in integrator.payloads(TOPICS.camera)[2:] if c["state"] == "online"]
            integrator.publish(TOPICS.privacy_set, "on")
            assert integrator.says(TOPICS.state, "running")
            assert len([c for c in integrator.payloads(TOPICS.camera) if c["state"] == "online"]) > len(online)


def test_retained_and_unknown_commands_are_ignored(broker: Mosquitto, tmp_path: Path) -> None:
    with Integrator(broker.port) as integrator:
        integrator.publish(TOPICS.privacy_set, "paused", retain=True)
        with Daemon(configuration(tmp_path, broker.port)) as daemon:
            assert integrator.says(TOPICS.state, "running", 20)
            integrator.publish(TOPICS.privacy_set, "perhaps")
            integrator.publish(TOPICS.request("dance"), '{"transaction": "t1"}')
            integrator.publish(TOPICS.request("status"), "not json")
            integrator.publish(TOPICS.request("status"), '{"transaction": 7}')
            assert eventually(lambda: len([g for g in integrator.got if "/response/" in g.topic]) == 3)
            answers = [json.loads(g.payload) for g in integrator.got if "/response/" in g.topic]
            assert [(a["status"], a["transaction"]) for a in answers] == [("error", "t1"), ("error", None), ("ok", 7)]
            assert answers[2]["data"]["state"] == "running"
            assert integrator.last(TOPICS.privacy_state) == "on"
            assert "retained" in daemon.log


def test_an_absent_source_is_told_and_found_when_it_comes(broker: Mosquitto, tmp_path: Path) -> None:
    clip = tmp_path / "later.mp4"
    config = configuration(
        tmp_path, broker.port, camera={"source": "video", "path": str(clip), "loop": True, "reopen_max_s": 1.0}
    )
    with Integrator(broker.port) as integrator, Daemon(config) as daemon:
        assert integrator.says(TOPICS.state, "degraded", 20)
        assert "later.mp4" in json.loads(integrator.last(TOPICS.camera))["reason"]
        shutil.copy(CLIP, clip)
        assert integrator.says(TOPICS.state, "running")
        assert daemon.log.count("absent") <= 2, "one log line a change, not one a try"


def test_home_assistant_restarts_and_learns_everything_again(broker: Mosquitto, tmp_path: Path) -> None:
    config = configuration(tmp_path, broker.port, mqtt={"heartbeat_s": 60.0}, camera={"source": "demo", "loop": False})
    with Integrator(broker.port) as integrator, Daemon(config):
        assert integrator.says(TOPICS.state, "running", 20)
        before = len(integrator.got)
        integrator.publish("homeassistant/status", "online")

        def told_since() -> list[str]:
            """Topics from the discovery on; what was on its way before does not count."""
            topics = [g.topic for g in integrator.got[before:]]
            return topics[
                next((n for n, t in enumerate(topics) if t.startswith("homeassistant/device/")), len(topics)) :
            ]

        assert eventually(told_since)
        assert eventually(lambda: TOPICS.emotion in told_since()), "with the heartbeat at 60 s, only for the newcomer"


def test_nobody_in_view_is_told_as_a_slow_heartbeat(broker: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    cv2.imwrite(str(tmp_path / "empty" / "wall.png"), np.full((240, 320, 3), 120, np.uint8))
    camera = {"source": "images", "path": str(tmp_path / "empty"), "loop": True, "rate_hz": 10}
    config = configuration(tmp_path, broker.port, camera=camera, mqtt={"heartbeat_s": 2.0})
    with Integrator(broker.port) as integrator, Daemon(config):
        assert integrator.says(TOPICS.state, "running", 20)
        begin_s = time.monotonic()
        start = len(integrator.payloads(TOPICS.emotion))
        time.sleep(5)
        told = integrator.payloads(TOPICS.emotion)[start:]
        assert 1 <= len(told) <= (time.monotonic() - begin_s) / 2.0 + 1
        assert {t["emotion"] for t in told} == {"none"}
        assert integrator.payloads(TOPICS.audience) == []


def test_two_units_with_one_id_say_so_instead_of_storming(broker: Mosquitto, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    with (
        Integrator(broker.port) as integrator,
        Daemon(configuration(folders[0], broker.port)) as first,
    ):
        assert integrator.says(TOPICS.state, "running", 20)
        with Daemon(configuration(folders[1], broker.port)) as second:
            assert eventually(
                lambda: any("set unit.id" in p["reason"] for p in integrator.payloads(TOPICS.state)), 20
            ), first.log + second.log
            assert eventually(lambda: "set unit.id" in first.log + second.log)
            connects = broker.connects("moodcast-sense")
            time.sleep(3)
            assert broker.connects("moodcast-sense") <= max(connects, 4), "no storm of reconnects"


class Manager:
    """Stands for systemd's end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.messages: list[tuple[float, str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            self.messages.append((time.monotonic(), self._socket.recv(4096).decode()))

    def count(self, text: str, since_s: float = 0.0) -> int:
        return sum(1 for t_s, m in list(self.messages) if m.startswith(text) and t_s >= since_s)


def test_systemd_hears_ready_status_and_the_watchdog_even_without_a_broker(tmp_path: Path) -> None:
    manager = Manager(tmp_path / "notify")
    config = configuration(tmp_path, 1)  # nothing listens there
    with Daemon(config, env={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as daemon:
        assert eventually(lambda: manager.count("READY=1") == 1, 20), daemon.log
        assert eventually(lambda: manager.count("STATUS=running") >= 1)
        assert eventually(lambda: manager.count("WATCHDOG=1") > 3)
        status, took_s = daemon.terminate()
        assert (status, took_s < 2.0) == (0, True)
        assert manager.count("STOPPING=1") == 1


def test_a_wedged_inference_starves_the_watchdog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wedge = threading.Event()

    class Wedged:
        def find(self, _image: object) -> list[object]:
            wedge.wait(30)
            return []

    manager = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setattr(root, "face_finder", lambda _config: Wedged())
    sense = root.build_sense(load_config(configuration(tmp_path, 1)))
    thread = threading.Thread(target=sense.run, daemon=True)
    thread.start()
    assert eventually(lambda: manager.count("READY=1") == 1)
    time.sleep(1.0)
    since_s = time.monotonic()
    time.sleep(1.0)
    assert manager.count("WATCHDOG=1", since_s) == 0
    sense.stop()
    wedge.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_throttled_board_looks_half_as_often_and_says_so(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "throttled", lambda: True)
    sense = root.build_sense(load_config(configuration(tmp_path, broker.port, mqtt={"health_s": 1.0})))
    with Integrator(broker.port) as integrator:
        thread = threading.Thread(target=sense.run, daemon=True)
        thread.start()
        assert eventually(lambda: '"shed":"throttled"' in integrator.last(TOPICS.health), 20)
        told = json.loads(integrator.last(TOPICS.health))
        sense.stop()
        thread.join(5)
    assert told["looks_wanted_hz"] == 5.0
    assert {"looks_per_s", "frames_passed", "frames_dropped"} <= told.keys()


def test_a_hung_camera_is_told_and_ends_the_process(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wake = threading.Event()
    camera = ScriptedCamera([lambda: None, lambda: wake.wait(30) and None])
    monkeypatch.setattr(root, "make_camera", lambda _settings: camera)
    sense = root.build_sense(load_config(configuration(tmp_path, broker.port, camera={"stall_s": 1.0})))
    with Integrator(broker.port) as integrator:
        with pytest.raises(CameraStalled, match="fresh process"):
            sense.run()
        wake.set()
        assert integrator.says(TOPICS.camera, "stalled")
        assert integrator.says(TOPICS.availability, "offline")


def test_only_the_audience_is_told_when_single_people_are_switched_off(broker: Mosquitto, tmp_path: Path) -> None:
    config = configuration(tmp_path, broker.port, privacy={"events": False})
    with Integrator(broker.port) as integrator, Daemon(config):
        assert integrator.says(TOPICS.state, "running", 20)
        time.sleep(3)
        assert integrator.payloads(TOPICS.event) == []
        assert integrator.payloads(TOPICS.emotion) == []


@pytest.mark.parametrize(
    ("sections", "status", "words"),
    [
        ({"camera": {"sourcee": "demo"}}, 78, "did you mean"),
        ({"emotion": {"model": "nosuch"}}, 78, "nosuch"),
        ({"deployment": {"context": "workplace"}}, 78, "AI Act"),
    ],
)
def test_what_cannot_work_exits_with_78(
    tmp_path: Path, sections: dict[str, dict[str, object]], status: int, words: str
) -> None:
    with Daemon(configuration(tmp_path, 1, **sections)) as daemon:
        assert daemon.process.wait(20) == status
        assert words in daemon.log


def test_a_corrupt_pause_switch_means_paused(broker: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "sense.json").write_text('{"paused": tr')
    with Integrator(broker.port) as integrator, Daemon(configuration(tmp_path, broker.port)):
        assert integrator.says(TOPICS.state, "paused", 20)
        assert all(c["state"] != "online" for c in integrator.payloads(TOPICS.camera))
