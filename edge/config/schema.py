"""The schema of the one YAML file. Every key says what it does, in which unit; defaults are the shipped behaviour.

``docs/configuration.md`` and ``config/moodcast.yaml`` are generated from this module (``tools/make_config_docs.py``).
Reading the file, with line numbers in every complaint, is ``edge.config.file``'s part. Only composition roots and the
command line import either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

SourceName = Literal["picamera2", "v4l2", "video", "images", "gst", "demo"]
Context = Literal[
    "retail", "museum", "hospitality", "event", "home", "vehicle-private", "research-consented", "demonstration"
]
_AI_ACT = "(AI Act, Regulation 2024/1689, Article 5(1)(f))"
REFUSED_CONTEXTS = {
    "workplace": f"inferring emotions of people at work is prohibited in the EU {_AI_ACT}",
    "education": f"inferring emotions in education is prohibited in the EU {_AI_ACT}",
}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a key takes, in an installer's words, where type and range do not say it."""

    words: str


Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
TopicName = Annotated[
    str,
    Field(pattern=r"^[^\s/+#$]([^\s+#]*[^\s/+#])?$", max_length=200),
    Allowed("a topic without spaces, `+`, `#`, without `$` in front and without `/` at either end"),
]


def cross_key(keys: list[str], text: str) -> PydanticCustomError:
    """A mistake that lies between keys of one section, not in one value. ``keys``: those that must change."""
    return PydanticCustomError("cross_key", "{text}", {"text": text, "keys": keys})


