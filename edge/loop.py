"""Daemon 1, its loop: camera -> faces -> tracks -> moods -> events -> MQTT.

Threads: the grabber's fills a one-slot box with the newest frame, the link owns the network, this loop does the rest.
Crash-only: what hangs is ended (stalled camera) or not fed (watchdog), and a fresh process is started by systemd.
"""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from edge.core import wire
from edge.core.audience import AudienceCounter
from edge.core.discovery import Discovery
from edge.core.heartbeat import Heartbeat
from edge.core.people import People
from edge.core.stats import StageTimes, latency
from edge.core.topics import OFFLINE, Topics
from edge.data import EmotionEvent, Frame, Health
from edge.errors import CameraStalled
from edge.grabber import Grabber
from edge.machine import CpuMeter, rss_mb, temperature_c, throttled
from edge.mqtt import Message, MqttLink, Received
from edge.notify import Notifier
from edge.privacy import PauseSwitch
from edge.report import Reporter
from edge.vision.emotion import EmotionClassifier
from edge.vision.finders import FaceFinder

_log = logging.getLogger(__name__)

_TICK_S = 0.2
"""Longest wait for a frame: how late a command, a heartbeat or SIGTERM may be noticed. It must end within 2 s."""
_STOP_S = 0.8
"""Each of camera and link may take this long to stop."""


@dataclass(frozen=True, slots=True)
class SenseSettings:
    """Times in seconds."""

    stall_s: float
    health_s: float
    heartbeat_s: float
    publish_people: bool
    """False: `audience` alone, nothing about single people."""
    live_clock: bool
    """Frames carry the monotonic clock; False for recordings played as fast as possible."""
    info: dict[str, object]
    """Effective settings with secrets masked, for `info`."""
    versions: dict[str, str]
    starts: int


@dataclass(frozen=True, slots=True)
class SenseParts:
    """Everything the loop drives, made by ``edge.sense``."""

    grabber: Grabber
    finder: FaceFinder
    classifier: EmotionClassifier
    people: People
    audience: AudienceCounter
    link: MqttLink
    reporter: Reporter
    topics: Topics
    discovery: Discovery | None
    switch: PauseSwitch
    notifier: Notifier


