"""From the configuration to what the parts take, for the daemons and the measuring commands alike."""

from __future__ import annotations

from pathlib import Path

from edge.camera.source import CameraSettings
from edge.config.file import load_config
from edge.config.schema import Config
from edge.core.attention import AttentionSettings
from edge.core.main_face import MainFaceSettings
from edge.core.people import PeopleSettings
from edge.core.schedule import ScheduleSettings
from edge.core.trigger import TriggerSettings
from edge.vision.finders import FaceFinder, make_finder
from edge.vision.model import Card


def load_or_default(path: Path | None) -> Config:
    """The file's configuration, or the defaults for commands that need no file.

    Raises ConfigError.
    """
    if path is not None:
        return load_config(path)
    return Config.model_validate({"deployment": {"context": "demonstration"}})


def people_settings(config: Config) -> PeopleSettings:
    return PeopleSettings(
        max_lost_s=config.tracking.max_lost_s,
        confirm_s=config.tracking.confirm_s,
        min_iou=config.tracking.min_iou,
        tau_s=config.mood.tau_s,
        confidence_min=config.mood.confidence_min,
        min_face_px=config.emotion.min_face_px,
        main_face=MainFaceSettings(
            size_weight=config.tracking.main_size_weight,
            centre_weight=config.tracking.main_centre_weight,
            time_weight=config.tracking.main_time_weight,
            margin=config.tracking.main_margin,
        ),
        attention=AttentionSettings(
            yaw_deg=config.tracking.attention_yaw_deg, pitch_deg=config.tracking.attention_pitch_deg
        ),
        trigger=TriggerSettings(
            enter=config.mood.enter,
            leave=config.mood.leave,
            dwell_s=config.mood.dwell_s,
            release_s=config.mood.release_s,
            update_s=config.mood.update_s,
        ),
    )


def usable_min(config: Config, card: Card) -> float:
    """The usable score below which a face is not read, 0-1: the configuration's, else the card's."""
    return card.usable_min if config.emotion.usable_min is None else config.emotion.usable_min


def schedule_settings(config: Config) -> ScheduleSettings:
    return ScheduleSettings(**config.schedule.model_dump())


def camera_settings(config: Config) -> CameraSettings:
    values = config.camera.model_dump(exclude={"stall_s", "reopen_max_s", "region"})
    region = config.camera.region
    return CameraSettings(**values, region=(region.x, region.y, region.width, region.height))


def face_finder(config: Config) -> FaceFinder:
    return make_finder(
        config.faces.back_end,
        min_face_px=config.faces.min_face_px,
        score_min=config.faces.score_min,
        haar_neighbours=config.faces.haar_neighbours,
        yunet_file=config.faces.yunet_file,
    )
