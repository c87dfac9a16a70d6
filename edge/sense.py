"""Daemon 1, the composition root: from the configuration to a wired ``SenseLoop``."""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import time
from functools import partial
from importlib import metadata
from pathlib import Path

import cv2

from edge import __version__
from edge.camera.table import make_camera
from edge.compose import camera_settings, face_finder, people_settings, schedule_settings, usable_min
from edge.config.file import effective
from edge.config.schema import Config, mask_secrets
from edge.core.audience import AudienceCounter
from edge.core.discovery import Discovery
from edge.core.people import People
from edge.core.schedule import Schedule
from edge.core.stamp import Stamper
from edge.core.topics import OFFLINE, ONLINE, Topics
from edge.daemon import mqtt_settings, state_dir, unit_id
from edge.grabber import Grabber
from edge.logs import RecentProblems
from edge.loop import SenseLoop
from edge.machine import return_free_memory
from edge.mqtt import Message, MqttLink
from edge.notify import Notifier
from edge.paths import model_path
from edge.privacy import PauseSwitch, save_or_warn
from edge.reloading import Reloader
from edge.report import Reporter, ReportSettings
from edge.sense_parts import SenseParts, SenseSettings
from edge.store import StateFile
from edge.unit_id import client_id
from edge.vision.emotion import EmotionClassifier
from edge.vision.model import Card
from edge.watch import Watch


def build_sense(config: Config, *, path: Path | None = None, recent: RecentProblems | None = None) -> SenseLoop:
    """All parts of the daemon, wired. Nothing is started or opened but the model files.

    ``path``: the file of ``config``, read again on request; ``recent``: the newest warnings, for diagnostics.
    Raises ConfigError, ModelError, CameraMissing.
    """
    start_s = time.monotonic()
    cv2.setNumThreads(1)  # one core for the daemon; the others belong to the kiosk's browser
    folder = state_dir(config)
    state = StateFile(folder / "sense.json")
    topics = Topics(config.mqtt.base_topic, unit_id(config, folder))
    classifier = EmotionClassifier(model_path(config.emotion.model), threads=config.emotion.threads)
    stamper = Stamper(topics.unit, secrets.token_hex(8), start_s)
    # Heard also while discovery is off: a reload may switch it on.
    birth_topic = _discovery(config, topics).birth_topic
    link = _link(config, topics, birth_topic)
    settings = partial(_sense_settings, topics=topics, card=classifier.card)
    first = settings(config)
    switch = PauseSwitch(state, start_paused=config.privacy.start_paused)
    camera = make_camera(camera_settings(config))
    parts = SenseParts(
        grabber=Grabber(camera, reopen_max_s=config.camera.reopen_max_s, paused=switch.paused),
        watch=Watch(face_finder(config), classifier, People(first.people), Schedule(first.schedule), first.usable_min),
        audience=AudienceCounter(k=first.audience_k, window_s=first.audience_window_s),
        link=link,
        reporter=Reporter(link, topics, stamper, first.report),
        topics=topics,
        birth_topic=birth_topic,
        switch=switch,
        notifier=Notifier(),
        reload=Reloader(path, config, settings=settings, finder=face_finder),
        recent=recent or RecentProblems(mask_secrets),
        starts=_count_start(state),
        supervised=_supervised(),
    )
    loop = SenseLoop(parts, first)
    return_free_memory()
    return loop


def _link(config: Config, topics: Topics, birth_topic: str) -> MqttLink:
    return MqttLink(
        mqtt_settings(config, client_id("sense", topics.unit)),
        will=Message(topics.availability, OFFLINE, retain=True),
        birth=Message(topics.availability, ONLINE, retain=True),
        subscriptions=[topics.privacy_set, topics.requests, birth_topic],
    )


def _sense_settings(config: Config, *, topics: Topics, card: Card) -> SenseSettings:
    recording = config.camera.source in ("video", "images", "demo")
    pace_s = 1.0 / config.camera.rate_hz if config.camera.source == "images" else 0.0
    return SenseSettings(
        stall_s=max(config.camera.stall_s, 3.0 * pace_s),  # a slow folder of images is not a hung camera
        health_s=config.mqtt.health_s,
        heartbeat_s=config.mqtt.heartbeat_s,
        publish_people=config.privacy.events,
        live_clock=config.camera.realtime or not recording,
        people=people_settings(config),
        usable_min=usable_min(config, card),
        schedule=schedule_settings(config),
        audience_k=config.privacy.audience_k,
        audience_window_s=config.privacy.audience_window_s,
        report=ReportSettings(
            model=card.sha256[:8],
            event_max_age_s=config.mqtt.outbox_age_s,
            emotion_expiry_s=config.mqtt.emotion_expiry_s,
        ),
        discovery=_discovery(config, topics) if config.home_assistant.discovery else None,
        log_level=config.daemon.log_level,
        info=effective(config),
        versions=versions(),
    )


def _supervised() -> bool:
    """Whether systemd or a container's engine starts the process again.

    systemd.exec(5): NOTIFY_SOCKET is set for our kind of service; SYSTEMD_EXEC_PID names the process that systemd
    itself started, so a shell of a desktop, which inherits it, does not count.
    """
    own = str(os.getpid())
    return bool(os.environ.get("NOTIFY_SOCKET")) or own in ("1", os.environ.get("SYSTEMD_EXEC_PID"))


def _count_start(state: StateFile) -> int:
    """How often the service has been started on this device, this time included."""
    stored = state.load()
    before = stored.get("starts")
    starts = (before if isinstance(before, int) else 0) + 1
    save_or_warn(state, {**stored, "starts": starts})
    return starts


def _discovery(config: Config, topics: Topics) -> Discovery:
    return Discovery(
        topics,
        prefix=config.home_assistant.prefix,
        name=config.unit.name,
        version=__version__,
        heartbeat_s=config.mqtt.heartbeat_s,
        health_s=config.mqtt.health_s,
        people=config.privacy.events,
    )


def versions() -> dict[str, str]:
    """Versions of Moodcast and of what it stands on, as installed."""
    packages = ["numpy", "opencv-python-headless", "ai-edge-litert", "tflite-runtime", "paho-mqtt", "pydantic"]
    found = {"moodcast": __version__, "python": platform.python_version()}
    for package in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found
