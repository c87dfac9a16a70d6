"""Reload, restart and requests of the running daemon; its log and its disk."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest

from edge import schemas
from edge.commands.sense import EXIT_RESTART
from edge.config.file import load_config
from edge.config.keys import Key, keys
from edge.core.people import People, PeopleSettings
from edge.core.reload import COMPANION, LIVE, compare, flat, matches, merged, numbered
from edge.core.topics import Topics
from edge.core.trigger import TriggerSettings
from edge.data import EMOTIONS, Face
from edge.logs import BURST, RateLimit
from edge.paths import model_path
from edge.requests import Answer, Requests
from edge.sense import _sense_settings
from edge.vision.finders import make_finder
from edge.vision.model import read_card
from tests.daemon import Daemon, Integrator, configuration
from tests.mosquitto import Mosquitto, eventually

TOPICS = Topics("moodcast", "kiosk-7f3a")
CLIP = Path(__file__).parent.parent / "edge" / "camera" / "demo.mp4"
UNDER_SYSTEMD = {"NOTIFY_SOCKET": "/nonexistent/notify"}
DAY_S = 86_400


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


@pytest.fixture(scope="module")
def somebody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one picture of the bundled clip in which a person looks at the camera: played for ever, nobody
    ever comes or goes."""
    folder = tmp_path_factory.mktemp("somebody")
    finder, capture = make_finder("haar"), cv2.VideoCapture(str(CLIP))
    ok, image = capture.read()
    while ok and len(finder.find(image)) != 1:
        ok, image = capture.read()
    assert ok, "the clip has a frame with one face"
    cv2.imwrite(str(folder / "somebody.png"), image)
    return folder


def standing(folder: Path) -> dict[str, object]:
    return {"source": "images", "path": str(folder), "loop": True, "rate_hz": 10}


# The pure part ------------------------------------------------------------------------------------------------------


def test_every_name_is_a_key_and_every_key_has_one_effect() -> None:
    known = list(keys())
    for name in (*LIVE, *COMPANION):
        assert any(matches(key, [name]) for key in known), name
    assert not [key for key in known if matches(key, LIVE) and matches(key, COMPANION)]
    restart = {key.split(".")[0] for key in known if not matches(key, LIVE + COMPANION)}
    assert restart == {"unit", "camera", "emotion", "privacy", "mqtt", "home_assistant", "daemon"}


def other_value(key: Key) -> str:
    """A valid value beside the default, as typed."""
    if key.kind is bool:
        return str(not key.default).lower()
    if key.choices:
        return next(str(choice) for choice in key.choices if choice != key.default)
    if key.kind is int:
        return str(key.default + 1)
    return str((key.default or 0.5) * 1.02) if key.kind is float else "other"


@pytest.mark.parametrize("name", [key for key in keys() if matches(key, LIVE) and not key.startswith("faces.")])
def test_a_key_that_is_said_to_apply_at_once_reaches_the_loop(name: str, tmp_path: Path) -> None:
    path = configuration(tmp_path, 1)
    old, new = load_config(path), load_config(path, overrides={name: other_value(keys()[name])})
    card = read_card(model_path("emotion").with_suffix(".yaml"))
    before, after = (replace(_sense_settings(c, topics=TOPICS, card=card), info={}) for c in (old, new))
    assert before != after
    changes = compare(old.model_dump(mode="json"), new.model_dump(mode="json"))
    assert changes.live == (name,)


def test_changes_are_sorted_by_their_effect() -> None:
    old = {"mood": {"enter": 0.5, "leave": 0.3}, "mqtt": {"host": "a", "health_s": 60}, "kiosk": {"port": 1}}
    new = {"mood": {"enter": 0.6, "leave": 0.3}, "mqtt": {"host": "b", "health_s": 30}, "kiosk": {"port": 2}}
    changes = compare(old, new)
    assert changes.live == ("mood.enter", "mqtt.health_s")
    assert changes.restart == ("mqtt.host",)
    assert changes.companion == ("kiosk.port",)
    running = merged(old, new)
    assert flat(running) == {**flat(new), "mqtt.host": "a"}
    assert compare(running, new).restart == ("mqtt.host",), "still to be told at the next reload"
    assert compare(running, new).live == ()


def test_lines_are_numbered_for_the_wire() -> None:
    assert numbered(["a", "b"]) == {"1": "a", "2": "b"}