class SenseLoop:
    """The daemon. ``run`` returns when ``stop`` was called and raises when only a fresh process can help."""

    def __init__(self, parts: SenseParts, settings: SenseSettings) -> None:
        self._p = parts
        self._set = settings
        self._stopping = False
        self._heartbeat = Heartbeat(every_s=settings.heartbeat_s)
        self._times = StageTimes()
        self._cpu = CpuMeter()
        self._frame_t: deque[float] = deque(maxlen=256)
        self._ages_s: deque[float] = deque(maxlen=256)
        self._frames = 0
        self._frame_lag_s = 0.0
        self._health_s = -float("inf")
        self._audience_s = -float("inf")
        self._connects = 0
        self._camera: tuple[str, str] = ("", "")
        self._state: tuple[str, str] = ("", "")

    def stop(self) -> None:
        """Asks the loop to end; may be called from a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Runs until ``stop``. Raises CameraStalled, CameraMissing and bugs, having said `offline`."""
        begin_s = time.monotonic()
        self._introduce(begin_s)
        self._say_state("starting", "", begin_s)
        self._p.grabber.start()
        self._p.link.start()
        self._p.notifier.ready()
        try:
            while not self._stopping:
                frame = self._p.grabber.take(_TICK_S)
                now_s = time.monotonic()
                if frame is not None:
                    self._see(frame, now_s)
                self._tick(now_s)
                # Fed only here: a wedged inference never comes back to this line, and a camera that hangs raises
                # in _tick. A broker that is away does not matter.
                self._p.notifier.watchdog()
            self._say_state("stopping", "asked to", time.monotonic())
        finally:
            self._p.notifier.stopping()
            self._publish_events(self._p.people.leave(self._frame_time(time.monotonic())))
            self._p.link.stop(_STOP_S, last=Message(self._p.topics.availability, OFFLINE, retain=True))
            self._p.grabber.stop(_STOP_S)

    # --- one frame ---------------------------------------------------------------------------------------------------

    def _see(self, frame: Frame, now_s: float) -> None:
        if self._p.switch.paused:
            return  # was on its way when the switch was thrown
        if not self._set.live_clock:
            self._frame_lag_s = now_s - frame.t_s
        begin_s = time.perf_counter()
        faces = self._p.finder.find(frame.image)
        found_s = time.perf_counter()
        tracks = self._p.people.see(faces, frame.t_s)
        due = [track for track in tracks if self._p.people.readable(track)]
        tracked_s = time.perf_counter()
        probs = self._p.classifier.classify(frame.image, [track.face for track in due])
        read_s = time.perf_counter()
        events = self._p.people.read({track.id: p for track, p in zip(due, probs, strict=True)}, frame.t_s)
        self._publish_events(events)
        self._publish_now(now_s)
        done_s = time.perf_counter()
        self._times.add("find", found_s - begin_s)
        self._times.add("track", tracked_s - found_s)
        if due:
            self._times.add("classify", read_s - tracked_s)
        self._times.add("publish", done_s - read_s)
        self._frames += 1
        self._frame_t.append(now_s)
        self._ages_s.append(time.monotonic() - self._moment(frame.t_s))

    def _moment(self, frame_t_s: float) -> float:
        """Monotonic seconds of a frame's time."""
        return frame_t_s + self._frame_lag_s

    def _frame_time(self, now_s: float) -> float:
        return now_s - self._frame_lag_s

    # --- every turn of the loop --------------------------------------------------------------------------------------

    def _tick(self, now_s: float) -> None:
        self._watch_camera(now_s)
        self._obey(self._p.link.poll(), now_s)
        connects = self._p.link.stats().connects
        if connects != self._connects:
            self._connects = connects
            self._heartbeat.reset()  # what is retained the link says again by itself
        self._watch_state(now_s)
        self._publish_now(now_s)
        if now_s - self._health_s >= self._set.health_s:
            self._health_s = now_s
            self._p.reporter.health(self._health(now_s), now_s)

    def _watch_camera(self, now_s: float) -> None:
        hung_s = self._p.grabber.hung_s(now_s)
        if hung_s > self._set.stall_s:
            reason = f"no frame and no error for {hung_s:.0f} s"
            self._p.reporter.camera("stalled", reason, now_s)
            self._say_state("stopping", f"camera stalled: {reason}", now_s)
            raise CameraStalled(f"camera stalled: {reason}; ending, so that a fresh process opens it again")
        state, reason = self._p.grabber.state
        if (state, reason) == self._camera:
            return
        was_online = self._camera[0] == "online"
        self._camera = (state, reason)
        self._p.reporter.camera(state, reason, now_s)
        if was_online:
            self._publish_events(self._p.people.leave(self._frame_time(now_s)))

    def _watch_state(self, now_s: float) -> None:
        camera, reason = self._camera
        stats = self._p.link.stats()
        if self._p.switch.paused:
            self._say_state("paused", "by the privacy switch", now_s)
        elif camera != "online":
            if self._frames or camera != "absent" or reason != "opening":
                self._say_state("degraded", f"camera {camera}: {reason}", now_s)
        elif stats.takeover:
            taken = f"another client connects with this unit's client id, now using {stats.client_id}: set unit.id"
            self._say_state("degraded", taken, now_s)
        else:
            self._say_state("running", "", now_s)

    def _say_state(self, state: wire.UnitState, reason: str, now_s: float) -> None:
        if (state, reason) == self._state:
            return
        if state != self._state[0]:
            _log.info("%s%s", state, f": {reason}" if reason else "")
        self._state = (state, reason)
        self._p.reporter.state(state, reason, now_s)
        self._p.notifier.status(f"{state} {reason}".strip())

    def _publish_now(self, now_s: float) -> None:
        """The main person's emotion and the audience, when due."""
        people = self._p.people.now(self._frame_time(now_s))
        if self._set.publish_people and self._heartbeat.due(people, now_s):
            self._p.reporter.emotion(people, now_s)
        audience = self._p.audience.update(people, self._frame_time(now_s))
        if audience is not None and now_s - self._audience_s >= self._set.heartbeat_s:
            self._audience_s = now_s
            self._p.reporter.audience(audience, now_s)

    def _publish_events(self, events: Sequence[EmotionEvent]) -> None:
        if not self._set.publish_people:
            return
        for event in events:
            self._p.reporter.event(event, self._moment(event.t_s))

    def _introduce(self, now_s: float) -> None:
        """Somebody new may be listening: everything that is retained, and the current values."""
        if self._p.discovery is not None:
            self._p.reporter.discovery(self._p.discovery.topic, self._p.discovery.payload())
        info = self._set
        self._p.reporter.info(
            now_s, versions=info.versions, model_sha256=self._p.classifier.card.sha256, settings=info.info
        )
        self._p.reporter.privacy(paused=self._p.switch.paused)
        state, reason = self._p.grabber.state
        self._p.reporter.camera(state, reason, now_s)
        self._state = ("", "")
        self._heartbeat.reset()
        self._health_s = -float("inf")

    # --- commands ----------------------------------------------------------------------------------------------------

    def _obey(self, messages: Sequence[Received], now_s: float) -> None:
        for message in messages:
            if self._p.discovery is not None and message.topic == self._p.discovery.birth_topic:
                # Retained or not: Home Assistant just started, or we did.
                if message.payload == b"online" and not message.retained:
                    self._introduce(now_s)
            elif message.retained:
                _log.warning("retained message on %s ignored: commands must not be retained", message.topic)
            elif message.topic == self._p.topics.privacy_set:
                self._set_privacy(message.payload, now_s)
            else:
                self._answer(message)

    def _set_privacy(self, payload: bytes, now_s: float) -> None:
        paused = wire.parse_privacy_set(payload)
        if paused is None:
            _log.warning("privacy/set: ignored; allowed are `on` and `paused`")
            return
        self._p.switch.throw(paused=paused)
        if paused:
            self._p.grabber.pause()
            self._publish_events(self._p.people.leave(self._frame_time(now_s)))
        else:
            self._p.grabber.resume()
        self._p.reporter.privacy(paused=paused)

    def _answer(self, message: Received) -> None:
        verb = self._p.topics.verb(message.topic)
        if verb is None:
            return
        transaction: wire.Scalar = None
        try:
            request = json.loads(message.payload or b"{}")
            given = request.get("transaction")
            transaction = given if isinstance(given, (str, int)) else None
        except (ValueError, AttributeError):
            self._p.reporter.response(verb, wire.response("error", error="the payload must be a JSON object"))
            return
        if verb == "status":
            data = {"state": self._state[0], "reason": self._state[1], "camera": self._camera[0]}
            answer = wire.response("ok", data=data, transaction=transaction)
        else:
            answer = wire.response("error", error="unknown verb; there is: status", transaction=transaction)
        self._p.reporter.response(verb, answer)

    # --- health ------------------------------------------------------------------------------------------------------

    def _health(self, now_s: float) -> Health:
        stats = self._p.link.stats()
        recent = [t for t in self._frame_t if now_s - t <= min(self._set.health_s, 10.0)]
        span_s = recent[-1] - recent[0] if len(recent) > 1 else 0.0
        return Health(
            frames_per_s=(len(recent) - 1) / span_s if span_s > 0 else 0.0,
            frame_age_ms=latency(self._ages_s).p50_ms if self._ages_s else 0.0,
            frames_dropped=self._p.grabber.dropped,
            stages=self._times.latencies(),
            cpu_percent=self._cpu.percent(),
            rss_mb=rss_mb(),
            temperature_c=temperature_c(),
            throttled=throttled(),
            outbox_depth=stats.depth,
            outbox_dropped=stats.dropped,
            reconnects=stats.reconnects,
            camera_reopens=self._p.grabber.reopens,
            starts=self._set.starts,
        )
