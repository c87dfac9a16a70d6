"""``moodcast companion``: the subscriber that recommends, with its page and its player."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from edge.companion import build_companion
from edge.config.file import load_config
from edge.logs import log_to_stderr
from edge.paths import shipped


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=shipped("config") / "moodcast.yaml", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    config = load_config(args.config)
    log_to_stderr(config.daemon.log_level)
    companion = build_companion(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: companion.stop())
    companion.run()
    return 0
