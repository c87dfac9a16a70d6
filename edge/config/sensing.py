"""Sections of the schema about what is seen: camera, faces, emotions, people, moods, and how often to look."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from edge.config.section import Fraction, Section, cross_key

SourceName = Literal["picamera2", "v4l2", "video", "images", "gst", "demo"]


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
