"""``moodcast companion``: the subscriber that recommends, with its page and its player."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from pathlib import Path

from edge.companion import build_companion
from edge.config.file import load_config
from edge.daemon import scrubber
from edge.errors import EXIT_STALLED, ConfigError
from edge.logs import set_up_log
from edge.paths import default_config

EXIT_RESTART = EXIT_STALLED
"""The status that says `start a fresh process`, as the other daemon's."""

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=default_config(), help="default: %(default)s")
    parser.epilog = (
        "SIGHUP checks the file: a good one ends the companion with status 75, on which systemd starts it again with "
        "it; a bad one is logged and changes nothing. SIGTERM ends it."
    )


def run(args: argparse.Namespace) -> int:
    config = load_config(args.config)
    set_up_log(config.daemon.log_level, scrubber(config, os.environ))
    companion = build_companion(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: companion.stop())
    restart = threading.Event()

    def reload() -> None:
        if _usable(args.config):
            restart.set()
            companion.stop()

    signal.signal(signal.SIGHUP, lambda _number, _frame: reload())
    companion.run()
    return EXIT_RESTART if restart.is_set() else 0


def _usable(path: Path) -> bool:
    """Whether the file is free of mistakes; logs them. A page that ends for a typing mistake would stay dark."""
    try:
        load_config(path)
    except ConfigError as error:
        _log.warning("configuration not taken over, the running one stays:\n%s", error)
        return False
    _log.info("configuration changed: ending, to be started again with it")
    return True
