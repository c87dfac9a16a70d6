"""Daemon 1, its loop: camera -> faces -> tracks -> moods -> events -> MQTT.

Threads: the grabber's fills a one-slot box with the newest frame, the link owns the network, this loop does the rest.
Crash-only: what hangs is ended (stalled camera) or not fed (watchdog), and a fresh process is started by systemd.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from edge.core import wire
from edge.core.heartbeat import Heartbeat
from edge.core.topics import OFFLINE
from edge.data import EmotionEvent, Frame
from edge.errors import CameraStalled
from edge.machine import throttled
from edge.mqtt import Message, Received
from edge.operation import Operation, Told
from edge.sense_parts import SenseParts, SenseSettings
from edge.vision.finders import FaceFinder
from edge.vitals import Vitals

_log = logging.getLogger(__name__)

_TICK_S = 0.2
"""Longest wait for a frame: how late a command, a heartbeat or SIGTERM may be noticed. It must end within 2 s."""
_THROTTLE_S = 5.0
"""The processor is asked so often whether it is slowed down; heat comes and goes over many seconds."""
_STOP_S = 0.8
"""Each of camera and link may take this long to stop."""


class SenseLoop:
    """The daemon. ``run`` returns when ``stop`` was called and raises when only a fresh process can help."""

    def __init__(self, parts: SenseParts, settings: SenseSettings) -> None:
        self._p = parts
        self._set = settings
        self._stopping = False
        self.restarting = False
        """``run`` returned because it was asked to over MQTT: the process is to be started again."""
        self._heartbeat = Heartbeat(every_s=settings.heartbeat_s)
        self._watch = parts.watch
        self._people = parts.watch.people
        self._vitals = Vitals(parts.watch, starts=parts.starts)
        self._operation = Operation(
            parts, self._vitals, told=self._told, take_over=self._take_over, restart=self._restart
        )
        self._frame_lag_s = 0.0
        self._health_s = -float("inf")
        self._throttle_s = -float("inf")
        self._audience_s = -float("inf")
        self._connects = 0
        self._camera: tuple[str, str] = ("", "")
        self._state: tuple[str, str] = ("", "")

    def stop(self) -> None:
        """Asks the loop to end; may be called from a signal handler."""
        self._stopping = True

    def ask_reload(self) -> None:
        """Asks the loop to read its configuration again; may be called from a signal handler."""
        self._operation.reload_asked = True

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
                self._tick(now_s, seen=frame is not None)
                # Fed only here: a wedged inference never comes back to this line, and a camera that hangs raises
                # in _tick. A broker that is away does not matter.
                self._p.notifier.watchdog()
            self._say_state("stopping", "to start again" if self.restarting else "asked to", time.monotonic())
        finally:
            self._p.notifier.stopping()
            self._publish_events(self._people.leave(self._frame_time(time.monotonic())))
            self._p.link.stop(_STOP_S, last=Message(self._p.topics.availability, OFFLINE, retain=True))
            self._p.grabber.stop(_STOP_S)

    # --- one frame ---------------------------------------------------------------------------------------------------

    def _see(self, frame: Frame, now_s: float) -> None:
        if self._p.switch.paused:
            return  # was on its way when the switch was thrown
        if not self._set.live_clock:
            self._frame_lag_s = now_s - frame.t_s
        looks = self._watch.looks
        events = self._watch.frame(frame, late_s=now_s - self._moment(frame.t_s), live=self._set.live_clock)
        self._p.grabber.want(self._watch.schedule.camera_hz(frame.t_s))
        self._publish_events(events)
        looked = self._watch.looks > looks
        self._vitals.frame(now_s, age_s=time.monotonic() - self._moment(frame.t_s) if looked else None)

    def _moment(self, frame_t_s: float) -> float:
        """Monotonic seconds of a frame's time."""
        return frame_t_s + self._frame_lag_s

    def _frame_time(self, now_s: float) -> float:
        return now_s - self._frame_lag_s

    # --- every turn of the loop --------------------------------------------------------------------------------------

    def _tick(self, now_s: float, *, seen: bool) -> None:
        self._watch_camera(now_s)
        self._obey(self._p.link.poll(), now_s)
        self._operation.reload_if_asked(now_s)
        connects = self._p.link.stats().connects
        if connects != self._connects:
            self._connects = connects
            self._heartbeat.reset()  # what is retained the link says again by itself
        self._watch_state(now_s)
        begin_s = time.perf_counter()
        self._publish_now(now_s)
        if seen:
            self._watch.times.add("publish", time.perf_counter() - begin_s)
        if now_s - self._throttle_s >= _THROTTLE_S:
            self._throttle_s = now_s
            self._watch.schedule.throttle(throttled=bool(throttled()))
        if now_s - self._health_s >= self._set.health_s:
            self._health_s = now_s
            stats = self._p.link.stats()
            health = self._vitals.health(now_s, grabber=self._p.grabber, link=stats)
            self._p.reporter.health(health, now_s)

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
            self._publish_events(self._people.leave(self._frame_time(now_s)))

    def _watch_state(self, now_s: float) -> None:
        camera, reason = self._camera
        stats = self._p.link.stats()
        if self._p.switch.paused:
            self._say_state("paused", "by the privacy switch", now_s)
        elif camera != "online":
            if self._vitals.frames or camera != "absent" or reason != "opening":
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
        people = self._people.now(self._frame_time(now_s))
        if self._set.publish_people and self._heartbeat.due(people, now_s):
            self._p.reporter.emotion(people, now_s)
        audience = self._p.audience.update(people, self._frame_time(now_s))
        if audience is not None and now_s - self._audience_s >= self._set.heartbeat_s:
            self._audience_s = now_s
            self._p.reporter.audience(audience, now_s)

    def _publish_events(self, events: Sequence[EmotionEvent]) -> None:
        if not self._set.publish_people:
            return
        self._vitals.events += len(events)
        for event in events:
            self._p.reporter.event(event, self._moment(event.t_s))

    def _introduce(self, now_s: float) -> None:
        """Somebody new may be listening: everything that is retained, and the current values."""
        if self._set.discovery is not None:
            self._p.reporter.discovery(self._set.discovery.topic, self._set.discovery.payload())
        self._say_info(now_s)
        self._p.reporter.privacy(paused=self._p.switch.paused)
        state, reason = self._p.grabber.state
        self._p.reporter.camera(state, reason, now_s)
        self._state = ("", "")
        self._heartbeat.reset()
        self._health_s = -float("inf")

    def _say_info(self, now_s: float) -> None:
        info, sha256 = self._set, self._watch.classifier.card.sha256
        self._p.reporter.info(now_s, versions=info.versions, model_sha256=sha256, settings=info.info)

    # --- commands ----------------------------------------------------------------------------------------------------

    def _obey(self, messages: Sequence[Received], now_s: float) -> None:
        for message in messages:
            verb = self._p.topics.verb(message.topic)
            if message.topic == self._p.birth_topic:
                # A retained one is older than our own start, where everything was told.
                if self._set.discovery is not None and message.payload == b"online" and not message.retained:
                    self._introduce(now_s)
            elif message.retained:
                _log.warning("retained message on %s ignored: commands must not be retained", message.topic)
            elif message.topic == self._p.topics.privacy_set:
                self._set_privacy(message.payload, now_s)
            elif verb is not None:
                self._operation.requests.take(verb, message.payload)

    def _set_privacy(self, payload: bytes, now_s: float) -> None:
        paused = wire.parse_privacy_set(payload)
        if paused is None:
            _log.warning("privacy/set: ignored; allowed are `on` and `paused`")
            return
        self._p.switch.throw(paused=paused)
        if paused:
            self._p.grabber.pause()
            self._publish_events(self._people.leave(self._frame_time(now_s)))
        else:
            self._p.grabber.resume()
        self._p.reporter.privacy(paused=paused)

    def _told(self) -> Told:
        return Told(self._state, self._camera, self._set)

    def _restart(self) -> None:
        self.restarting = True
        self.stop()

    def _take_over(self, new: SenseSettings, finder: FaceFinder | None, now_s: float) -> None:
        """The settings of a reload, without losing anybody in view."""
        old, parts = self._set, self._p
        if old.publish_people != new.publish_people:
            # Who listens hears an end for each start, and starts anew when people are told again.
            self._publish_events(self._people.release(self._frame_time(now_s)))
        self._set = new
        self._vitals.reloads += 1
        self._watch.finder = finder or self._watch.finder
        self._watch.schedule.change(new.schedule)
        self._watch.usable_min = new.usable_min
        self._people.change(new.people)
        parts.audience.change(k=new.audience_k, window_s=new.audience_window_s)
        parts.reporter.change(new.report)
        self._heartbeat = Heartbeat(every_s=new.heartbeat_s)
        if new.log_level != old.log_level:
            logging.getLogger().setLevel(new.log_level.upper())
        if new.discovery != old.discovery:
            self._announce(old, new)
        self._say_info(now_s)

    def _announce(self, old: SenseSettings, new: SenseSettings) -> None:
        if new.discovery is not None:
            self._p.reporter.discovery(new.discovery.topic, new.discovery.payload())
        elif old.discovery is not None:
            self._p.reporter.discovery(old.discovery.topic, "")
