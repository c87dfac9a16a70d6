"""Record epochs as tools/train_emotion.py would be fed them with these options: changed, mixed, softened by teachers.

They go to --out, one file an epoch, for `train_emotion.py --recorded`; files that are there already are kept. They hold
pictures of people (70 MB an epoch): keep them as the data sets are kept.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_examples import own_alone, scenes_alone, training_examples
from emotion_feed import Feed, fed
from emotion_net import INPUT_OFFSET, INPUT_SCALE
from emotion_options import parser_of
from emotion_pack import sets_of
from emotion_recorded import NAME, write_epoch
from parallel import run_all

BATCH = 128


def arguments() -> argparse.Namespace:
    """The command line: that of a run, with --out; --epochs are recorded."""
    parser = parser_of(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--of-scenes", action="store_true", help="record crops of scenes alone, for --recorded-scenes")
    part.add_argument("--of-own", action="store_true", help="record what chooses otherwise, for --recorded-own")
    return parser.parse_args()


@torch.no_grad()
def record(args: argparse.Namespace, feed: Feed, commands: list[str], number: int) -> None:
    """The ``number``-th epoch."""
    count = feed.begin(number, 0)
    began = time.monotonic()
    images, targets = np.empty((count, 48, 48), np.uint8), np.empty((count, 15), np.float16)
    for start in range(0, count, BATCH):
        x, y = feed.batch(start, BATCH)
        part = slice(start, start + BATCH)
        images[part] = (x[:, 0] / INPUT_SCALE + INPUT_OFFSET).round().clamp(0, 255).cpu().numpy()
        targets[part] = y.cpu().numpy()
    write_epoch(args.out, number, images, targets, commands)
    print(f"epoch {number}: {count} pictures in {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """Load once, then each process records every so-many-th epoch."""
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    sets = sets_of(args)
    part_of = own_alone if args.of_own else scenes_alone if args.of_scenes else None
    examples = training_examples(args, sets if part_of is None else part_of(sets))
    feed, commands = fed(args, examples)
    commands = [*commands, shlex.join(["python", *sys.argv])]
    numbers = [n for n in range(args.epochs) if not (args.out / NAME.format(n)).exists()]

    def part(rank: int) -> None:
        torch.set_num_threads(1)
        for number in numbers[rank :: args.processes]:
            record(args, feed, commands, number)

    run_all(part, args.processes)


if __name__ == "__main__":
    main()
