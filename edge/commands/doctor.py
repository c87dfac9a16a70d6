"""``moodcast doctor``: everything that can be wrong with an installation, and what to do about each."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from edge.camera.table import make_camera
from edge.compose import camera_settings
from edge.config.file import PASSWORD_VARIABLE, effective_yaml, load_config
from edge.config.schema import Config, mask_secrets
from edge.core.topics import Topics
from edge.daemon import SERVICE_STATE, mqtt_settings, pause_folders, scrubber, state_dir, unit_id
from edge.doctor.broker import BrokerFound, ask, broker_check
from edge.doctor.bundle import environment, journal, listing, write_bundle
from edge.doctor.camera import camera_checks
from edge.doctor.check import Check, green, red, skipped, table
from edge.doctor.files import catalogue_check, is_paused, secrets_check, state_check
from edge.doctor.machine import clock_check, disk_check, log_check, temperature_check, throttling_check
from edge.doctor.model import model_check, numpy_check, runtime_check
from edge.doctor.page import page_check
from edge.doctor.sandbox import INSIDE, run_inside
from edge.doctor.sound import player_check, sound_check
from edge.errors import ConfigError, InputError
from edge.logs import journal_module, quiet
from edge.machine import clock_synced, temperature_c, throttled
from edge.mqtt import MqttSettings
from edge.paths import default_config, shipped
from edge.sense import versions
from edge.vitals import machine

_OF_CONFIGURATION = ("secrets", "state", "disk", "catalogue", "model", "broker", "camera", "picture", "page", "player")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the machine tells, so that a test can say otherwise."""

    wall_s: float
    synced: bool
    temperature_c: float | None
    throttled: bool | None
    camera_wait_s: float = 15.0

    @staticmethod
    def real() -> Surroundings:
        return Surroundings(time.time(), clock_synced(), temperature_c(), throttled())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=default_config(), help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help='print {"checks": [{"name", "ok", "detail", "remedy"}]}')
    parser.add_argument("--sound", action="store_true", help="play a tone")
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="OUT.zip",
        help="also write a file for whoever helps you: no secrets, no pictures",
    )
    parser.add_argument(INSIDE, dest="inside", action="store_true", help=argparse.SUPPRESS)
    parser.epilog = (
        "Exit status 1 when a check is red; each red line is followed by what to do. `ok` null or `-`: cannot apply "
        "here. As root, where the service is installed, the checks run with the service's rights (user, sandbox); "
        "the line `sandbox` says whether they did."
    )


def run(args: argparse.Namespace) -> int:
    with quiet():
        config, first = _configuration(args.config)
        checks = _checks(args, config, first)
        scrub = scrubber(config, os.environ, files=_files_beside(args.config))
        checks = [replace(check, detail=scrub(check.detail), remedy=scrub(check.remedy)) for check in checks]
        told = json.dumps({"checks": [asdict(check) for check in checks]}, indent=2)
        if args.bundle is not None:
            try:
                write_bundle(args.bundle, {"doctor.json": told, **bundle_texts(config, args.config)}, scrub)
            except OSError as error:
                raise InputError(f"{args.bundle}: cannot be written ({error.strerror}); name another place") from error
    print(told if args.json else table(checks))
    return 1 if any(check.ok is False for check in checks) else 0


def _checks(args: argparse.Namespace, config: Config | None, first: Check) -> list[Check]:
    """With the rights of the service where that can be done; the sound, which the service may not make, from here."""
    sound = skipped("sound", "told outside of the sandbox") if args.inside else sound_check(asked=args.sound)
    why = "runs with the rights of who called it: call it as root for those of the service"
    if args.inside or os.geteuid() == 0:
        found = "inside" if args.inside else run_inside(["--config", str(args.config.absolute())])
        if isinstance(found, list):
            # What else is asked on this run means the service's unit, too.
            os.environ.setdefault("STATE_DIRECTORY", str(SERVICE_STATE))
            with_rights = green("sandbox", "all but the sound was looked at with the rights of the service")
            return [with_rights, *(sound if check.name == "sound" else check for check in found)]
        why = found
    own = [] if args.inside else [skipped("sandbox", why)]
    return [*own, first, *examine(config, args.config, sound=sound, around=Surroundings.real())]


