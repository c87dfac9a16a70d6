"""``moodcast check-config`` and ``moodcast config``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from edge.config.file import PASSWORD_VARIABLE, effective_yaml, load_config
from edge.config.schema import Config
from edge.errors import EXIT_CONFIG, ConfigError
from edge.paths import default_config


def check_config(path: Path) -> int:
    """Prints ``FILE: ok``, or every mistake to stderr. Returns the exit status, 0 or 78."""
    config = _load(path)
    if config is None:
        return EXIT_CONFIG
    secret = config.mqtt.password_file
    # Only a warning: the file may be checked on another machine than the one it is for.
    if secret is not None and not os.environ.get(PASSWORD_VARIABLE) and not os.path.lexists(secret):
        print(f"{path}: warning: mqtt.password_file: {secret} does not exist here", file=sys.stderr)
    print(f"{path}: ok")
    return 0


def show_config(path: Path | None) -> int:
    """Prints the effective values with secrets masked; without ``path`` those of the device, else the shipped ones."""
    config = _load(path or default_config())
    if config is None:
        return EXIT_CONFIG
    sys.stdout.write(effective_yaml(config))
    return 0


def print_schema() -> int:
    """Prints the JSON Schema of the configuration, for editors that complete and check YAML."""
    print(json.dumps(Config.model_json_schema(), indent=2))
    return 0


def _load(path: Path) -> Config | None:
    try:
        return load_config(path)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, help="the file (default: the device's in /etc/moodcast, else the shipped one)"
    )
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the file instead")


def run(args: argparse.Namespace) -> int:
    return print_schema() if args.schema else show_config(args.config)
