"""``moodcast sense``: the daemon, with its signals and logging."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.config.file import load_config, password
from edge.config.schema import Config, mask_secrets
from edge.errors import EXIT_STALLED, CameraStalled, ConfigError
from edge.logs import RecentProblems, log_to_stderr
from edge.paths import default_config
from edge.scrub import Scrubber, file_values, secret_values
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
    log_to_stderr(config.daemon.log_level)
    recent = RecentProblems(scrubber(config, os.environ))
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
