"""The command ``moodcast``. One module per subcommand in ``edge/commands``, one line each in the table here."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from edge import __version__
from edge.errors import EXIT_BUG, EdgeError

COMMANDS = {
    "sense": "the daemon: camera to MQTT",
    "companion": "the subscriber that recommends: page and player",
    "demo": "everything at once with the bundled clip and an embedded broker",
    "analyze": "faces and emotions of images, folders and videos",
    "explain": "what an answer rests on: a picture of one face and its probabilities",
    "evaluate": "accuracy on a labelled data set",
    "bench": "speed against today's usual stack, in the same run",
    "replay": "events of a recorded trace, and why they came",
    "check-config": "every mistake in a configuration file",
    "config": "the effective configuration, secrets masked",
    "doctor": "what is wrong with this installation, and what to do about it",
    "aim": "an aiming view for the installer: boxes and figures, no picture",
    "monitor": "a live view of a unit over MQTT",
}
"""Name -> help. ``edge.commands.<name>`` (``-`` as ``_``) has ``add_arguments(parser)`` and ``run(args) -> status``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand and returns its exit status. A bug prints its traceback and gives 70."""
    args = _parser(sys.argv[1:] if argv is None else list(argv)).parse_args(argv)
    try:
        return int(args.run(args))
    except EdgeError as error:
        print(f"moodcast {args.command}: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def console() -> None:
    """Entry point of the installed command: an unexpected exception keeps its traceback and its own exit status."""
    try:
        status = main()
    except Exception:  # noqa: BLE001 - printed whole; only the exit status is chosen here
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        status = EXIT_BUG
    sys.exit(status)


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="moodcast", description="Emotion-aware edge daemon. No picture leaves it.")
    parser.add_argument("--version", action="version", version=f"moodcast {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        sub = subparsers.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        # Only the module of the command that was asked for is imported: `check-config` needs no OpenCV.
        if name in argv:
            module = importlib.import_module(f"edge.commands.{name.replace('-', '_')}")
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    console()
