"""``moodcast check-config FILE``."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.commands.config import check_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)


def run(args: argparse.Namespace) -> int:
    return check_config(args.file)
