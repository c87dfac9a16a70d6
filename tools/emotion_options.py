"""Options of tools/train_emotion.py."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_net import DEPTHS, SIDE, WHOLE, WIDTHS

DROPOUT = 0.25


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """The options of a run, for a program that is ``description``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with ferplus/ and faces/")
    parser.add_argument("--run", type=Path, default=Path("runs/emotion"), help="folder for checkpoint and log")
    parser.add_argument("--epochs", type=int, default=26)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.1, help="peak learning rate of the cosine")
    parser.add_argument("--ema", type=float, default=0.99, help="0.998 collapses: batch statistics lag the weights")
    parser.add_argument("--mixup", type=float, default=0.2, help="alpha of the Beta distribution, 0 for none")
    parser.add_argument("--strength", type=float, default=1.0, help="of the changes to pictures; 0 mirrors them alone")
    parser.add_argument(
        "--geometry", type=float, help="strength of turning, scaling and shifting; --strength if not given"
    )
    parser.add_argument("--covered", type=float, help="how often a part is covered; 0.2 of --strength if not given")
    parser.add_argument(
        "--equalise", action="store_true", help="equalise each picture's histogram: to compare, the service does not"
    )
    parser.add_argument("--fer2013-weight", type=float, default=0.35, help="of that head's loss; 1 for FER+'s")
    parser.add_argument("--balance", type=float, default=0.2, help="rows are drawn by frequency of emotion ** -balance")
    parser.add_argument("--negatives", type=float, default=0.35, help="how often a crop of no face is drawn an epoch")
    parser.add_argument("--scene-faces", type=float, default=0.0, help="how often a face of scenes/ is drawn an epoch")
    parser.add_argument("--photos", type=float, default=0.5, help="how often a photograph of faces/ is drawn an epoch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2, help="each takes its part of a batch, in one thread")
    parser.add_argument("--stop-after", type=int, help="stop after this many epochs in all, to try the route")
    parser.add_argument("--minutes", type=float, help="end then, mid-epoch if need be: the cosine follows the clock")
    parser.add_argument("--resume", action="store_true", help="go on from RUN/checkpoint.pt")
    parser.add_argument("--start", type=Path, help="checkpoint or .tflite whose weights a new run begins with")
    _add_targets(parser)
    _add_shape(parser)
    parser.add_argument(
        "--sharpness", type=float, default=0.0, help="radius of sharpness-aware steps, 0 for plain ones"
    )
    parser.add_argument("--sharpness-part", type=float, default=0.5, help="of a batch says where the loss rises")
    parser.add_argument("--dropout", type=float, default=DROPOUT)
    _add_machine(parser)
    return parser


def _add_targets(parser: argparse.ArgumentParser) -> None:
    """What is learnt of which rows."""
    parser.add_argument(
        "--teacher", type=Path, nargs="+", help="checkpoints or .tflite whose answers together soften the targets"
    )
    parser.add_argument("--teacher-share", type=float, default=0.7, help="of the targets' mass")
    parser.add_argument("--teacher-share-photos", type=float, help="of photographs; --teacher-share if not given")
    parser.add_argument("--teacher-mirrored", action="store_true", help="ask teachers about the mirror image as well")
    parser.add_argument(
        "--teacher-int8", action="store_true", help="ask .tflite teachers by the runtime: quicker on a processor"
    )
    parser.add_argument(
        "--copies", action="store_true", help="train on rows that stand in valid too: tools/emotion_copies.py"
    )
    parser.add_argument("--leave-out", metavar="I/N", help="train without this fold: tools/emotion_crossfit.py")
    parser.add_argument(
        "--answers", type=Path, help="file of tools/emotion_crossfit.py whose answers soften the targets"
    )
    parser.add_argument("--answers-share", type=float, default=0.4, help="of the targets' mass")
    parser.add_argument(
        "--recorded", type=Path, nargs="+", help="folders of tools/emotion_record.py to learn from, and nothing else"
    )
    parser.add_argument(
        "--recorded-own",
        type=Path,
        nargs="+",
        help="folders of emotion_record.py --of-own, learnt from besides: only once all is chosen, by a run without",
    )
    parser.add_argument(
        "--recorded-scenes", type=Path, nargs="+", help="folders of emotion_record.py --of-scenes, learnt from besides"
    )
    parser.add_argument("--mixup-recorded", type=float, default=0.0, help="--mixup of --recorded epochs")


def _add_shape(parser: argparse.ArgumentParser) -> None:
    """The network, and what it sees of a picture."""
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS, help="channels of the stem and each stage")
    parser.add_argument("--depths", type=int, nargs="+", default=DEPTHS, help="blocks of each stage")
    parser.add_argument(
        "--inners", type=int, nargs="+", help="channels within the blocks of each stage; those of --widths"
    )
    parser.add_argument(
        "--sides", type=int, nargs="+", default=[SIDE], help="of the picture in px, each for an equal part of the run"
    )
    parser.add_argument(
        "--window",
        type=int,
        nargs=4,
        default=WHOLE,
        metavar=("TOP", "BOTTOM", "LEFT", "RIGHT"),
        help=f"part of the {SIDE} x {SIDE} px that the network looks at, the last row and column excluded",
    )


def _add_machine(parser: argparse.ArgumentParser) -> None:
    """Where the run computes, and what from."""
    parser.add_argument("--pack", type=Path, help="file of tools/emotion_pack.py to read instead of --data")
    parser.add_argument("--device", default="cpu", help="cpu or cuda; cuda needs --processes 1")
    parser.add_argument("--compile", action="store_true", help="torch.compile: a slow first step, then faster ones")
    parser.add_argument(
        "--full-precision",
        action="store_true",
        help="float32 instead of bfloat16: quicker on a processor that has no unit for it",
    )
    parser.add_argument("--measure-every", type=int, default=1, help="epochs from one line and checkpoint to the next")


def arguments(description: str | None) -> argparse.Namespace:
    """The command line of tools/train_emotion.py, which is ``description``."""
    parser = parser_of(description)
    args = parser.parse_args()
    top, bottom, left, right = args.window
    if not (0 <= top < bottom <= SIDE and 0 <= left < right <= SIDE):
        parser.error(f"--window {top} {bottom} {left} {right}: expected 0 <= TOP < BOTTOM <= {SIDE}, and so across")
    if tuple(args.window) != WHOLE and set(args.sides) != {SIDE}:
        parser.error("--window is in px of the whole picture: give no --sides with it")
    return args
