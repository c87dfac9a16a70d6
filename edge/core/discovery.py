"""How Home Assistant learns of a unit: one message describes the device and all its entities.

Format: "MQTT", section "MQTT discovery", device discovery payload (Home Assistant 2024.12 and later); key names may be
abbreviated as there. Home Assistant keeps nothing of this over its restart, so it is sent again at its birth message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from edge.core.topics import PRIVACY_ON, PRIVACY_PAUSED, Topics
from edge.core.wire import CameraState, UnitState
from edge.data import EMOTIONS, NOBODY, UNSURE

Component = dict[str, Any]
MISSED_HEARTBEATS = 4
"""After so many of them missing a value counts as unknown: one or two may be lost or late on a bad network."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """The announcement of one unit."""

    topics: Topics
    prefix: str
    """Discovery prefix set in Home Assistant."""
    name: str
    """Of the device, as people see it."""
    version: str
    heartbeat_s: float
    health_s: float
    people: bool
    """False: nothing about single people is published, so their entities are taken away."""

    @property
    def topic(self) -> str:
        """Where the announcement goes, retained."""
        return f"{self.prefix}/device/{self.device_id}/config"

    @property
    def birth_topic(self) -> str:
        """Where Home Assistant says ``online`` when it has started."""
        return f"{self.prefix}/status"

    @property
    def device_id(self) -> str:
        """Unique among the devices of one Home Assistant."""
        return self.topics.unit if self.topics.unit.startswith("moodcast") else f"moodcast-{self.topics.unit}"

    def payload(self) -> dict[str, Any]:
        """The announcement."""
        components = {**self._people(), **self._audience(), **self._service(), **self._diagnostics()}
        return {
            "dev": {
                "ids": [self.device_id],
                "name": self.name,
                "mf": "Moodcast",
                "mdl": "Emotion sensor",
                "sw": self.version,
            },
            "o": {"name": "moodcast", "sw": self.version},
            "avty_t": self.topics.availability,
            "qos": 1,
            "cmps": {key: self._named(key, component) for key, component in components.items()},
        }

    def _named(self, key: str, component: Component) -> Component:
        # A component with nothing but its platform tells Home Assistant to remove it.
        return component if set(component) == {"p"} else {**component, "unique_id": f"{self.device_id}_{key}"}

    def _people(self) -> dict[str, Component]:
        heartbeat = {"expire_after": _whole(MISSED_HEARTBEATS * self.heartbeat_s), "state_topic": self.topics.emotion}
        found: dict[str, Component] = {
            "mood": {
                **heartbeat,
                **_options("Mood", (*EMOTIONS, UNSURE, NOBODY), "emotion"),
                "icon": "mdi:emoticon-outline",
            },
            "confidence": {
                **heartbeat,
                **_number("Confidence", "%"),
                "value_template": (
                    "{{ 'None' if value_json.confidence is none else (value_json.confidence * 100) | round(0) | int }}"
                ),
                "icon": "mdi:gauge",
            },
            "face_present": {
                **heartbeat,
                "p": "binary_sensor",
                "name": "Face present",
                "device_class": "occupancy",
                "value_template": f"{{{{ 'OFF' if value_json.emotion == '{NOBODY}' else 'ON' }}}}",
            },
            "event": {
                "p": "event",
                "name": "Emotion",
                "state_topic": self.topics.event,
                "event_types": ["start", "update", "end"],
                "icon": "mdi:emoticon-happy-outline",
            },
        }
        return found if self.people else {key: {"p": component["p"]} for key, component in found.items()}

    def _audience(self) -> dict[str, Component]:
        common = {
            "expire_after": _whole(MISSED_HEARTBEATS * self.heartbeat_s),
            "state_topic": self.topics.audience,
            "enabled_by_default": not self.people,  # says nothing at home, where k people are seldom in view
        }
        return {
            "audience_in_view": {**common, **_number("People in view", "people", "in_view")},
            "audience_seen": {**common, **_number("People seen", "people", "seen")},
            "audience_valence": {**common, **_number("Audience valence", None, "valence")},
            "audience_arousal": {**common, **_number("Audience arousal", None, "arousal")},
        }

    def _service(self) -> dict[str, Component]:
        return {
            "paused": {
                "p": "switch",
                "name": "Paused",
                "state_topic": self.topics.privacy_state,
                "command_topic": self.topics.privacy_set,
                "payload_on": PRIVACY_PAUSED,
                "payload_off": PRIVACY_ON,
                "icon": "mdi:eye-off-outline",
            }
        }

    def _diagnostics(self) -> dict[str, Component]:
        every = {
            "expire_after": _whole(3 * self.health_s),
            "state_topic": self.topics.health,
            "entity_category": "diagnostic",
        }
        said = {"entity_category": "diagnostic"}
        return {
            "fps": {**every, **_number("Frames per second", "fps", "frames_per_s")},
            "temperature": {**every, **_number("Temperature", "°C", "temperature_c"), "device_class": "temperature"},
            "rss": {**every, **_number("Memory", "MB", "rss_mb"), "device_class": "data_size"},
            "outbox": {**every, **_number("Messages waiting", "messages", "outbox_depth")},
            "camera": {**said, **_options("Camera", get_args(CameraState)), "state_topic": self.topics.camera},
            "state": {**said, **_options("State", get_args(UnitState)), "state_topic": self.topics.state},
        }


def _number(name: str, unit: str | None, field: str | None = None) -> Component:
    # A null renders as `None`, which Home Assistant reads as unknown.
    found: Component = {"p": "sensor", "name": name, "state_class": "measurement"}
    if unit is not None:
        found["unit_of_measurement"] = unit
    if field is not None:
        found["value_template"] = f"{{{{ value_json.{field} }}}}"
    return found


def _options(name: str, options: tuple[str, ...], field: str = "state") -> Component:
    return {
        "p": "sensor",
        "name": name,
        "device_class": "enum",
        "options": list(options),
        "value_template": f"{{{{ value_json.{field} }}}}",
    }


def _whole(seconds: float) -> int:
    return max(1, round(seconds))
