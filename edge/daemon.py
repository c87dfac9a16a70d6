"""From the configuration to what both daemons take: the broker, the unit's id, the folder of their state, what to keep
out of their texts."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.config.file import password
from edge.config.schema import Config, mask_secrets
from edge.errors import ConfigError
from edge.mqtt import MqttSettings
from edge.privacy import save_or_warn
from edge.scrub import Scrubber, file_values, secret_values
from edge.store import StateFile
from edge.unit_id import derive_unit_id


def mqtt_settings(config: Config, client_id: str) -> MqttSettings:
    m = config.mqtt
    return MqttSettings(
        host=m.host,
        client_id=client_id,
        port=m.port,
        username=m.username,
        password=password(config),
        tls=m.tls,
        ca_file=m.ca_file,
        protocol=m.protocol,
        keepalive_s=m.keepalive_s,
        outbox_max=m.outbox_max,
        reconnect_max_s=m.reconnect_max_s,
    )


SERVICE_STATE = Path("/var/lib/moodcast")
"""Of the installed service: what its unit's StateDirectory= makes."""


def state_dir(config: Config) -> Path:
    """Folder for what survives a restart, made when it is not there."""
    given = config.daemon.state_dir or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    folder = Path(given) if given else Path.home() / ".local" / "state" / "moodcast"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(
            [f"daemon.state_dir: {folder} cannot be made ({error.strerror}); name a folder that can be written"]
        ) from error
    return folder


def pause_folders(config: Config, *, service: Path = SERVICE_STATE) -> list[Path]:
    """Where a pause switch may be kept: for this user, and by the installed service, whose camera it is, too."""
    own = config.daemon.state_dir is not None or os.environ.get("STATE_DIRECTORY")
    return [state_dir(config), *([] if own or not service.is_dir() else [service])]


def unit_id(config: Config, folder: Path) -> str:
    """The unit's id: configured, else derived from the board, else random and kept in ``folder``."""
    if config.unit.id is not None:
        return config.unit.id
    kept = StateFile(folder / "unit.json")
    fallback = kept.load().get("random_id")
    if not isinstance(fallback, str):
        fallback = secrets.token_hex(8)
        save_or_warn(kept, {"random_id": fallback})
    return derive_unit_id(fallback=fallback)


def scrubber(config: Config | None, environ: Mapping[str, str], *, files: Sequence[Path] = ()) -> Scrubber:
    """Takes every secret that Moodcast can know out of a text.

    ``config`` None: the file cannot be read. ``files``: more secrets, a line each, alone or as NAME=value.
    """
    known = secret_values(environ) + file_values(files)
    if config is not None:
        texts = f"{config.camera.path} {config.camera.pipeline}"
        known += [value for name, value in environ.items() if f"${{{name}}}" in texts]
        with contextlib.suppress(ConfigError):  # no password can be read, so none can be told
            known.append(password(config) or "")
    return Scrubber(known, mask_secrets)
