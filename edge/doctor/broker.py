"""Whether the broker is there, lets us in, and lets us speak under our own topics; and what the unit says there."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from edge.core.topics import ONLINE, Topics
from edge.doctor.check import Check, green, red
from edge.mqtt import LinkStats, Message, MqttLink, MqttSettings

_CALM_S = 0.3
"""Retained messages come right after the subscription."""


@dataclass(frozen=True, slots=True)
class BrokerFound:
    """The check, and what the unit's running daemon says."""

    check: Check
    heard: dict[str, str] = field(default_factory=dict)
    """Retained texts by topic."""

    def camera_online(self, topics: Topics) -> bool:
        """Whether a daemon runs that holds the camera."""
        said = self.heard.get(topics.camera, "")
        return self.heard.get(topics.availability) == ONLINE and '"state":"online"' in said


def broker_check(settings: MqttSettings, topics: Topics, *, wait_s: float = 8.0) -> BrokerFound:
    """Publishes to a scratch topic under the unit, not retained, and reads it back."""
    scratch, token = f"{topics.root}/doctor", secrets.token_hex(8)
    link = _link(settings, scratch, token, [scratch, topics.availability, topics.camera])
    heard: dict[str, str] = {}
    link.start()
    try:
        stats = _until(link, heard, lambda: heard.get(scratch) == token, wait_s)
        if heard.get(scratch) == token:
            _until(link, heard, lambda: False, _CALM_S)
    finally:
        link.stop(0.5)
    where = f"{settings.host}:{settings.port}"
    if heard.pop(scratch, None) == token:
        said = f"{where}, MQTT {stats.protocol}, publishes and hears its own topics"
        return BrokerFound(green("broker", said), heard)
    return BrokerFound(_red(where, settings, topics, stats))


def ask(settings: MqttSettings, topics: Topics, verb: str, *, wait_s: float = 5.0) -> dict[str, Any] | None:
    """The running daemon's answer to ``request/<verb>``; None when none comes."""
    transaction = secrets.token_hex(8)
    link = _link(settings, f"{topics.root}/doctor", transaction, [topics.response(verb)])
    answers: list[dict[str, Any]] = []
    link.start()
    link.publish(topics.request(verb), {"transaction": transaction}, max_age_s=wait_s)
    end_s = time.monotonic() + wait_s
    try:
        while time.monotonic() < end_s and not answers and "cannot connect" not in (link.stats().last_error or ""):
            told = [json.loads(m.payload) for m in link.poll() if m.topic == topics.response(verb)]
            answers = [answer for answer in told if answer.get("transaction") == transaction]
            time.sleep(0.02)
    finally:
        link.stop(0.5)
    return answers[0] if answers else None


def _link(settings: MqttSettings, scratch: str, token: str, subscriptions: Sequence[str]) -> MqttLink:
    # An id of its own: the daemon's would throw the daemon out.
    own = replace(settings, client_id=f"moodcast-doctor-{secrets.token_hex(3)}")
    will = Message(scratch, "done", qos=0)
    return MqttLink(own, will=will, birth=Message(scratch, token), subscriptions=subscriptions)


def _until(link: MqttLink, heard: dict[str, str], done: Callable[[], bool], wait_s: float) -> LinkStats:
    """Listens until ``done``, or it is clear that nothing will come, at most ``wait_s``."""
    end_s = time.monotonic() + wait_s
    while True:
        heard.update({m.topic: m.payload.decode(errors="replace") for m in link.poll()})
        stats = link.stats()
        hopeless = stats.login_refused or "cannot connect" in (stats.last_error or "")
        if done() or hopeless or time.monotonic() > end_s:
            return stats
        time.sleep(0.02)


def _red(where: str, settings: MqttSettings, topics: Topics, stats: LinkStats) -> Check:
    if stats.login_refused:
        remedy = (
            f"correct mqtt.username ({settings.username or 'not set'}) and the password in mqtt.password_file or "
            "MOODCAST_MQTT_PASSWORD; on the broker: mosquitto_passwd FILE USER, then restart it"
        )
        return red("broker", f"{where}: login refused: wrong user name or password", remedy)
    if stats.connected or stats.connects:
        remedy = f"give the user this line in the broker's access list: topic readwrite {topics.root}/#"
        why = stats.last_error or f"what is published under {topics.root} does not come back"
        return red("broker", f"{where}: connected, without rights: {why}", remedy)
    if "not permitted" in (stats.last_error or ""):
        remedy = (
            "the service reaches this device and local networks only: run tools/install again, which opens it for "
            "mqtt.host, or allow the address: systemctl edit moodcast-sense, [Service], IPAddressAllow=ADDRESS"
        )
        return red("broker", f"{where}: {stats.last_error}", remedy)
    remedy = (
        "start the broker (systemctl start mosquitto), or correct mqtt.host, mqtt.port and mqtt.tls; look at cable, "
        "Wi-Fi and the broker's firewall"
    )
    return red("broker", f"{where}: {stats.last_error or 'no answer'}", remedy)
