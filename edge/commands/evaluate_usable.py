"""``moodcast evaluate --usable`` for a folder with boxes.csv: background and false alarms against faces."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from edge.commands.evaluate_boxes import HAAR_MIN_PX
from edge.commands.plots import plot_place
from edge.compose import usable_min
from edge.config.schema import Config
from edge.errors import EXIT_INPUT, InputError
from edge.measure.annotate import save_picture
from edge.measure.progress import Progress
from edge.measure.usable import UsableSettings, evaluate_usable, usable_sheet
from edge.paths import model_path
from edge.vision.emotion import EmotionClassifier
from edge.vision.finders import FaceFinder, make_finder


def run_usable(args: argparse.Namespace, config: Config) -> int:
    """Measure, print, plot; returns the exit status."""
    model = model_path(args.model or config.emotion.model)
    classifier = EmotionClassifier(model, threads=config.emotion.threads)
    if not classifier.card.has_usable:
        raise InputError(
            f"{model}: has no usable score (output.content of its card is not `logits and usable`), so everything is "
            "kept; give a model that has one with --model"
        )
    settings = UsableSettings(usable_min(config, classifier.card), args.backgrounds)
    with Progress(sys.stderr) as progress:
        evaluation = evaluate_usable(
            args.folder,
            classifier,
            _finders(config),
            settings,
            lambda done, total: progress.show("pictures", done=done, total=total),
        )
    for problem in evaluation.problems:
        print(problem, file=sys.stderr)
    if args.plot is not None:
        title = f"{model.name} on {', '.join(evaluation.report['files'])}"
        save_picture(plot_place(args.plot, "usable"), usable_sheet(evaluation, title=title))
    print(json.dumps(evaluation.report) if args.json else _as_text(evaluation.report))
    return EXIT_INPUT if evaluation.problems else 0


def _finders(config: Config) -> dict[str, FaceFinder]:
    """Haar, which has many false alarms, and our own as it is configured."""
    faces = config.faces
    return {
        "haar": make_finder("haar", min_face_px=HAAR_MIN_PX, haar_neighbours=faces.haar_neighbours),
        "own": make_finder("own", min_face_px=faces.min_face_px, score_min=faces.score_min),
    }


def _as_text(report: dict[str, Any]) -> str:
    usable = report["usable"]
    lines = [f"{', '.join(report['files'])}: {report['n_images']} pictures, usable from {usable['threshold']:g}"]
    for kind, what in (
        ("background", "rejected"),
        ("false_alarms", "rejected"),
        ("no_face", "rejected"),
        ("faces", "kept"),
    ):
        lines.append(f"  {kind.replace('_', ' '):13s} {usable[kind]['n']:6d}  {what:8s} {_rate(usable[kind][what])}")
    at = usable["keeping_0.98"]
    if at["threshold"] is not None:
        lines.append(
            f"  keeping 98 % of these faces (from {at['threshold']:g}): no face rejected {_rate(at['rejected'])}"
        )
    lines += [
        f"  false alarms of {name}: {figures['n']}, rejected {_rate(figures['rejected'])}"
        for name, figures in report["false_alarms_of"].items()
    ]
    return "\n".join(lines)


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
