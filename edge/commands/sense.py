"""``moodcast sense``: the daemon, with its signals and logging."""

from __future__ import annotations

import argparse
import logging
import os
import signal
from pathlib import Path

from edge.config.file import load_config
from edge.daemon import scrubber
from edge.errors import EXIT_STALLED, CameraStalled
from edge.logs import RecentProblems, set_up_log
from edge.paths import default_config
from edge.sense import build_sense

EXIT_RESTART = EXIT_STALLED
"""Asked to restart: the status that says `start a fresh process`, on which systemd does so."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=default_config(), help="default: %(default)s")
    parser.epilog = (
        "SIGHUP, or a message on request/reload, reads the file again: a good one is taken over at once, keys that "
        "need a restart are named; a bad one changes nothing. SIGTERM ends the daemon."
    )


def run(args: argparse.Namespace) -> int:
    config = load_config(args.config)
    scrub = scrubber(config, os.environ)
    set_up_log(config.daemon.log_level, scrub)
    recent = RecentProblems(scrub)
    logging.getLogger().addHandler(recent)
    sense = build_sense(config, path=args.config, recent=recent)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: sense.stop())
    signal.signal(signal.SIGHUP, lambda _number, _frame: sense.ask_reload())
    try:
        sense.run()
    except CameraStalled as error:
        logging.getLogger(__name__).error("%s", error)
        logging.shutdown()
        # A hung driver blocks a normal exit too: picamera2 closes its camera in an atexit handler.
        os._exit(error.exit_status)
    return EXIT_RESTART if sense.restarting else 0
