"""What the installed service costs as a whole: the daemon as a process of its own beside a real mosquitto, its CPU time
and memory as the kernel counts them, and how soon it speaks after its start."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from edge.core.topics import Topics
from edge.errors import BrokerError
from edge.measure.broker import Mosquitto
from edge.mqtt import Message, MqttLink, MqttSettings

_UNIT = "bench"
_WARM_S = 4.0
"""Left out: loading, the first frames, the camera finding its rate."""
_WINDOWS, _LEAST_WINDOW_S = 6, 5.0
"""Of each measurement, where they can be so long (the kernel counts hundredths); the median counts, since the same work
takes more seconds in a window in which the core sleeps or slows down between looks."""
_ANSWER_S = 30.0
"""The longest wait for the daemon to speak and to end: long, as the machine may be busy."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running daemon, and everything it told: topic, payload and monotonic seconds of arrival."""

    process: subprocess.Popen[bytes]
    started_s: float
    topics: Topics
    heard: list[tuple[str, dict[str, Any], float]]
    listen: Callable[[float], None]
    """Takes in what comes for so many seconds."""

    def first_s(self, wanted: Callable[[str, dict[str, Any]], bool]) -> float:
        """Seconds from the start of the process to the first message that is ``wanted``. Raises BrokerError."""
        end_s = time.monotonic() + _ANSWER_S
        while time.monotonic() < end_s and self.process.poll() is None:
            for topic, payload, t_s in self.heard:
                if wanted(topic, payload):
                    return t_s - self.started_s
            self.listen(0.05)
        raise BrokerError(f"the daemon did not speak within {_ANSWER_S:.0f} s; try `moodcast sense` by hand")

    def cpu_s(self) -> float:
        """User and system seconds of the process so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Resident megabytes (10^6 bytes)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def running(camera: Mapping[str, object], **sections: Mapping[str, object]) -> Iterator[Service]:
    """The daemon with ``camera`` as its section of the configuration and ``sections`` over it, from its start to the
    end of the ``with``. Raises BrokerError without mosquitto."""
    topics = Topics("moodcast", _UNIT)
    with TemporaryDirectory(prefix="moodcast-bench-") as folder, Mosquitto() as broker:
        config = Path(folder) / "moodcast.yaml"
        config.write_text(yaml.safe_dump(_configuration(folder, broker.port, camera, sections)))
        link = _listener(broker.port, topics)
        heard: list[tuple[str, dict[str, Any], float]] = []

        def listen(seconds: float) -> None:
            end_s = time.monotonic() + seconds
            while time.monotonic() < end_s:
                heard.extend((m.topic, json.loads(m.payload), time.monotonic()) for m in link.poll())
                time.sleep(0.005)

        started_s = time.monotonic()
        command = [sys.executable, "-m", "edge.cli", "sense", "--config", str(config)]
        process = subprocess.Popen(command)  # noqa: S603 - ours
        try:
            yield Service(process, started_s, topics, heard, listen)
        finally:
            _end(process)
            link.stop(0.5)


def _configuration(
    folder: str, port: int, camera: Mapping[str, object], sections: Mapping[str, Mapping[str, object]]
) -> dict[str, Any]:
    return {
        "unit": {"id": _UNIT},
        "deployment": {"context": "demonstration"},
        "camera": dict(camera),
        "mqtt": {"port": port, "health_s": 2.0},
        "daemon": {"state_dir": folder, "log_level": "error"},
        **{name: dict(section) for name, section in sections.items()},
    }


def _listener(port: int, topics: Topics) -> MqttLink:
    """A connected link that hears what the daemon says."""
    presence = Message(f"moodcast/{_UNIT}-bench/availability", "online")
    link = MqttLink(
        MqttSettings(host="127.0.0.1", port=port, client_id="moodcast-bench", protocol="auto"),
        will=presence,
        birth=presence,
        subscriptions=[topics.emotion, topics.health, topics.camera],
    )
    link.start()
    while not link.stats().connected:
        time.sleep(0.01)
    time.sleep(0.1)  # the subscriptions follow the connection
    return link


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_ANSWER_S)
    except subprocess.TimeoutExpired:  # a machine so busy is no place to measure, but nothing may be left behind
        process.kill()
        process.wait()


def cost(
    camera: Mapping[str, object], *, seconds: float, **sections: Mapping[str, object]
) -> dict[str, float | list[float]]:
    """CPU in per cent of one core (median, least and most of windows) and memory of the daemon, over ``seconds`` after
    its first frames."""
    with running(camera, **sections) as service:
        service.first_s(lambda topic, told: topic == service.topics.camera and told["state"] == "online")
        service.listen(_WARM_S)
        count = min(max(int(seconds / _LEAST_WINDOW_S), 1), _WINDOWS)
        percents = sorted(_cpu_percent(service, seconds / count) for _ in range(count))
        health = [told for topic, told, _ in service.heard if topic == service.topics.health][-1]
        return {
            "cpu_percent": round(statistics.median(percents), 2),
            "cpu_percent_range": [round(percents[0], 2), round(percents[-1], 2)],
            "rss_mb": round(service.rss_mb(), 1),
            "frames_per_s": health["frames_per_s"],
            "looks_per_s": health["looks_per_s"],
        }


def _cpu_percent(service: Service, seconds: float) -> float:
    """Of one core, over the next ``seconds``."""
    cpu_s, begin_s = service.cpu_s(), time.monotonic()
    service.listen(seconds)
    return 100.0 * (service.cpu_s() - cpu_s) / (time.monotonic() - begin_s)


def start(camera: Mapping[str, object], **sections: Mapping[str, object]) -> dict[str, float]:
    """Seconds from the start of the process to its first `emotion`, and to the first of a person."""
    with running(camera, **sections) as service:
        first_s = service.first_s(lambda topic, _: topic == service.topics.emotion)
        person_s = service.first_s(lambda topic, told: topic == service.topics.emotion and told["in_view"] > 0)
        return {"first_emotion_s": round(first_s, 3), "first_person_s": round(person_s, 3)}
