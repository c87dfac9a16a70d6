"""What the loop of daemon 1 is made of: its settings, its parts, and what a reload brings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edge.core.audience import AudienceCounter
from edge.core.discovery import Discovery
from edge.core.people import PeopleSettings
from edge.core.reload import Changes
from edge.core.schedule import ScheduleSettings
from edge.core.topics import Topics
from edge.grabber import Grabber
from edge.logs import RecentProblems
from edge.mqtt import MqttLink
from edge.notify import Notifier
from edge.privacy import PauseSwitch
from edge.report import Reporter, ReportSettings
from edge.vision.finders import FaceFinder
from edge.watch import Watch


@dataclass(frozen=True, slots=True)
class SenseSettings:
    """Values that a reload may replace while the daemon runs. Times in seconds."""

    stall_s: float
    health_s: float
    heartbeat_s: float
    publish_people: bool
    """False: `audience` alone, nothing about single people."""
    live_clock: bool
    """Frames carry the monotonic clock; False for recordings played as fast as possible."""
    people: PeopleSettings
    usable_min: float
    """Faces whose usable score is below give no reading."""
    schedule: ScheduleSettings
    audience_k: int
    audience_window_s: float
    report: ReportSettings
    discovery: Discovery | None
    """None: Home Assistant is told nothing."""
    log_level: str
    info: dict[str, object]
    """Effective settings with secrets masked, for `info`."""
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of reading the configuration again."""

    settings: SenseSettings | None
    """None: the file has mistakes, and nothing changes."""
    changes: Changes = field(default_factory=Changes)
    problems: tuple[str, ...] = ()
    finder: FaceFinder | None = None
    """None: as before."""


@dataclass(frozen=True, slots=True)
class SenseParts:
    """Everything the loop drives, made by ``edge.sense``."""

    grabber: Grabber
    watch: Watch
    audience: AudienceCounter
    link: MqttLink
    reporter: Reporter
    topics: Topics
    birth_topic: str
    """Where Home Assistant says that it has started."""
    switch: PauseSwitch
    notifier: Notifier
    reload: Callable[[], Reloaded]
    """Reads the configuration again; never raises for what stands in the file."""
    recent: RecentProblems
    starts: int
    supervised: bool
    """Somebody starts the process again when it ends."""
