"""From a frame's capture to the broker's acknowledgement of what was read in it, through the service's own parts:
grabber, watch, reporter, link, and a real mosquitto that answers each message (PUBACK)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

from edge.camera.source import Camera
from edge.core.stamp import Stamper
from edge.core.stats import latency
from edge.core.topics import OFFLINE, ONLINE, Topics
from edge.errors import BrokerError
from edge.grabber import Grabber
from edge.measure.broker import Mosquitto
from edge.mqtt import Message, MqttLink, MqttSettings
from edge.report import Reporter, ReportSettings
from edge.watch import Watch

_CONNECT_S = 5.0
_WARM_FRAMES = 15
"""The first second: connection, first inference."""


class _Acknowledged:
    """Capture times of published messages by their ``seq``, and how long each took to its acknowledgement."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._lock = threading.Lock()
        self._captured_s: dict[int, float] = {}
        self.durations_s: list[float] = []

    def published(self, seq: int, captured_s: float) -> None:
        with self._lock:
            self._captured_s[seq] = captured_s

    def acknowledged(self, message: Message, _age_s: float) -> None:
        """Runs in the link's thread, right after the packet was read."""
        now_s = time.monotonic()
        if message.topic == self._topic:
            with self._lock:
                captured_s = self._captured_s.pop(json.loads(message.payload)["seq"], None)
            if captured_s is not None:
                self.durations_s.append(now_s - captured_s)


def capture_to_acknowledgement(camera: Camera, watch: Watch, *, frames: int) -> dict[str, float]:
    """Percentiles over ``frames`` frames of ``camera``, a live one with faces; every frame is looked at and told.

    Raises BrokerError without mosquitto or when the connection fails.
    """
    topics = Topics("moodcast", "bench")
    noted = _Acknowledged(topics.emotion)
    with Mosquitto() as broker:
        link = MqttLink(
            MqttSettings(host="127.0.0.1", port=broker.port, client_id="moodcast-bench", protocol="auto"),
            will=Message(topics.availability, OFFLINE, retain=True),
            birth=Message(topics.availability, ONLINE, retain=True),
            on_ack=noted.acknowledged,
        )
        reporter = Reporter(
            link,
            topics,
            Stamper(topics.unit, "0" * 16, time.monotonic()),
            ReportSettings(model="bench", event_max_age_s=60.0, emotion_expiry_s=15),
        )
        link.start()
        grabber = Grabber(camera)
        try:
            _wait(lambda: link.stats().connected)
            grabber.start()
            _run(grabber, watch, reporter, noted, frames=frames)
        finally:
            grabber.stop(2.0)
            link.stop(2.0)  # what is under way is still acknowledged
    told = latency(noted.durations_s[_WARM_FRAMES:])
    return {"latency_p50_ms": told.p50_ms, "latency_p95_ms": told.p95_ms, "latency_frames": len(noted.durations_s)}


def _run(grabber: Grabber, watch: Watch, reporter: Reporter, noted: _Acknowledged, *, frames: int) -> None:
    done = 0  # nothing else is told, so that the stamps count as we do
    while done < frames + _WARM_FRAMES:
        frame = grabber.take(1.0)
        if frame is None:
            continue
        now_s = time.monotonic()
        watch.frame(frame, late_s=now_s - frame.t_s)
        people = watch.people.now(frame.t_s)
        noted.published(done + 1, frame.t_s)
        reporter.emotion(people, time.monotonic())
        done += 1


def _wait(done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + _CONNECT_S
    while not done():
        if time.monotonic() > end_s:
            raise BrokerError(f"no connection to the broker within {_CONNECT_S:.0f} s")
        time.sleep(0.01)
