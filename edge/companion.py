"""Daemon 2, the composition root: from the configuration to a wired ``CompanionLoop``."""

from __future__ import annotations

import logging
import os
import secrets
import time
from pathlib import Path

from edge.catalogue import load_catalogue
from edge.companion_loop import CompanionLoop, CompanionParts, CompanionSettings
from edge.config.schema import Config
from edge.config.times import read_times
from edge.core.direction import DirectorSettings
from edge.core.director import Director
from edge.core.heard import Ear, EarSettings
from edge.core.history import History
from edge.core.loudness import Quiet
from edge.core.notice import NoticeFacts, is_loopback, notices
from edge.core.policy import DEFAULT_TIME_RULES, Settings, TimeRule
from edge.core.presentation import Presenter
from edge.core.recommend import Index
from edge.core.stamp import Stamper
from edge.core.topics import OFFLINE, ONLINE, Topics
from edge.core.view import PresentationSettings
from edge.daemon import mqtt_settings, state_dir, unit_id
from edge.errors import ConfigError
from edge.mqtt import Message, MqttLink
from edge.notify import Notifier
from edge.paths import shipped
from edge.player.player import MqttPort, PlayerSettings
from edge.player.table import make_player
from edge.store import StateFile
from edge.suggest import Teller
from edge.unit_id import client_id
from edge.web.keeper import KeptPage
from edge.web.settings import WebSettings

_log = logging.getLogger(__name__)


def build_companion(config: Config) -> CompanionLoop:
    """All parts of the daemon, wired; the page is open when this returns, everything else waits for ``run``.

    Raises ConfigError. A page that cannot be served is logged and tried again; the rest goes on without it.
    """
    start_s = time.monotonic()
    folder = state_dir(config)
    state = StateFile(folder / "companion.json")
    own_unit = unit_id(config, folder)
    topics = Topics(config.mqtt.base_topic, config.companion.unit or own_unit)
    boot = secrets.token_hex(8)
    link = _link(config, topics)
    teller = Teller(link, topics, Stamper(topics.unit, boot, start_s))
    player_inbox: list[bytes] = []
    parts = CompanionParts(
        link=link,
        topics=topics,
        ear=Ear(topics, EarSettings(), own_boot=boot),
        presenter=Presenter(PresentationSettings(mood=config.display.mood, language=config.display.language)),
        page=_page(config, topics, own_unit),
        player=make_player(_player_settings(config), MqttPort(teller.player, lambda: _drained(player_inbox))),
        director=Director(_director_settings(config)),
        index=_index(config, folder),
        history=History(state.load().get("history")),
        state=state,
        teller=teller,
        notifier=Notifier(),
        player_inbox=player_inbox,
    )
    settings = CompanionSettings(
        goal=config.companion.goal,
        policy=Settings(age_limit=config.companion.age_limit, time_rules=_times(config)),
        stale_s=config.companion.stale_s,
        plays=config.speaker.player != "none",
    )
    return CompanionLoop(parts, settings)


def _times(config: Config) -> tuple[TimeRule, ...]:
    given = config.companion.times
    return DEFAULT_TIME_RULES if given is None else read_times(Path(given))


def _link(config: Config, topics: Topics) -> MqttLink:
    heard = [topics.emotion, topics.availability, topics.privacy_state, topics.feedback]
    if config.speaker.player == "mqtt":
        heard.append(topics.player_state)
    return MqttLink(
        mqtt_settings(config, client_id("companion", topics.unit)),
        will=Message(topics.companion_availability, OFFLINE, retain=True),
        birth=Message(topics.companion_availability, ONLINE, retain=True),
        subscriptions=heard,
    )


def _index(config: Config, cache_dir: Path) -> Index:
    """The shipped catalogue and the installer's. Mistakes are logged; the good items are used."""
    paths = [shipped("config") / "catalogue.yaml"]
    if config.companion.catalogue is not None:
        paths.append(Path(config.companion.catalogue))
    loaded = load_catalogue(paths, cache_dir=cache_dir)
    for problem in loaded.problems:
        _log.warning("catalogue: %s", problem)
    if not loaded.items:
        raise ConfigError([f"{paths[0]}: no item of the catalogue can be used; install Moodcast again"])
    return Index(loaded.items)


def _page(config: Config, topics: Topics, own_unit: str) -> KeptPage | None:
    """The page, already open, so that a browser that waits for it finds it."""
    kiosk = config.kiosk
    if not kiosk.enabled:
        return None
    page = KeptPage(
        WebSettings(
            host=kiosk.host,
            port=kiosk.port,
            allowed_hosts=tuple(name.strip() for name in (kiosk.allowed_hosts or "").split(",") if name.strip()),
            name=config.unit.name,
            notice=notices(_facts(config, elsewhere=topics.unit != own_unit)),
            brand_dir=None if kiosk.brand_dir is None else Path(kiosk.brand_dir),
            images_dir=None if kiosk.images_dir is None else Path(kiosk.images_dir),
        )
    )
    page.start()
    return page


def _facts(config: Config, *, elsewhere: bool) -> NoticeFacts:
    """What the notice must say: where anything goes over a network. ``elsewhere``: the camera is another unit's."""
    return NoticeFacts(
        broker_host=config.mqtt.host,
        publishes_people=config.privacy.events,
        camera_host=config.mqtt.host if elsewhere else "",
        player_host={"none": "", "mpd": config.speaker.host, "mqtt": config.mqtt.host}[config.speaker.player],
        page_open=not is_loopback(config.kiosk.host),
    )


def _player_settings(config: Config) -> PlayerSettings:
    speaker = config.speaker
    return PlayerSettings(
        kind=speaker.player,
        host=speaker.host,
        port=speaker.port,
        password=os.environ.get("MOODCAST_MPD_PASSWORD"),
        crossfade_s=speaker.crossfade_s,
    )


def _director_settings(config: Config) -> DirectorSettings:
    speaker = config.speaker
    quiet = Quiet(speaker.quiet_from_hour, speaker.quiet_until_hour, speaker.quiet_volume_percent)
    return DirectorSettings(
        stable_s=speaker.stable_s,
        change_s=speaker.change_s,
        alone=speaker.alone,
        volume_percent=speaker.volume_percent,
        volume_limit_percent=speaker.volume_limit_percent,
        quiet=None if speaker.quiet_from_hour == speaker.quiet_until_hour else quiet,
        vehicle=config.deployment.context == "vehicle-private",
    )


def _drained(inbox: list[bytes]) -> list[bytes]:
    taken = inbox[:]
    inbox.clear()
    return taken
