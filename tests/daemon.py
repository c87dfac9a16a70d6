"""The real daemon as a child process, against a real broker; what it said, and whether all of it fits the contract."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import paho.mqtt.client as paho
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from edge import schemas
from edge.core.topics import Topics
from tests.mosquitto import Got, eventually

TEXT_TOPICS = {"availability", "privacy/state", "privacy/set"}


def configuration(folder: Path, port: int, **sections: dict[str, Any]) -> Path:
    """A configuration file for the bundled clip and the broker at ``port``; ``sections`` go over it."""
    values: dict[str, Any] = {
        "unit": {"id": "kiosk-7f3a"},
        "deployment": {"context": "demonstration"},
        "camera": {"source": "demo", "loop": True},
        "mqtt": {"port": port, "reconnect_max_s": 2.0},
        "daemon": {"state_dir": str(folder / "state"), "log_level": "info"},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    path = folder / "moodcast.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


class Daemon:
    """``moodcast sense`` with a configuration; killed at the end of the ``with``."""

    def __init__(self, config: Path, *, env: dict[str, str] | None = None) -> None:
        self._log_path = config.with_suffix(f".{time.monotonic_ns()}.log")
        with self._log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge.cli", "sense", "--config", str(config)],
                stderr=log,
                env={**os.environ, **(env or {})},
            )

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    def terminate(self, timeout_s: float = 5.0) -> tuple[int, float]:
        """SIGTERM; exit status and the seconds it took."""
        begin_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout_s)
        return status, time.monotonic() - begin_s

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Integrator:
    """A subscriber as one would write it: a persistent session, repeats dropped by (boot, seq), all in order."""

    def __init__(self, port: int, name: str = "integrator") -> None:
        self.got: list[Got] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_message = lambda _c, _d, m: self.got.append(
            Got(m.topic, bytes(m.payload), m.retain, m.qos, time.monotonic())
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def payloads(self, topic: str) -> list[dict[str, Any]]:
        """JSON payloads of a topic, each (boot, seq) once."""
        seen: set[tuple[str, int]] = set()
        kept = []
        for got in [g for g in self.got if g.topic == topic]:
            payload = json.loads(got.payload)
            if (payload["boot"], payload["seq"]) not in seen:
                seen.add((payload["boot"], payload["seq"]))
                kept.append(payload)
        return kept

    def last(self, topic: str) -> str:
        return next((g.text for g in reversed(self.got) if g.topic == topic), "")

    def says(self, topic: str, state: str, timeout_s: float = 10.0) -> bool:
        """Whether the topic's newest message comes to say ``state`` (as text or in its JSON)."""

        def now() -> bool:
            text = self.last(topic)
            return text == state or (text.startswith("{") and json.loads(text).get("state") == state)

        return eventually(now, timeout_s)

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, 1, retain).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Integrator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def assert_contract(got: list[Got], topics: Topics) -> None:
    """Every payload validates against the schema of its topic, and there is no topic without one."""
    checked = set()
    for message in got:
        name = message.topic.removeprefix(topics.root + "/")
        if message.topic.startswith("homeassistant/"):
            name = "discovery"
        elif name.startswith(("request/", "response/")):
            name = name.split("/")[0]
        validator = jsonschema.Draft202012Validator(schemas.load(name.replace("/", "_")))
        validator.validate(message.text if name in TEXT_TOPICS else json.loads(message.payload))
        checked.add(name)
    assert {"availability", "state", "camera", "emotion", "info", "health"} <= checked