def reading(emotion: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    probs = np.full(len(EMOTIONS), 0.02)
    probs[EMOTIONS.index(emotion)] = 1.0 - 0.02 * (len(EMOTIONS) - 1)
    return probs


def test_other_settings_lose_nobody() -> None:
    people, settings = People(PeopleSettings()), PeopleSettings()
    face = Face((100.0, 100.0, 80.0, 80.0), None, 0.9)
    events = []
    for step in range(80):
        t_s = step / 10
        if step == 40:
            before = people.now(t_s)[0]
            people.change(replace(settings, tau_s=1.0, max_lost_s=2.0, trigger=TriggerSettings(enter=0.8, leave=0.6)))
        (track,) = people.see([face], t_s)
        events += people.read({track.id: reading("happy")}, t_s)
    after = people.now(8.0)[0]
    assert (after.track.id, after.emotion) == (before.track.id, "happy")
    assert [e.event_type for e in events if e.event_type != "update"] == ["start"]


def test_release_ends_what_holds_and_begins_again() -> None:
    people = People(PeopleSettings())
    face = Face((100.0, 100.0, 80.0, 80.0), None, 0.9)
    kinds = []
    for step in range(40):
        if step == 20:
            kinds += [e.event_type for e in people.release(2.0)]
        (track,) = people.see([face], step / 10)
        kinds += [e.event_type for e in people.read({track.id: reading("sad")}, step / 10)]
    assert kinds == ["start", "end", "start"]
    assert people.now(4.0)[0].track.id == 1


# Requests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "status", "transaction"),
    [
        (b"", "ok", None),
        (b'{"transaction": 1.5}', "ok", 1.5),
        (b'{"transaction": null, "data": {"x": 1}}', "ok", None),
        (b"[" * 60_000, "error", None),
        (b'{"transaction": NaN}', "error", None),
        (b'{"transaction": [1]}', "error", None),
        (b'{"transaction": "' + b"x" * 5000 + b'"}', "error", None),
        (b"[]", "error", None),
        (b"\xff", "error", None),
    ],
)
def test_any_payload_gets_one_answer_that_fits_the_schema(payload: bytes, status: str, transaction: object) -> None:
    said: list[tuple[str, Any]] = []
    requests = Requests(
        {"status": lambda: Answer({"state": "running"})}, lambda verb, answer: said.append((verb, answer))
    )
    requests.take("status", payload)
    ((verb, answer),) = said
    jsonschema.Draft202012Validator(schemas.load("response")).validate(json.loads(json.dumps(answer, allow_nan=False)))
    assert (verb, answer["status"], answer["transaction"]) == ("status", status, transaction)


def answer_to(integrator: Integrator, verb: str, transaction: str = "t", timeout_s: float = 5.0) -> dict[str, Any]:
    """Asks; the answer, checked against the schema."""
    before = len(integrator.got)
    integrator.publish(TOPICS.request(verb), json.dumps({"transaction": transaction}))

    def answers() -> list[dict[str, Any]]:
        told = [json.loads(g.payload) for g in integrator.got[before:] if g.topic == TOPICS.response(verb)]
        return [a for a in told if a["transaction"] == transaction]

    assert eventually(lambda: bool(answers()), timeout_s), f"no answer to {verb}"
    jsonschema.Draft202012Validator(schemas.load("response")).validate(answers()[0])
    return answers()[0]


# The daemon ---------------------------------------------------------------------------------------------------------


def test_a_good_file_is_taken_over_within_2_s_and_nobody_is_lost(
    broker: Mosquitto, tmp_path: Path, somebody: Path
) -> None:
    config = configuration(tmp_path, broker.port, camera=standing(somebody), mqtt={"heartbeat_s": 60.0})
    with Integrator(broker.port) as integrator, Daemon(config) as daemon:
        assert eventually(lambda: any(e["track_id"] for e in integrator.payloads(TOPICS.emotion)), 20)
        assert eventually(lambda: integrator.payloads(TOPICS.emotion)[-1]["held_s"] or len(integrator.got) > 30, 10)
        before = integrator.payloads(TOPICS.emotion)[-1]
        configuration(
            tmp_path,
            broker.port,
            unit={"name": "Lobby"},
            camera=standing(somebody) | {"rate_hz": 12, "stall_s": 20.0},
            faces={"min_face_px": 36},
            mood={"confidence_min": 1.0},  # whatever the network reads, it is less sure
            mqtt={"heartbeat_s": 1.0},
            daemon={"log_level": "debug"},
        )
        begin_s = time.monotonic()
        answer = answer_to(integrator, "reload")
        took_s = time.monotonic() - begin_s
        print(f"\nreloaded and answered in {took_s:.3f} s")
        assert took_s < 2.0
        assert answer["status"] == "ok", answer
        applied = set(answer["data"]["applied"].values())
        assert {"mood.confidence_min", "mqtt.heartbeat_s", "faces.min_face_px", "daemon.log_level"} <= applied
        assert answer["data"]["restart"] == {"1": "camera.rate_hz"}
        assert eventually(lambda: integrator.payloads(TOPICS.emotion)[-1]["abstain"] is True, 2.0), daemon.log
        time.sleep(1.5)
        after = integrator.payloads(TOPICS.emotion)[-1]
        assert (after["boot"], after["track_id"]) == (before["boot"], before["track_id"])
        assert after["seq"] > before["seq"]
        info = json.loads(integrator.last(TOPICS.info))["settings"]
        assert (info["mqtt"]["heartbeat_s"], info["camera"]["rate_hz"]) == (1.0, 10.0)
        discovery = next(g for g in reversed(integrator.got) if g.topic.startswith("homeassistant/device/"))
        assert json.loads(discovery.payload)["dev"]["name"] == "Lobby"


