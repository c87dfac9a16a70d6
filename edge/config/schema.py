"""The schema of the one YAML file. Every key says what it does, in which unit; defaults are the shipped behaviour.

``docs/configuration.md`` and ``config/moodcast.yaml`` are generated from it (``tools/make_config_docs.py``). Sections
about what is seen stand in ``sensing``, those about what comes of it in ``showing``, the others here.
Reading the file, with line numbers in every complaint, is ``edge.config.file``'s part. Only composition roots and the
command line import either.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from edge.config.section import Allowed, Section, TopicName, cross_key
from edge.config.sensing import Camera, Emotion, Faces, Mood, Schedule, Tracking
from edge.config.showing import Companion, Display, Kiosk, Speaker

Context = Literal[
    "retail", "museum", "hospitality", "event", "home", "vehicle-private", "research-consented", "demonstration"
]
_AI_ACT = "(AI Act, Regulation 2024/1689, Article 5(1)(f))"
REFUSED_CONTEXTS = {
    "workplace": f"inferring emotions of people at work is prohibited in the EU {_AI_ACT}",
    "education": f"inferring emotions in education is prohibited in the EU {_AI_ACT}",
}


class Unit(Section):
    """Who this device is on MQTT."""

    id: Annotated[str | None, Allowed("2-39 of a-z 0-9 _ -, beginning with a letter or digit")] = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9_-]{1,38}$",
        description="Name of this unit in topics. Empty: derived from a salted hash of the board's serial number, "
        "else of the machine id.",
    )
    name: str = Field("Moodcast", min_length=1, max_length=60, description="Name that people see, in Home Assistant.")


class Deployment(Section):
    """Where the camera looks. The law differs by place, so it must be named."""

    context: Context = Field(
        description="Kind of place the camera looks at. `workplace` and `education` are refused: the EU's AI Act "
        "prohibits inferring emotions there."
    )

    @field_validator("context", mode="before")
    @classmethod
    def _refuse_prohibited(cls, value: object) -> object:
        reason = REFUSED_CONTEXTS.get(value.strip().lower()) if isinstance(value, str) else None
        if reason:
            raise ValueError(f"`{value}` is refused: {reason}. Moodcast does not run there")
        return value


class Privacy(Section):
    """What is looked at and what is told."""

    start_paused: bool = Field(
        False, description="Begin paused (camera closed) on the very first start; later the last `privacy/set` counts."
    )
    events: bool = Field(True, description="Publish `event` and `emotion` of single people. false: `audience` alone.")
    audience_k: int = Field(
        3,
        ge=2,
        le=100,
        description="`audience` is published only when at least this many people were seen in its window.",
    )
    audience_window_s: float = Field(
        60.0, ge=5.0, le=3600.0, description="Length of the window of `audience`, in seconds."
    )


class Mqtt(Section):
    """The broker."""

    host: str = Field("127.0.0.1", min_length=1, description="Name or address of the broker.")
    port: int = Field(1883, ge=1, le=65535, description="Port of the broker; 8883 is usual with TLS.")
    username: str | None = Field(
        None, description="User name at the broker. The password comes from `password_file` or MOODCAST_MQTT_PASSWORD."
    )
    password_file: str | None = Field(
        None, description="File whose first line is the password. The environment variable MOODCAST_MQTT_PASSWORD wins."
    )
    tls: bool = Field(False, description="Encrypt the connection with TLS; most brokers then listen on port 8883.")
    ca_file: str | None = Field(
        None, description="Certificate authority of the broker (PEM); empty: those of the system."
    )
    base_topic: TopicName = Field(
        "moodcast", description="First part of every topic: `<base_topic>/<unit>/` and what is told."
    )
    protocol: Literal["auto", "5", "3.1.1"] = Field("auto", description="`auto` tries MQTT 5 and falls back to 3.1.1.")
    keepalive_s: int = Field(
        15,
        ge=5,
        le=600,
        description="Keep-alive of the connection, in seconds. The broker tells of a lost unit after 1.5 times this.",
    )
    outbox_max: int = Field(
        1000,
        ge=10,
        le=100000,
        description="Messages kept while the broker is away; the oldest are dropped, and counted.",
    )
    outbox_age_s: float = Field(
        300.0, ge=1.0, le=86400.0, description="Events older than this are not sent after an outage, in seconds."
    )
    reconnect_max_s: float = Field(
        30.0, ge=1.0, le=600.0, description="Longest wait between tries to connect, in seconds (with jitter)."
    )
    heartbeat_s: float = Field(
        5.0, ge=1.0, le=3600.0, description="`emotion` is repeated this often beside changes, in seconds."
    )
    emotion_expiry_s: int = Field(
        15, ge=1, le=3600, description="The broker discards an undelivered `emotion` after this many seconds (MQTT 5)."
    )
    health_s: float = Field(60.0, ge=1.0, le=3600.0, description="Seconds between `health` messages.")

    @field_validator("host")
    @classmethod
    def _name_alone(cls, value: str) -> str:
        if re.search(r"\s|/", value) or re.fullmatch(r"[^:]*:[0-9]*", value):
            raise ValueError("must be the broker's name or address alone: the port stands in `port`, TLS in `tls`")
        return value

    @model_validator(mode="after")
    def _encrypted(self) -> Mqtt:
        if self.ca_file and not self.tls:
            raise cross_key(["ca_file", "tls"], "`ca_file` has no effect without `tls: true`")
        return self


class HomeAssistant(Section):
    """Discovery by Home Assistant."""

    discovery: bool = Field(True, description="Announce the unit to Home Assistant.")
    prefix: TopicName = Field("homeassistant", description="Discovery prefix set in Home Assistant.")


class Daemon(Section):
    """The process itself."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe message that is logged; `debug` is much."
    )
    state_dir: str | None = Field(
        None,
        description="Folder for what survives a restart (the pause switch). Empty: $STATE_DIRECTORY of systemd, else "
        "~/.local/state/moodcast.",
    )


class Config(Section):
    """All of `moodcast.yaml`."""

    unit: Unit = Field(default_factory=Unit)
    deployment: Deployment
    camera: Camera = Field(default_factory=Camera)
    faces: Faces = Field(default_factory=Faces)
    emotion: Emotion = Field(default_factory=Emotion)
    tracking: Tracking = Field(default_factory=Tracking)
    mood: Mood = Field(default_factory=Mood)
    schedule: Schedule = Field(default_factory=Schedule)
    privacy: Privacy = Field(default_factory=Privacy)
    mqtt: Mqtt = Field(default_factory=Mqtt)
    home_assistant: HomeAssistant = Field(default_factory=HomeAssistant)
    companion: Companion = Field(default_factory=Companion)
    kiosk: Kiosk = Field(default_factory=Kiosk)
    display: Display = Field(default_factory=Display)
    speaker: Speaker = Field(default_factory=Speaker)
    daemon: Daemon = Field(default_factory=Daemon)


_IN_ADDRESS = re.compile(r"(\w+://)\S*@")
# Cheap IP cameras take the password in the address's path or query, GStreamer's rtspsrc in a property of its own.
_NAMED = re.compile(r"(?i)((?:pass(?:word|wd)?|pwd|user-pw|token|secret)\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s&\"']+)")


def mask_secrets(text: str) -> str:
    """Replaces secrets in addresses: ``rtsp://user:password@host/``, ``...?password=x``, ``rtspsrc user-pw=x``.

    Rather hides too much than too little: a password may itself hold ``@`` or ``/``.
    """
    return _NAMED.sub(r"\1***", _IN_ADDRESS.sub(r"\1***@", text))