class Section(BaseModel):
    """A part of the file: unknown keys are mistakes, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


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


class RegionOfInterest(Section):
    """The part of the picture that is looked at, as fractions of its width and height, after rotation and mirror."""

    x: Fraction = Field(0.0, description="Left edge, fraction of the width.")
    y: Fraction = Field(0.0, description="Top edge, fraction of the height.")
    width: float = Field(1.0, gt=0.0, le=1.0, description="Width, fraction of the picture's width.")
    height: float = Field(1.0, gt=0.0, le=1.0, description="Height, fraction of the picture's height.")

    @model_validator(mode="after")
    def _inside(self) -> RegionOfInterest:
        for start, size in (("x", "width"), ("y", "height")):
            reach = getattr(self, start) + getattr(self, size)
            if reach > 1.0 + 1e-9:  # 0.7 + 0.3 may be a rounding error above 1
                raise cross_key(
                    [size, start],
                    f"reaches beyond the picture: `{start}` + `{size}` is {reach:.4g} and must not exceed 1",
                )
        return self


class Camera(Section):
    """Where the pictures come from."""

    source: SourceName = Field(
        "demo",
        description="`picamera2` Raspberry Pi camera; `v4l2` USB camera; `video` file or RTSP address; `images` "
        "folder; `gst` GStreamer pipeline (Jetson's CSI camera); `demo` the bundled clip.",
    )
    device: str = Field(
        "0",
        description="v4l2: number N of /dev/videoN, or a path such as /dev/v4l/by-id/...; picamera2: number of the "
        "camera.",
    )
    path: str | None = Field(
        None,
        description="video: file or rtsp:// address (`${NAME}` is taken from the environment, for passwords); images: "
        "folder. Relative to the folder of the configuration file.",
    )
    pipeline: str | None = Field(
        None,
        description="gst: pipeline without its sink, e.g. `nvarguscamerasrc ! nvvidconv ! video/x-raw,format=BGRx`.",
    )
    width_px: int = Field(
        640,
        ge=64,
        le=4096,
        description="Width asked of a live camera, in pixels. Larger sees faces further away and is slower.",
    )
    height_px: int = Field(480, ge=64, le=4096, description="Height asked of a live camera, in pixels.")
    rate_hz: float = Field(
        15.0,
        gt=0.0,
        le=120.0,
        description="Frames a second asked of a live camera; for `images`, the pace of the folder.",
    )
    realtime: bool = Field(
        True, description="video, images, demo: at the pace of the recording; false: as fast as possible."
    )
    loop: bool = Field(
        False,
        description="video, images, demo: begin again at the end; false: ends once, then is reopened with back-off.",
    )
    rotation_deg: Literal[0, 90, 180, 270] = Field(0, description="Clockwise rotation of the picture, in degrees.")
    mirror: bool = Field(False, description="Mirror left and right, after the rotation.")
    region: RegionOfInterest = Field(
        default_factory=RegionOfInterest, description="Part of the picture that is looked at."
    )
    stall_s: float = Field(
        10.0,
        ge=1.0,
        le=120.0,
        description="Seconds without a frame after which the process ends, to be started afresh.",
    )
    reopen_max_s: float = Field(
        30.0, ge=1.0, le=600.0, description="Longest wait between tries to reopen a source that failed, in seconds."
    )

    @model_validator(mode="after")
    def _complete(self) -> Camera:
        needs = {"video": "path", "images": "path", "gst": "pipeline"}.get(self.source)
        if needs and not getattr(self, needs):
            raise cross_key([needs, "source"], f"source `{self.source}` needs the key `{needs}`")
        is_path = self.device.startswith("/") and self.source == "v4l2"
        if self.source in ("v4l2", "picamera2") and not (is_path or re.fullmatch(r"[0-9]{1,4}", self.device)):
            allowed = "a number or a path such as /dev/v4l/by-id/..." if self.source == "v4l2" else "a number"
            raise cross_key(["device", "source"], f"source `{self.source}` takes {allowed} as `device`")
        return self


class Faces(Section):
    """How faces are found."""

    back_end: Literal["own", "haar", "yunet"] = Field(
        "own",
        description="`own` is Moodcast's own int8 network, with landmarks; `haar` ships with OpenCV; `yunet` needs "
        "`yunet_file`.",
    )
    yunet_file: str | None = Field(None, description="Path of the YuNet model (.onnx) for `back_end: yunet`.")
    min_face_px: int = Field(
        40, ge=16, le=1000, description="Smallest face searched for, shorter side in pixels. Larger is faster."
    )
    score_min: Fraction = Field(
        0.7,
        description="own, yunet: faces with a lower score are dropped. Higher: fewer false faces, more missed ones.",
    )
    haar_neighbours: int = Field(
        5, ge=1, le=30, description="haar: overlapping hits needed. Higher: fewer false faces, more missed ones."
    )

    @model_validator(mode="after")
    def _complete(self) -> Faces:
        if self.back_end == "yunet" and not self.yunet_file:
            raise cross_key(["yunet_file", "back_end"], "back_end `yunet` needs the key `yunet_file`")
        return self


class Emotion(Section):
    """The network that reads a face."""

    model: str = Field(
        "emotion", description="Name of a shipped model, or path of a .tflite file with its .yaml card beside it."
    )
    threads: int = Field(
        1, ge=1, le=16, description="Threads of the network. One is enough and leaves the others to the rest."
    )
    min_face_px: int = Field(
        24, ge=12, le=1000, description="Faces with a shorter side below this are followed but not read, in pixels."
    )
    usable_min: float | None = Field(
        None,
        ge=0.0,
        le=1.0,
        description="What the network finds less usable than this (0-1: background, false alarms, faces that cannot be "
        "read) is followed but not read. 0 reads everything. Empty: the threshold of the model's card.",
    )


class Tracking(Section):
    """How people are followed from frame to frame."""

    max_lost_s: float = Field(0.7, ge=0.0, le=10.0, description="A person out of sight for longer is gone, in seconds.")
    confirm_s: float = Field(
        0.25,
        ge=0.0,
        le=5.0,
        description="A face counts as a person once seen for this long, in seconds. Drops false alarms.",
    )
    min_iou: float = Field(
        0.2,
        gt=0.0,
        lt=1.0,
        description="Overlap (intersection over union) by which a face belongs to a person. "
        "Higher: safer from mix-ups, more "
        "people lost in quick movement.",
    )
    # The weights of the main face: size says who stands nearest, within the some per cent by which boxes jitter, so it
    # leads; 0.1 of margin is then, with the rest alike, a face larger by a seventh to a fifth (edge/core/main_face.py).
    main_size_weight: float = Field(
        0.6, ge=0.0, le=1.0, description="The main person: weight of the face's size. Only proportions count."
    )
    main_centre_weight: float = Field(
        0.25, ge=0.0, le=1.0, description="The main person: weight of standing in the middle of the picture."
    )
    main_time_weight: float = Field(
        0.15, ge=0.0, le=1.0, description="The main person: weight of the time in view; 5 s and more count alike."
    )
    main_margin: Fraction = Field(
        0.1, description="Another person becomes the main one when better by this much, 0-1. Higher: fewer changes."
    )
    # Of 8,387 photographs, whose people mostly look near the camera, 90 % lie within 25 degrees of yaw and 98.6 %
    # within 15 of pitch; the error of a pose is about 4 and 3 degrees (tools/evaluate_pose.py, 2026-11).
    attention_yaw_deg: float = Field(
        25.0,
        ge=5.0,
        le=80.0,
        description="`attention` falls to one half when the head is turned this far to the side, in degrees.",
    )
    attention_pitch_deg: float = Field(
        20.0,
        ge=5.0,
        le=80.0,
        description="Likewise when it is raised or lowered this far, in degrees. The camera should be near the screen.",
    )

    @model_validator(mode="after")
    def _some_weight(self) -> Tracking:
        if self.main_size_weight + self.main_centre_weight + self.main_time_weight <= 0:
            raise cross_key(
                ["main_size_weight", "main_centre_weight", "main_time_weight"],
                "the three weights of the main person must not all be 0",
            )
        return self


class Mood(Section):
    """How readings become a mood, and a mood an event."""

    tau_s: float = Field(
        0.27, gt=0.0, le=10.0, description="Time constant of the smoothing, in seconds. Larger: calmer and later."
    )
    confidence_min: Fraction = Field(
        0.38,
        description="Below this largest probability nothing is concluded (`abstain`). Higher: fewer and surer moods.",
    )
    enter: Fraction = Field(
        0.4, description="An emotion begins once its probability stays at or above this for `dwell_s`."
    )
    leave: Fraction = Field(
        0.12,
        description="An emotion ends once its probability stays below this for `release_s`, or once another begins.",
    )
    dwell_s: float = Field(
        0.3, ge=0.0, le=10.0, description="How long an emotion must hold before it begins, in seconds."
    )
    release_s: float = Field(1.2, ge=0.0, le=10.0, description="How long it must be gone before it ends, in seconds.")
    update_s: float = Field(
        5.0, gt=0.0, le=3600.0, description="Seconds between `update` events while an emotion holds."
    )

    @model_validator(mode="after")
    def _hysteresis(self) -> Mood:
        if self.leave >= self.enter:
            raise cross_key(
                ["leave", "enter"],
                f"`leave` ({self.leave:g}) must be below `enter` ({self.enter:g}): the gap between them keeps an "
                "emotion from flickering",
            )
        return self


class Schedule(Section):
    """How often is looked and read: the price of watching. What slows down is told in `health`."""

    looks_hz: float = Field(
        10.0,
        ge=2.0,
        le=120.0,
        description="Somebody in view: frames a second searched for faces. At the camera's rate or above: every frame.",
    )
    idle_looks_hz: float = Field(
        2.0, gt=0.0, le=120.0, description="Nobody in view and something moves: at most so many searches a second."
    )
    still_s: float = Field(
        2.0,
        gt=0.0,
        le=60.0,
        description="Nobody in view and nothing moves: a search every so many seconds finds who stands still.",
    )
    # At least 2: a read of the camera that waits for longer would look like a hanging driver to `camera.stall_s`.
    idle_camera_hz: float = Field(
        2.5,
        ge=2.0,
        le=120.0,
        description="Frames a second asked of the camera while nobody is in view. A newcomer is noticed so much later.",
    )
    settled_reads_hz: float = Field(
        5.0,
        gt=0.0,
        le=120.0,
        description="How often a face is read whose emotion holds and was read again last time; others at each search.",
    )
    reads_max: int = Field(
        8, ge=1, le=100, description="Faces read at one search; in a crowd who waited longest comes first."
    )


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


class Companion(Section):
    """What is recommended, and to whose mood."""

    unit: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9_-]{1,38}$",
        description="Unit whose moods are followed, as in its topics. Empty: the unit of this device.",
    )
    goal: Literal["auto", "elevate", "sustain", "calm"] = Field(
        "auto",
        description="Where suggestions lead: `elevate` brighter, `sustain` as it is, `calm` quieter; `auto`: by mood.",
    )
    catalogue: str | None = Field(
        None, description="File or folder of further items beside the shipped catalogue; see docs/catalogue.md."
    )
    times: str | None = Field(
        None, description="File with your own table of times, like config/times.yaml. Empty: that one."
    )
    age_limit: int = Field(
        16, ge=0, le=99, description="Items for older people are never suggested; 0 for a screen that children pass."
    )
    stale_s: float = Field(
        20.0, ge=2.0, le=600.0, description="A mood that was not heard again for so long counts as gone, in seconds."
    )


class Kiosk(Section):
    """The page."""

    enabled: bool = Field(True, description="Serve the page.")
    host: str = Field(
        "127.0.0.1", min_length=1, description="Address to listen on. Anything but loopback shows it to the network."
    )
    port: int = Field(8080, ge=0, le=65535, description="Port of the page; 0 takes any free one.")
    allowed_hosts: str | None = Field(
        None,
        description="Further names under which browsers ask for the page (a reverse proxy's), with commas between.",
    )
    brand_dir: str | None = Field(None, description="Folder with logo, colours and texts of your own; docs/kiosk.md.")
    images_dir: str | None = Field(None, description="Folder of the catalogue's pictures. Empty: drawn ones.")


class Display(Section):
    """What the page shows."""

    mood: Literal["colour", "word", "off"] = Field(
        "colour", description="How the mood shows: `colour` alone, with a `word`, or `off`."
    )
    language: Literal["en", "de"] = Field("en", description="Language at the start; visitors can switch.")


class Speaker(Section):
    """What makes sound."""

    player: Literal["none", "mpd", "mqtt"] = Field(
        "none",
        description="`mpd`: Music Player Daemon; `mqtt`: a media player of Home Assistant; docs/speaker.md.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="mpd: its name or address, or the path of its socket.")
    port: int = Field(6600, ge=1, le=65535, description="mpd: its port. The password comes from MOODCAST_MPD_PASSWORD.")
    crossfade_s: float = Field(4.0, ge=0.0, le=30.0, description="mpd: how long two songs overlap, in seconds.")
    stable_s: float = Field(
        20.0, ge=1.0, le=600.0, description="A mood must hold so long before music follows it, in seconds."
    )
    change_s: float = Field(
        90.0, ge=5.0, le=3600.0, description="Music follows another mood at most so often, in seconds."
    )
    alone: Literal["stop", "list", "neutral"] = Field(
        "list",
        description="Nobody in view: `stop` after the song, `list` after those chosen, or go on with `neutral` ones.",
    )
    volume_percent: int | None = Field(
        None, ge=0, le=100, description="Volume when music starts, in percent. Empty: as it is."
    )
    volume_limit_percent: int = Field(70, ge=0, le=100, description="Our music is never louder, in percent.")
    quiet_from_hour: int = Field(22, ge=0, le=23, description="Quiet hours begin at this local hour.")
    quiet_until_hour: int = Field(7, ge=0, le=23, description="Quiet hours end at this one; the same hour: none.")
    quiet_volume_percent: int = Field(
        20, ge=0, le=100, description="Loudest in quiet hours, in percent; 0: no song begins."
    )


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