def test_a_bad_file_changes_nothing_and_every_mistake_is_answered(
    broker: Mosquitto, tmp_path: Path, somebody: Path
) -> None:
    config = configuration(tmp_path, broker.port, camera=standing(somebody))
    with Integrator(broker.port) as integrator, Daemon(config) as daemon:
        assert eventually(lambda: any(e["track_id"] for e in integrator.payloads(TOPICS.emotion)), 20)
        infos = len(integrator.payloads(TOPICS.info))
        configuration(tmp_path, broker.port, mood={"enter": 7, "leeve": 0.1}, mqtt={"heartbeat_s": "often"})
        answer = answer_to(integrator, "reload")
        assert answer["status"] == "error"
        assert "nothing was changed" in answer["error"]
        problems = list(answer["data"]["problems"].values())
        assert len(problems) == 3
        for part in ("mood.enter", "did you mean `leave`", "mqtt.heartbeat_s"):
            assert any(part in problem for problem in problems), (part, problems)
        assert all(problem.startswith(f"{config}:") for problem in problems), "each with its line"
        time.sleep(1.1)
        daemon.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: daemon.log.count("not read again") == 2)

        def statuses() -> list[str]:
            return [json.loads(g.payload)["status"] for g in integrator.got if g.topic == TOPICS.response("reload")]

        assert eventually(lambda: statuses() == ["error", "error"])
        config.unlink()
        time.sleep(1.1)
        assert "no such file" in answer_to(integrator, "reload", "t3")["data"]["problems"]["1"]
        assert len(integrator.payloads(TOPICS.info)) == infos
        assert len({e["track_id"] for e in integrator.payloads(TOPICS.emotion) if e["track_id"]}) == 1
        assert daemon.process.poll() is None


def test_sighup_switches_single_people_off_and_on(broker: Mosquitto, tmp_path: Path, somebody: Path) -> None:
    camera = standing(somebody)
    mood = {"enter": 0.2, "leave": 0.1, "confidence_min": 0.0, "update_s": 1.0}
    config = configuration(tmp_path, broker.port, camera=camera, mood=mood)
    with Integrator(broker.port) as integrator, Daemon(config) as daemon:

        def kinds() -> list[str]:
            return [e["event_type"] for e in integrator.payloads(TOPICS.event)]

        assert eventually(lambda: "start" in kinds(), 20)
        off = {"events": False}
        home = {"discovery": False}
        configuration(tmp_path, broker.port, camera=camera, mood=mood, privacy=off, home_assistant=home)
        daemon.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: kinds()[-1] == "end", 2.0)
        device = [g for g in integrator.got if g.topic.startswith("homeassistant/device/")]
        assert eventually(lambda: [g for g in integrator.got if g.topic == device[0].topic][-1].payload == b"")
        count = len(kinds())
        time.sleep(1.5)
        assert len(kinds()) == count
        configuration(tmp_path, broker.port, camera=camera, mood=mood)
        daemon.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: kinds()[-1] in ("start", "update") and kinds().count("start") == 2)
        assert len({e["track_id"] for e in integrator.payloads(TOPICS.event)}) == 1


def test_restart_ends_with_the_status_on_which_systemd_starts_again(broker: Mosquitto, tmp_path: Path) -> None:
    config = configuration(tmp_path, broker.port)
    with Integrator(broker.port) as integrator, Daemon(config, env=UNDER_SYSTEMD) as daemon:
        assert integrator.says(TOPICS.state, "running", 20)
        assert answer_to(integrator, "restart")["status"] == "ok"
        assert daemon.process.wait(3) == EXIT_RESTART
        assert EXIT_RESTART not in (0, 78)
        assert integrator.says(TOPICS.availability, "offline")
        assert "start again" in json.loads(integrator.last(TOPICS.state))["reason"]


