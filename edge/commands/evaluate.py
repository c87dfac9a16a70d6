"""``moodcast evaluate``: how right the emotion network, or what finds faces, is on a labelled set."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge.commands.evaluate_boxes import run_boxes
from edge.commands.evaluate_faces import run_faces
from edge.commands.evaluate_usable import run_usable
from edge.commands.plots import check_plot
from edge.compose import load_or_default
from edge.errors import InputError
from edge.measure.corruptions import CORRUPTIONS
from edge.measure.evaluate import MIN_FACES_PER_CLASS
from edge.measure.usable import BACKGROUNDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = _description()
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the labelled set")
    parser.add_argument("--split", metavar="NAME", help="table of votes to measure, without .csv")
    parser.add_argument(
        "--identities",
        choices=("all", "held-out", "training"),
        default="all",
        help="people of faces.csv: held-out are those with int(sha1(identity), 16) %% 4 == 0 (default: all)",
    )
    parser.add_argument("--model", metavar="NAME", help="shipped model or path of a .tflite file with its card")
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="OUT",
        help="write confusion matrix and calibration, or curves, as a picture; or, where OUT is a folder, also "
        "risk-coverage and examples of the corruptions, as PNG (examples show faces of the set: do not publish them)",
    )
    parser.add_argument(
        "--also", type=Path, metavar="FILE", help="a second network (.tflite), without a card of its own: by this one's"
    )
    parser.add_argument("--robustness", action="store_true", help="measure under each of the corruptions as well")
    parser.add_argument("--usable", action="store_true", help="boxes.csv: measure the usable score")
    parser.add_argument(
        "--backgrounds",
        type=int,
        default=BACKGROUNDS,
        metavar="N",
        help=f"--usable: squares of background (default: {BACKGROUNDS})",
    )
    parser.add_argument(
        "--yunet", type=Path, metavar="FILE", help="boxes.csv: also measure YuNet with this model (.onnx)"
    )
    parser.add_argument("--config", type=Path, help="model and threads from this file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    check_plot(args.plot)
    config = load_or_default(args.config)
    only_boxes = (args.folder / "boxes.csv").is_file() and not (args.folder / "faces.csv").is_file()
    if args.usable and not only_boxes:
        raise InputError(
            f"{args.folder}: --usable measures scenes with boxes.csv; for labelled faces `usable` is part of the report"
        )
    if not only_boxes:
        return run_faces(args, config)
    if args.also is not None or args.robustness:
        raise InputError(f"{args.folder}: --also and --robustness need labelled faces, and this set has boxes alone")
    return run_usable(args, config) if args.usable else run_boxes(args, config)


def _description() -> str:
    """What is measured of which set."""
    return f"""\
Measures the emotion network (one pass of its file a face) or what finds faces. The set's format says what is measured.

Tables of FER+ votes (*.csv) beside their sheets (*.webp), truth from 10 votes a face:
  ferplus_all       accuracy against the top vote (ties to the first column), rows whose top is one of 8 emotions
  ferplus_majority  the same where the top vote has more than half of all votes
  ferplus_standard  the same after single votes were set to 0: the published protocol
  fer2013           accuracy against FER2013's label; null without one
  ece               expected calibration error, 15 bins, on the rows of ferplus_all
  macro_recall, per_class, confusion[truth][answer]: on the rows of ferplus_all
  selective         ferplus_all of the most confident 90 %, 80 %, ... alone: the least confident are not answered
  usable            of a network with that score: share of these rows kept, and of the rest (unknown, no face) rejected
  contempt is none of the seven answers and counts as an error. Of several tables, valid.csv is measured where there
  is one, else all together; --split chooses one. `files` in the output names what was used.
faces.csv with images/ (photographs, box and landmarks given): n, accuracy, macro_recall (classes with at least
  {MIN_FACES_PER_CLASS} faces), per_class, confusion, ece, selective, usable; faces are cut out as the service does it.
  by_person: recalls when each person counts once, how many people they are of, and most_of_one, the share of the
  emotion's photographs that show the same person: where it is large, macro_recall is about that person.
With either, --also measures another network, such as the float form of this one, and tells the difference; and
  --robustness tells what is lost, in percent points of ferplus_all or accuracy, to:
{_corruptions()}
boxes.csv with images/ (scenes, YuNet's boxes): every back end of `faces.back_end`, on pictures of 640 px. Boxes of at
  least 32 px and score 0.7 count; a hit has IoU 0.4; boxes below IoU 0.2 with every box of the set are false:
  recall, false_per_image, landmark_error (in widths of the face), ms (one thread, median), and recall by size, by tilt
  of the eyes and by mean level. --plot adds the worst misses and false alarms of the first back end.
  With --usable instead: the share of squares of background without a face, and of the false alarms of haar and own,
  that the usable score rejects, and the share of the faces it keeps.

Rows that cannot be used are named on stderr with file and line, the rest is measured, and the exit status is 1."""


def _corruptions() -> str:
    """A line each."""
    return "\n".join(f"    {corruption.name:15s} {corruption.what}" for corruption in CORRUPTIONS)
