"""``moodcast evaluate``: how right the emotion network, or what finds faces, is on a labelled set."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edge.commands.evaluate_boxes import run_boxes
from edge.compose import load_or_default
from edge.errors import EXIT_INPUT, InputError
from edge.measure.annotate import save_picture
from edge.measure.evaluate import MIN_FACES_PER_CLASS, Evaluation, evaluate
from edge.measure.plot import plot
from edge.measure.progress import Progress
from edge.paths import model_path
from edge.vision.emotion import EmotionClassifier

_RATES = ("ferplus_all", "ferplus_majority", "ferplus_standard", "fer2013", "accuracy", "macro_recall", "ece")
_PLOT_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = f"""\
Measures the emotion network (one forward pass, no flip) or what finds faces. The set's format says what is measured.

Tables of FER+ votes (*.csv) beside their sheets (*.webp), truth from 10 votes a face:
  ferplus_all       accuracy against the top vote (ties to the first column), rows whose top is one of 8 emotions
  ferplus_majority  the same where the top vote has more than half of all votes
  ferplus_standard  the same after single votes were set to 0: the published protocol
  fer2013           accuracy against FER2013's label; null without one
  ece               expected calibration error, 15 bins, on the rows of ferplus_all
  macro_recall, per_class, confusion[truth][answer]: on the rows of ferplus_all
  contempt is none of the seven answers and counts as an error. Of several tables, valid.csv is measured where there
  is one, else all together; --split chooses one. `files` in the output names what was used.
faces.csv with images/ (photographs, box and landmarks given): n, accuracy, macro_recall (classes with at least
  {MIN_FACES_PER_CLASS} faces), per_class, confusion, ece; faces are cut out as the service does it.
boxes.csv with images/ (scenes, YuNet's boxes): every back end of `faces.back_end`, on pictures of 640 px. Boxes of at
  least 32 px and score 0.7 count; a hit has IoU 0.4; boxes below IoU 0.2 with every box of the set are false:
  recall, false_per_image, landmark_error (in widths of the face), ms (one thread, median), and recall by size, by tilt
  of the eyes and by mean level. --plot adds the worst misses and false alarms of the first back end.

Rows that cannot be used are named on stderr with file and line, the rest is measured, and the exit status is 1."""
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
        "--plot", type=Path, metavar="OUT", help="write confusion matrix and calibration, or curves, as a picture"
    )
    parser.add_argument(
        "--yunet", type=Path, metavar="FILE", help="boxes.csv: also measure YuNet with this model (.onnx)"
    )
    parser.add_argument("--config", type=Path, help="model and threads from this file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if args.plot is not None and args.plot.suffix.lower() not in _PLOT_SUFFIXES:
        raise InputError(f"{args.plot}: name the plot with one of {', '.join(_PLOT_SUFFIXES)}")
    config = load_or_default(args.config)
    if (args.folder / "boxes.csv").is_file() and not (args.folder / "faces.csv").is_file():
        return run_boxes(args, config)
    model = model_path(args.model or config.emotion.model)
    classifier = EmotionClassifier(model, threads=config.emotion.threads)
    with Progress(sys.stderr) as progress:
        evaluation = evaluate(
            args.folder,
            classifier,
            split=args.split,
            identities=args.identities,
            on_progress=lambda done, total: progress.show("faces", done=done, total=total),
        )
    for problem in evaluation.problems:
        print(problem, file=sys.stderr)
    if args.plot is not None:
        save_picture(args.plot, plot(evaluation, title=f"{model.name} on {', '.join(evaluation.report['files'])}"))
    print(json.dumps(evaluation.report) if args.json else _as_text(evaluation))
    return EXIT_INPUT if evaluation.problems else 0


def _as_text(evaluation: Evaluation) -> str:
    report = evaluation.report
    lines = [f"{', '.join(report['files'])}: {report['n']} faces"]
    lines += [f"  {key:17s} {_rate(report[key])}" for key in _RATES if key in report]
    lines.append(f"  {'':17s} recall  precision  faces")
    lines += [_class_line(emotion, values) for emotion, values in report["per_class"].items()]
    return "\n".join(lines)


def _class_line(emotion: str, values: dict[str, Any]) -> str:
    return f"  {emotion:17s} {_rate(values['recall'])}  {_rate(values['precision']):>9s}  {values['n']:5d}"


def _rate(value: float | None) -> str:
    return "     -" if value is None else f"{value:6.4f}"