def test_nobody_can_end_a_daemon_that_nobody_would_start_again(broker: Mosquitto, tmp_path: Path) -> None:
    env = {"SYSTEMD_EXEC_PID": "1", "NOTIFY_SOCKET": ""}  # as in a terminal of a desktop
    with Integrator(broker.port) as integrator, Daemon(configuration(tmp_path, broker.port), env=env) as daemon:
        assert integrator.says(TOPICS.state, "running", 20)
        answer = answer_to(integrator, "restart")
        assert answer["status"] == "error"
        assert "systemd" in answer["error"]
        first, second = answer_to(integrator, "reload", "a"), answer_to(integrator, "reload", "b")
        assert (first["status"], second["status"]) == ("ok", "error")
        assert first["data"] == {"applied": {}, "restart": {}, "companion": {}}
        assert "wait" in second["error"]
        assert daemon.process.poll() is None


def test_the_companion_starts_again_for_a_good_file_and_stays_for_a_bad_one(tmp_path: Path) -> None:
    off = {"enabled": False}
    config = configuration(tmp_path, 1, kiosk=off)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(20)
    log = tmp_path / "companion.log"
    with manager, log.open("wb") as file:
        command = [sys.executable, "-m", "edge.cli", "companion", "--config", str(config)]
        env = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        process = subprocess.Popen(command, stderr=file, env=env)
        try:
            while b"READY=1" not in manager.recv(4096):
                pass
            configuration(tmp_path, 1, kiosk=off, mood={"enter": 7})
            process.send_signal(signal.SIGHUP)
            assert eventually(lambda: "mood.enter" in log.read_text())
            assert process.poll() is None
            configuration(tmp_path, 1, kiosk=off)
            process.send_signal(signal.SIGHUP)
            assert process.wait(5) == EXIT_RESTART
        finally:
            process.kill()
            process.wait()


# The log ------------------------------------------------------------------------------------------------------------


def test_a_flood_on_command_topics_is_a_few_log_lines(broker: Mosquitto, tmp_path: Path) -> None:
    with Integrator(broker.port) as integrator, Daemon(configuration(tmp_path, broker.port)) as daemon:
        assert integrator.says(TOPICS.state, "running", 20)
        for n in range(150):
            integrator.publish(TOPICS.privacy_set, f"nonsense {n}")
            integrator.publish(TOPICS.privacy_set, "paused" if n % 2 else "on")
            integrator.publish(TOPICS.request("reload"), "{}")
        assert answer_to(integrator, "status", "after", 10.0)["status"] == "ok"
        time.sleep(0.5)
        lines = daemon.log.splitlines()
        assert sum("privacy/set" in line for line in lines) == BURST
        assert len(lines) < 60, daemon.log


def test_the_limit_tells_how_much_it_left_out() -> None:
    clock = [0.0]
    limit = RateLimit(burst=2, window_s=60.0, clock=lambda: clock[0])

    def line(text: str, level: int = logging.WARNING) -> tuple[bool, str]:
        record = logging.LogRecord("edge.x", level, "x.py", 1, "camera %s", (text,), None)
        return limit.filter(record), record.getMessage()

    assert [line(str(n))[0] for n in range(5)] == [True, True, False, False, False]
    assert line("other level", logging.ERROR)[0], "another kind"
    assert all(line("d", logging.DEBUG)[0] for _ in range(9))
    clock[0] = 61.0
    assert line("back") == (True, "camera back (and 3 more like this, left out)")
    assert line("again") == (True, "camera again")
    assert limit.left_out == 3


# The card -----------------------------------------------------------------------------------------------------------


def written(pid: int) -> int:
    """Bytes that a process caused to be written to storage (proc(5))."""
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(fields["write_bytes"])


def test_nothing_is_written_in_steady_state(broker: Mosquitto, tmp_path: Path) -> None:
    write = f"import pathlib; pathlib.Path({str(tmp_path / 'probe')!r}).write_bytes(b'x' * 100000); input()"
    probe = subprocess.Popen([sys.executable, "-c", write], stdin=subprocess.PIPE, text=True)
    try:
        counted = eventually(lambda: written(probe.pid) >= 100_000, 5.0)
    finally:
        probe.communicate("\n")
    if not counted:
        pytest.skip("this file system's writes are not counted in /proc/PID/io (tmpfs)")
    with Integrator(broker.port) as integrator, Daemon(configuration(tmp_path, broker.port)) as daemon:
        assert integrator.says(TOPICS.state, "running", 20)
        time.sleep(2.0)
        files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if "broker" not in path.parts}
        events, begin, begin_s = len(integrator.payloads(TOPICS.event)), written(daemon.process.pid), time.monotonic()
        time.sleep(8.0)
        took_s, count = time.monotonic() - begin_s, written(daemon.process.pid) - begin
        assert len(integrator.payloads(TOPICS.event)) > events, "it worked in that time"
        print(f"\n{count} bytes in {took_s:.1f} s: {count / took_s * DAY_S:.0f} bytes a day")
        assert count == 0, f"{count / took_s * DAY_S:.0f} bytes a day; the log: {daemon.log}"
        now = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if "broker" not in path.parts}
        assert now == files, "no file changed, the log included"
