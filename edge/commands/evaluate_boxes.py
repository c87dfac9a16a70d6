"""``moodcast evaluate`` for a folder with boxes.csv: every back end that finds faces."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from edge.commands.plots import plot_place
from edge.config.schema import Config
from edge.errors import EXIT_INPUT, InputError, ModelError
from edge.measure.annotate import save_picture
from edge.measure.detection import LOWEST_SCORE, MIN_FACE_PX, BackEnd, BoxEvaluation, evaluate_boxes
from edge.measure.detection_plot import plot_boxes
from edge.measure.progress import Progress
from edge.vision.finders import FINDERS, make_finder

HAAR_MIN_PX = 30
"""The published figures of the Haar cascade are of 1.1 / 5 / 30 px."""
_FIRST = ("own", "haar", "yunet")
_RATES = ("recall", "false_per_image", "landmark_error", "ms")
_BREAKDOWNS = ("recall_by_size_px", "recall_by_tilt_deg", "recall_by_level")


def run_boxes(args: argparse.Namespace, config: Config) -> int:
    """Measure, print, plot; returns the exit status."""
    back_ends = {name: _back_end(name, args, config) for name in sorted(FINDERS, key=_FIRST.index)}
    measured = {name: made for name, made in back_ends.items() if isinstance(made, BackEnd)}
    left_out = {name: str(made) for name, made in back_ends.items() if not isinstance(made, BackEnd)}
    if not measured:
        raise InputError("\n".join(f"{name}: {why}" for name, why in left_out.items()))
    with Progress(sys.stderr) as progress:
        evaluation = evaluate_boxes(
            args.folder,
            measured,
            on_progress=lambda done, total: progress.show("pictures", done=done, total=total),
        )
    evaluation.report["left_out"] = left_out
    for problem in (*evaluation.problems, *(f"left out: {name}: {why}" for name, why in left_out.items())):
        print(problem, file=sys.stderr)
    if args.plot is not None:
        title = f"Faces found in {', '.join(evaluation.report['files'])}"
        save_picture(plot_place(args.plot, "finders"), plot_boxes(evaluation, title=title))
    print(json.dumps(evaluation.report) if args.json else _as_text(evaluation))
    return EXIT_INPUT if evaluation.problems else 0


def _back_end(name: str, args: argparse.Namespace, config: Config) -> BackEnd | ModelError:
    """The back end as configured, and one that finds from LOWEST_SCORE on; the reason when it cannot be made."""
    faces = config.faces
    yunet_file = str(args.yunet) if args.yunet is not None else faces.yunet_file
    smallest = HAAR_MIN_PX if name == "haar" else MIN_FACE_PX
    common = {"min_face_px": smallest, "haar_neighbours": faces.haar_neighbours}
    try:
        finder = make_finder(name, **common, score_min=faces.score_min, yunet_file=yunet_file)
        if name == "haar":  # keeps every box that has its hits
            return BackEnd(finder, None, 0.0)
        return BackEnd(
            finder, make_finder(name, **common, score_min=LOWEST_SCORE, yunet_file=yunet_file), faces.score_min
        )
    except ModelError as error:
        return error


def _as_text(evaluation: BoxEvaluation) -> str:
    report = evaluation.report
    lines = [f"{', '.join(report['files'])}: {report['n_images']} pictures, {report['n_faces']} faces that count"]
    lines.append(f"  {'':8s}" + "".join(f"{key:>17s}" for key in _RATES))
    for name, figures in report["back_ends"].items():
        lines.append(f"  {name:8s}" + "".join(f"{_rate(figures[key]):>17s}" for key in _RATES))
    for kind in _BREAKDOWNS:
        lines.append(f"  {kind}")
        lines += [f"    {name:6s}" + _bins(figures[kind]) for name, figures in report["back_ends"].items()]
    return "\n".join(lines)


def _bins(bins: dict[str, dict[str, Any]]) -> str:
    return "".join(f"  {name}: {_rate(values['recall'])} of {values['n']}" for name, values in bins.items())


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
