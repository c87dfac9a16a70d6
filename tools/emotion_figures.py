"""Measure models/emotion.tflite and write every figure, with its command beside it, into the model's card.

`valid`, the held-out people and `scenes_valid` are reported once, for the file that is shipped, and choose nothing:
run this at the very end. --rehearse runs the same on training data and writes nothing. About two minutes.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(
    0, str(Path(__file__).resolve().parent.parent)
)  # so that it runs in a checkout where Moodcast is not installed

from processor import processor

from edge.measure.compare import RATES, compare
from edge.measure.evaluate import Evaluation, judge, readings
from edge.measure.labelled import Labelled, read_labelled
from edge.measure.robustness import robustness
from edge.measure.usable import UsableSettings, evaluate_usable, usable_of
from edge.vision.emotion import EmotionClassifier
from edge.vision.finders import make_finder
from edge.vision.model import load_beside
from edge.vision.runtime import load_network

PROTOCOL = (
    "one pass of the file a face, nothing added, through the service's own code (edge/vision/emotion.py); where "
    "`mirrored` is true the file itself asks its network about the mirror image too; faces of photographs cut by "
    "edge/core/crop.py; contempt is none of the seven answers and counts as an error; FER2013's PublicTest (valid), "
    "the people of `faces` with int(sha1(identity), 16) % 4 == 0 and scenes_valid chose no number; docs/training.md "
    "says when they were read, and what was decided with them known"
)
MISTAKE_SHARE = 0.05
"""From which share of a class on a wrong answer is named in the card."""
_TURNS, _PASSES = 40, 25
_REPLACED = (
    "commands",
    "protocol",
    "date",
    "bytes",
    "int8",
    "float",
    "difference_points",
    "robustness",
    "usable",
    "time",
)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="with ferplus/, faces/, scenes_valid/"
    )
    parser.add_argument("--model", type=Path, default=Path("models/emotion.tflite"), help="its card is rewritten")
    parser.add_argument("--float", type=Path, metavar="FILE", help="the float form of the same network (.tflite)")
    parser.add_argument(
        "--yardstick", type=Path, default=Path("models/yardstick.tflite"), help="what is timed beside it"
    )
    parser.add_argument("--time", action="store_true", help="print the time of --model alone, write nothing")
    parser.add_argument(
        "--time-elsewhere", action="store_true", help="add the time on this processor to the card, beside its `time`"
    )
    parser.add_argument("--rehearse", action="store_true", help="measure on training data, print, write nothing")
    return parser.parse_args()


def sets(data: Path, *, rehearse: bool) -> dict[str, tuple[Labelled, str]]:
    """The labelled sets that are there, by name, each with the command that measures it."""
    split, people = ("train", "training") if rehearse else ("valid", "held-out")
    found: dict[str, tuple[Labelled, str]] = {}
    if (data / "ferplus").is_dir():
        found[f"ferplus_{split}"] = (
            read_labelled(data / "ferplus", split=split),
            f"moodcast evaluate {data / 'ferplus'} --split {split} --json",
        )
    if (data / "faces").is_dir():
        found[f"faces_{people.replace('-', '_')}"] = (
            read_labelled(data / "faces", identities=people),
            f"moodcast evaluate {data / 'faces'} --identities {people} --json",
        )
    return found


def named(path: Path) -> Path:
    """``path`` as a card may name it: nothing about the folders of this machine."""
    return Path(path.name) if path.is_absolute() else path


def rates(evaluation: Evaluation) -> dict[str, Any]:
    """What stands in the card of one evaluation: rates, and by emotion recall, precision and what it is taken for."""
    report = evaluation.report
    return {
        "n": report["n"],
        **{key: report[key] for key in RATES if key in report},
        "selective": report["selective"],
        "recall": {emotion: found["recall"] for emotion, found in report["per_class"].items()},
        "precision": {emotion: found["precision"] for emotion, found in report["per_class"].items()},
        "taken_for": {truth: wrong for truth, row in report["confusion"].items() if (wrong := mistakes(truth, row))},
        **({"by_person": report["by_person"]} if "by_person" in report else {}),
    }


def mistakes(truth: str, answers: dict[str, int]) -> dict[str, float]:
    """The wrong answers to ``truth`` that come often, with their share, the most frequent first."""
    n = max(sum(answers.values()), 1)
    often = [(count / n, answer) for answer, count in answers.items() if answer != truth and count / n >= MISTAKE_SHARE]
    return {answer: round(share, 3) for share, answer in sorted(often, reverse=True)}


def labelled_figures(args: argparse.Namespace, classifier: EmotionClassifier) -> dict[str, Any]:
    """Everything that is measured on labelled faces."""
    other = EmotionClassifier.of(load_beside(args.float, classifier.card)) if args.float else None
    figures: dict[str, Any] = {"int8": {}, "robustness": {}, "usable": {}}
    if other is not None:
        figures |= {"float": {}, "difference_points": {}}
    for name, (data, command) in sets(args.data, rehearse=args.rehearse).items():
        print(f"{name}: {len(data.crops)} faces", file=sys.stderr)
        read = readings(classifier, data.crops)
        clean = judge(data, read.probs)
        figures["int8"][name] = {"command": command, **rates(clean)}
        least = classifier.card.usable_min
        table = robustness(data, classifier, clean, usable_min=least)
        short = {key: {k: v for k, v in row.items() if k != "what"} for key, row in table.items()}
        figures["robustness"][name] = {"command": f"{command} --robustness", **short}
        if classifier.card.has_usable:
            figures["usable"][name] = {"command": command, **usable_of(data, read, least)}
        if other is not None:
            theirs = judge(data, readings(other, data.crops).probs)
            found = compare(clean, theirs)
            also = f"{command} --also {named(args.float)}"
            figures["float"][name] = {"command": also, **rates(theirs)}
            figures["difference_points"][name] = {**found["difference_points"], "same_answer": found["same_answer"]}
    return figures


def scene_figures(args: argparse.Namespace, classifier: EmotionClassifier) -> dict[str, Any]:
    """The usable score against background and false alarms; nothing where there are no scenes or no score."""
    name = "scenes" if args.rehearse else "scenes_valid"
    folder = args.data / name
    if not folder.is_dir() or not classifier.card.has_usable:
        return {}
    finders = {"haar": make_finder("haar", min_face_px=30), "own": make_finder("own")}
    found = evaluate_usable(folder, classifier, finders, UsableSettings(classifier.card.usable_min)).report
    command = f"moodcast evaluate {folder} --usable --json"
    return {name: {"command": command, **found["usable"], "false_alarms_of": found["false_alarms_of"]}}


def time_figures(model: Path, yardstick: Path) -> dict[str, Any]:
    """Our network and the yardstick in turns, one thread each: medians over turns, by the time of this thread alone."""
    works = [_pass(model), _pass(yardstick)]
    for work in works:
        _thread_s(work)
    turns = [(_thread_s(works[0]), _thread_s(works[1])) for _ in range(_TURNS)]
    ours, theirs = (statistics.median(times) * 1000.0 / _PASSES for times in zip(*turns, strict=True))
    return {
        "command": "python tools/emotion_figures.py",
        "processor": processor(),
        "time_ratio": round(statistics.median(a / b for a, b in turns), 3),
        "ms": round(ours, 4),
        "yardstick_ms": round(theirs, 4),
        "what": "one pass of the file, one thread, against the float network of mini-Xception's size in the same run",
    }


def _pass(path: Path) -> Callable[[], None]:
    network = load_network(path)
    rng = np.random.default_rng(1)
    whole = network.input.dtype == "int8"
    values = (
        rng.integers(-128, 128, network.input.shape).astype(np.int8)
        if whole
        else rng.standard_normal(network.input.shape).astype(network.input.dtype)
    )
    return lambda: np.copyto(np.empty(network.output.shape, network.output.dtype), network.run(values))


def _thread_s(work: Callable[[], None]) -> float:
    start_s = time.thread_time()
    for _ in range(_PASSES):
        work()
    return time.thread_time() - start_s


def write_time(card: Path, time: dict[str, Any]) -> None:
    """The card with ``time`` beside its own, which was measured on another processor.

    Raises SystemExit where it was measured on this one.
    """
    figures = yaml.safe_load(card.read_text(encoding="utf-8"))["figures"]
    if figures["time"].get("processor") == time["processor"]:
        raise SystemExit(f"{card}: `time` is of this processor; give --float to measure the card anew")
    beside = {"command": "python tools/emotion_figures.py --time-elsewhere"}
    beside |= {key: time[key] for key in ("processor", "time_ratio", "ms", "yardstick_ms")}
    others = [row for row in figures.get("time_elsewhere", []) if row["processor"] != time["processor"]]
    _write(card, {**figures, "time_elsewhere": [*others, beside]})


def write(card: Path, figures: dict[str, Any]) -> None:
    """The card with new figures: its comment and other fields stay, those measured for another file go."""
    before = yaml.safe_load(card.read_text(encoding="utf-8")).get("figures") or {}
    kept = {key: value for key, value in before.items() if key not in _REPLACED and key not in figures}
    _write(card, {**figures, **kept})


def _write(card: Path, figures: dict[str, Any]) -> None:
    text = card.read_text(encoding="utf-8")
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    fields = yaml.safe_load(text)
    fields["figures"] = figures
    new = head + yaml.safe_dump(fields, sort_keys=False, width=110, default_flow_style=None, allow_unicode=True)
    part = card.with_suffix(".yaml.part")
    part.write_text(new, encoding="utf-8")
    part.replace(card)


def main() -> None:
    """Measure, print, write."""
    args = arguments()
    if args.time or args.time_elsewhere:
        found = time_figures(args.model, args.yardstick)
        print(yaml.safe_dump(found, sort_keys=False))
        if args.time_elsewhere:
            write_time(args.model.with_suffix(".yaml"), found)
        return
    classifier = EmotionClassifier(args.model)
    labelled = labelled_figures(args, classifier)
    if not labelled["int8"]:
        raise SystemExit(f"{args.data}: holds neither ferplus/ nor faces/; name the folder of the research data")
    labelled["usable"] |= scene_figures(args, classifier)
    if not labelled["usable"]:
        del labelled["usable"]
    figures = {
        "protocol": PROTOCOL,
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "commands": ["python tools/emotion_figures.py" + (f" --float {named(args.float)}" if args.float else "")],
        "bytes": args.model.stat().st_size,
        **labelled,
        "time": time_figures(args.model, args.yardstick),
    }
    print(yaml.safe_dump(figures, sort_keys=False, width=110, default_flow_style=None))
    if not args.rehearse:
        write(args.model.with_suffix(".yaml"), figures)


if __name__ == "__main__":
    main()
