"""Reads the YAML file: every mistake at once, each with its line; effective values; the broker's password.

A complaint reads ``file:line: key: problem, what is allowed, did you mean``; ``--set`` stands in the place of file and
line for a value from the command line.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from edge.config import tree
from edge.config.draft import Draft
from edge.config.schema import Config, mask_secrets
from edge.errors import ConfigError

PASSWORD_VARIABLE = "MOODCAST_MQTT_PASSWORD"  # noqa: S105 - the variable's name, not a password
_PASSWORD_MAX_BYTES = 4096

_log = logging.getLogger(__name__)


def load_config(path: Path, *, overrides: Mapping[str, str] = {}) -> Config:
    """The configuration in ``path``, with ``overrides`` (dotted key to text, as typed on the command line) over it.

    Relative paths in the file are taken from the file's folder, those in ``overrides`` from the working folder; ``~``
    is the user's home. Raises ConfigError with every mistake that could be found, and nothing else.
    """
    node, refused = tree.compose(tree.read(path), str(path))
    draft = Draft(str(path), path.absolute().parent)
    for line, text in refused:
        draft.complain(line, "", text)
    draft.take_mapping(node)
    for name, text in overrides.items():
        draft.take_override(name, text)
    config = draft.finish()
    if config is None:
        raise ConfigError(draft.problems)
    return config


def effective(config: Config) -> dict[str, Any]:
    """All values that hold, defaults included, by section, without secrets. The password is never part of them."""
    masked: dict[str, Any] = _masked(config.model_dump(mode="json"))
    return masked


def effective_yaml(config: Config) -> str:
    """``effective`` as YAML that ``load_config`` reads again (masked secrets aside)."""
    text: str = yaml.safe_dump(effective(config), sort_keys=False, allow_unicode=True, width=120)
    return text


def password(config: Config) -> str | None:
    """The broker's password: from the environment, else the first line of ``mqtt.password_file``, else None.

    Logs a warning when every user of the machine may read the file. Raises ConfigError when the file gives none.
    """
    if value := os.environ.get(PASSWORD_VARIABLE):
        return value
    if config.mqtt.password_file is None:
        return None
    path = Path(config.mqtt.password_file)
    where = f"mqtt.password_file: {path}"
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            line = file.read(_PASSWORD_MAX_BYTES).partition(b"\n")[0].rstrip(b"\r").decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(
            [f"{where}: no such file; write the password into its first line, or set {PASSWORD_VARIABLE}"]
        ) from None
    except OSError as error:
        advice = "let the service's user read it (chown, chmod 600)"
        raise ConfigError([f"{where}: cannot be read: {error.strerror}; {advice}"]) from error
    except UnicodeDecodeError:
        raise ConfigError([f"{where}: is not UTF-8 text; write the password into its first line"]) from None
    if not line:
        raise ConfigError([f"{where}: its first line is empty; write the password there"])
    if mode & stat.S_IROTH:
        _log.warning("%s: every user of this machine may read it; run: chmod 600 %s", where, path)
    return line


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _masked(inner) for name, inner in value.items()}
    return mask_secrets(value) if isinstance(value, str) else value
