"""``moodcast sense``: the daemon, with its signals and logging."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from edge.config.file import load_config
from edge.errors import CameraStalled
from edge.paths import shipped
from edge.sense import build_sense


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=shipped("config") / "moodcast.yaml", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    config = load_config(args.config)
    log_to_stderr(config.daemon.log_level)
    sense = build_sense(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: sense.stop())
    try:
        sense.run()
    except CameraStalled as error:
        logging.getLogger(__name__).error("%s", error)
        logging.shutdown()
        # A hung driver blocks a normal exit too: picamera2 closes its camera in an atexit handler.
        os._exit(error.exit_status)
    return 0


def log_to_stderr(level: str) -> None:
    """Journald adds time and unit by itself, so the lines carry neither there."""
    form = "%(levelname)s %(name)s: %(message)s"
    if sys.stderr.isatty():
        form = "%(asctime)s " + form
    logging.basicConfig(level=level.upper(), format=form, stream=sys.stderr)