def examine(config: Config | None, path: Path, *, sound: Check, around: Surroundings) -> list[Check]:
    """All checks but the configuration's own, in the order of the report. ``config`` None: it has mistakes."""
    on_road = config is not None and config.deployment.context == "vehicle-private"
    picamera2 = config is not None and config.camera.source == "picamera2"
    checks = [
        runtime_check(),
        numpy_check(wanted=picamera2),
        clock_check(wall_s=around.wall_s, synced=around.synced, may_be_offline=on_road),
        temperature_check(around.temperature_c),
        throttling_check(around.throttled),
        log_check(journal=journal_module() is not None),
        sound,
    ]
    if config is None:
        return [*checks, *(skipped(name, "the configuration has mistakes") for name in _OF_CONFIGURATION)]
    return [*checks, *_files(config, path), *_parts(config, around)]


def _configuration(path: Path) -> tuple[Config | None, Check]:
    try:
        return load_config(path), green("configuration", str(path))
    except ConfigError as error:
        remedy = f"correct these lines, then: moodcast check-config {path}"
        return None, red("configuration", "; ".join(error.problems), remedy)


def _files(config: Config, path: Path) -> list[Check]:
    catalogues = [shipped("config") / "catalogue.yaml"]
    if config.companion.catalogue is not None:
        catalogues.append(Path(config.companion.catalogue))
    try:
        folder = state_dir(config)
    except ConfigError as error:
        wrong = red("state", str(error), "name a folder that the service's user can write in daemon.state_dir")
        state = [wrong, skipped("disk", "no state folder")]
    else:
        state = [state_check(folder), disk_check(folder)]
    return [secrets_check(_secret_files(config, path)), *state, catalogue_check(catalogues)]


def _secret_files(config: Config, path: Path) -> list[Path]:
    """The password's file, those that tools/install makes, and the configuration itself when it holds a secret."""
    password_file = None if config.mqtt.password_file is None else Path(config.mqtt.password_file)
    found = [p for p in _files_beside(path) if p != password_file]
    if password_file is not None and not os.environ.get(PASSWORD_VARIABLE):
        found.insert(0, password_file)
    texts = f"{config.camera.path} {config.camera.pipeline}"
    in_the_open = texts.replace("${", "")  # a variable is no secret; the mask would hide it all the same
    if "${" not in texts and mask_secrets(in_the_open) != in_the_open:
        found.append(path)
    return found


def _files_beside(path: Path) -> list[Path]:
    """Where tools/install keeps secrets."""
    return sorted(p for p in (path.absolute().parent / "secrets").glob("*") if p.is_file())


def _parts(config: Config, around: Surroundings) -> list[Check]:
    broker, serving = _broker(config)
    if _paused(config):
        why = "paused by the privacy switch, so the camera stays closed"
        camera = [skipped("camera", why), skipped("picture", why)]
    else:
        settings = camera_settings(config)
        camera = camera_checks(lambda: make_camera(settings), serving=serving, wait_s=around.camera_wait_s)
    kiosk, speaker = config.kiosk, config.speaker
    return [
        model_check(config.emotion.model),
        broker,
        *camera,
        page_check(kiosk.host, kiosk.port, enabled=kiosk.enabled),
        player_check(speaker.player, speaker.host, speaker.port),
    ]


def _paused(config: Config) -> bool:
    try:
        return any(is_paused(folder) for folder in pause_folders(config))
    except ConfigError:
        return False  # told by the check `state`


def _broker(config: Config) -> tuple[Check, bool]:
    """The check, and whether a daemon runs that holds the camera."""
    reached = _reach(config)
    if isinstance(reached, Check):
        return reached, False
    settings, topics = reached
    found: BrokerFound = broker_check(settings, topics)
    return found.check, found.camera_online(topics)


def _reach(config: Config) -> tuple[MqttSettings, Topics] | Check:
    try:
        topics = Topics(config.mqtt.base_topic, unit_id(config, state_dir(config)))
        return mqtt_settings(config, "moodcast-doctor"), topics
    except ConfigError as error:
        return red("broker", str(error), f"write the password into mqtt.password_file, or set {PASSWORD_VARIABLE}")


def bundle_texts(config: Config | None, path: Path) -> dict[str, str]:
    """What goes into the bundle beside the checks, by file name. Nothing of it tells of a person."""
    folders = {"configuration": path.absolute().parent}
    texts = {
        "versions.json": json.dumps(versions(), indent=2),
        "machine.json": json.dumps(machine(), indent=2),
        "environment.txt": environment(os.environ),
        "journal.txt": journal(),
    }
    if config is not None:
        texts["configuration.yaml"] = effective_yaml(config)
        with contextlib.suppress(ConfigError):
            folders["state"] = state_dir(config)
        reached = _reach(config)
        answer = None if isinstance(reached, Check) else ask(*reached, "diagnostics")
        texts["daemon.json"] = json.dumps(answer or {"error": "no daemon answers request/diagnostics"}, indent=2)
    return {**texts, "files.txt": listing(folders)}
