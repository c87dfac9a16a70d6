"""``moodcast evaluate`` for labelled faces: tables of FER+ votes, or photographs with faces.csv."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edge.commands.plots import plot_place
from edge.compose import usable_min
from edge.config.schema import Config
from edge.data import Readings
from edge.errors import EXIT_INPUT
from edge.measure.annotate import save_picture
from edge.measure.compare import RATES, compare
from edge.measure.evaluate import Evaluation, judge, readings
from edge.measure.labelled import Labelled, read_labelled
from edge.measure.plot import plot, plot_confusion, plot_reliability, plot_risk_coverage
from edge.measure.progress import Progress
from edge.measure.robustness import SEED, example_sheet, robustness
from edge.measure.usable import usable_of
from edge.paths import model_path
from edge.vision.emotion import EmotionClassifier
from edge.vision.model import load_beside


def run_faces(args: argparse.Namespace, config: Config) -> int:
    """Measure, print, plot; returns the exit status."""
    model = model_path(args.model or config.emotion.model)
    threads = config.emotion.threads
    classifier = EmotionClassifier(model, threads=threads)
    least = usable_min(config, classifier.card)
    with Progress(sys.stderr) as progress:
        data = read_labelled(args.folder, side_px=classifier.side_px, split=args.split, identities=args.identities)
        read = _readings(classifier, data, progress, model.name)
        evaluation = judge(data, read.probs)
        report = evaluation.report
        if classifier.card.has_usable:
            report["usable"] = usable_of(data, read, least)
        if args.also is not None:
            also = EmotionClassifier.of(load_beside(args.also, classifier.card, threads=threads))
            report["also"] = {"model": str(args.also), **_also(evaluation, also, args, progress)}
        if args.robustness:
            table = robustness(data, classifier, evaluation, usable_min=least, on_progress=progress.show)
            report["robustness"] = {"seed": SEED, "corruptions": table}
    for problem in evaluation.problems:
        print(problem, file=sys.stderr)
    if args.plot is not None:
        _plot(args.plot, evaluation, f"{model.name} on {', '.join(report['files'])}")
        if args.robustness and args.plot.is_dir():
            save_picture(plot_place(args.plot, "corruptions"), example_sheet(data, classifier))
    print(json.dumps(report) if args.json else as_text(report))
    return EXIT_INPUT if evaluation.problems else 0


def _also(ours: Evaluation, other: EmotionClassifier, args: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    # Read again: the other network's faces may be of another size.
    data = read_labelled(args.folder, side_px=other.side_px, split=args.split, identities=args.identities)
    return compare(ours, judge(data, _readings(other, data, progress, args.also.name).probs))


def _readings(classifier: EmotionClassifier, data: Labelled, progress: Progress, name: str) -> Readings:
    return readings(classifier, data.crops, lambda done, total: progress.show(name, done=done, total=total))


def _plot(place: Path, evaluation: Evaluation, title: str) -> None:
    """One picture for a file's name, or each plot as a PNG in a folder."""
    if not place.is_dir():
        save_picture(place, plot(evaluation, title=title))
        return
    plots = {"confusion": plot_confusion, "reliability": plot_reliability, "risk-coverage": plot_risk_coverage}
    for name, draw in plots.items():
        save_picture(plot_place(place, name), draw(evaluation, title=title))


def as_text(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [f"{', '.join(report['files'])}: {report['n']} faces"]
    lines += [f"  {key:17s} {_rate(report[key])}" for key in RATES if key in report]
    lines += [f"  {f'at {_percent(key)}':17s} {_rate(value)}" for key, value in report["selective"].items()]
    lines.append(f"  {'':17s} recall  precision  faces")
    lines += [_class_line(emotion, values) for emotion, values in report["per_class"].items()]
    lines += _person_lines(report.get("by_person"))
    lines += _usable_lines(report.get("usable"))
    if "also" in report:
        lines += _also_lines(report["also"])
    if "robustness" in report:
        lines.append(f"  {'hurt by':17s} accuracy  macro  points lost  usable")
        lines += [_cost_line(name, row) for name, row in report["robustness"]["corruptions"].items()]
    return "\n".join(lines)


def _percent(key: str) -> str:
    return f"{float(key.removeprefix('coverage_')):.0%} answered"


def _class_line(emotion: str, values: dict[str, Any]) -> str:
    return f"  {emotion:17s} {_rate(values['recall'])}  {_rate(values['precision']):>9s}  {values['n']:5d}"


def _person_lines(figures: dict[str, Any] | None) -> list[str]:
    """Recall when each person counts once, and by how many people that is."""
    if figures is None:
        return []
    lines = [f"  {'each person once':17s} recall  people  share of faces that one of them has"]
    lines += [
        f"  {emotion:17s} {_rate(found['recall'])} {found['people']:7d}  {_rate(found['most_of_one'])}"
        for emotion, found in figures["per_class"].items()
    ]
    return [*lines, f"  {'macro_recall':17s} {_rate(figures['macro_recall'])}"]


def _usable_lines(figures: dict[str, Any] | None) -> list[str]:
    if figures is None:
        return []
    lines = [f"  faces kept at a usable score of {figures['threshold']:g}: {_rate(figures['faces']['kept'])}"]
    if "unknown_or_no_face" in figures:
        rest = figures["unknown_or_no_face"]
        lines.append(f"  of {rest['n']} that taggers called unknown or no face, rejected: {_rate(rest['rejected'])}")
    return lines


def _also_lines(also: dict[str, Any]) -> list[str]:
    lines = [f"  {also['model']}: same answer for {also['same_answer']:.2%} of the faces"]
    rates, points = also["report"], also["difference_points"]
    return lines + [f"    {key:17s} {_rate(rates[key])}  ours {points[key]:+.2f} points" for key in points]


def _cost_line(name: str, row: dict[str, Any]) -> str:
    cost = "-" if row["cost_points"] is None else f"{row['cost_points']:5.1f}"
    rates = f"{_rate(row['accuracy'])}    {_rate(row['macro_recall'])} {cost:>8s}      {_rate(row['kept'])}"
    return f"  {name:17s} {rates}   {row['what']}"


def _rate(value: float | None) -> str:
    return "     -" if value is None else f"{value:6.4f}"
