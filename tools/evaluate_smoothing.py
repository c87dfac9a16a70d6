"""Compare ways of getting from single readings to an emotion, on sequences with known truth and on the real clips."""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mood_filters import BayesFilter, BayesSettings, Gru
from mood_plot import draw
from mood_scores import UNSURE, Score, add, readable
from mood_sequences import MoodSequence, add_options, sequences

from edge.core.people import PeopleSettings
from edge.core.smooth import Smoother
from edge.core.trigger import Trigger, TriggerSettings
from edge.data import EMOTIONS, Mood

RATES_HZ = (5, 10, 30, 0)
"""0: a rate that wanders between 2 and 30 Hz."""
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Step = Callable[[Floats, float], Floats]


@dataclass(frozen=True, slots=True)
class Method:
    """``make`` gives the filter of one face; ``trigger`` None: the most probable emotion is the label."""

    make: Callable[[], Step]
    trigger: TriggerSettings | None
    confidence_min: float = 0.4

    def run(self, sequence: MoodSequence) -> tuple[Ints, Floats]:
        """Labels (T,) and probabilities (T, 7) of the frames in which the face was seen."""
        step = self.make()
        trigger = None if self.trigger is None else Trigger(self.trigger)
        t_s, readings = sequence.t_s[sequence.seen], sequence.probs[sequence.seen]
        probs = np.stack([step(p, float(t)) for p, t in zip(readings, t_s, strict=True)])
        if trigger is None:
            return probs.argmax(axis=1), probs
        labels = np.empty(len(t_s), np.int64)
        for n, (p, t) in enumerate(zip(probs, t_s.tolist(), strict=True)):
            top = float(p.max())
            mood = Mood(1, p, top, top < self.confidence_min, True, 0.0, 0.0, t)
            trigger.update(mood, t, face_px=100.0)
            labels[n] = UNSURE if trigger.held is None else EMOTIONS.index(trigger.held)
        return labels, probs


def exponential(tau_s: float) -> Callable[[], Step]:
    """The shipped smoother."""

    def make() -> Step:
        smoother = Smoother(1, tau_s=tau_s, confidence_min=0.0)
        return lambda probs, t_s: smoother.update(probs, t_s).probs

    return make


def bayes(settings: BayesSettings) -> Callable[[], Step]:
    """A Bayesian filter."""
    return lambda: BayesFilter(settings).step


def unsmoothed() -> Step:
    """Each reading as it is."""
    return lambda probs, _t_s: probs


def evaluate(method: Method, made: Sequence[MoodSequence], rate_hz: float) -> dict[str, float | None]:
    """One method at one rate; the row of a table."""
    score = Score()
    for whole in made:
        sequence = whole.at_rate(rate_hz)
        add(score, sequence, *method.run(sequence), readable(whole))
    return score.row()


def shipped(settings: PeopleSettings | None = None) -> Method:
    """What the service does with these settings; by default its own."""
    s = settings or PeopleSettings()
    return Method(exponential(s.tau_s), s.trigger, s.confidence_min)


# The figures of docs/smoothing.md belong to these values: BEFORE is what was shipped until 2026-11; the settings of the
# filters were found by tools/tune_smoothing.py on development sequences, GRU_TRIGGER by four tries there.
BEFORE = PeopleSettings(
    tau_s=0.35, confidence_min=0.4, trigger=TriggerSettings(enter=0.5, leave=0.35, dwell_s=0.3, release_s=0.4)
)
BAYES = BayesSettings(rate_hz=0.031, evidence_hz=9.06, doubt=0.026, longest_s=0.3)
BAYES_TRIGGER = TriggerSettings(enter=0.84, leave=0.21, dwell_s=0.1, release_s=1.5)
POOLED = BayesSettings(rate_hz=0.014, evidence_hz=6.29, doubt=0.032, longest_s=1.0, pool=0.207)
POOLED_TRIGGER = TriggerSettings(enter=0.4, leave=0.15, dwell_s=0.2, release_s=1.0)
GRU_TRIGGER = TriggerSettings(enter=0.4, leave=0.15, dwell_s=0.2, release_s=1.5)


def methods(gru: Path) -> dict[str, Method]:
    """Everything that is compared, by the name in the table. The network is left out where it was not trained."""
    found = {
        "unsmoothed": Method(unsmoothed, None),
        "exponential, trigger of before": shipped(BEFORE),
        "exponential, trigger (shipped)": shipped(),
        "exponential alone": Method(exponential(PeopleSettings().tau_s), None),
        "Bayes, trigger": Method(bayes(BAYES), BAYES_TRIGGER, 0.0),
        "Bayes alone": Method(bayes(BAYES), None),
        "Bayes, errors that stay, trigger": Method(bayes(POOLED), POOLED_TRIGGER, 0.0),
    }
    if gru.is_file():
        weights = dict(np.load(gru))
        found["GRU, trigger"] = Method(lambda: Gru(weights).step, GRU_TRIGGER, 0.0)
        found["GRU alone"] = Method(lambda: Gru(weights).step, None)
    return found


def table(report: dict[str, dict[str, dict[str, float | None]]]) -> str:
    """The report as markdown: a row for each method and rate."""
    columns = {
        "flips_a_minute": "flips a minute",
        "fewer_flips": "fewer flips",
        "delay_p50_s": "delay p50, s",
        "told_delay_p95_s": "p95, s",
        "missed": "missed",
        "accuracy": "accuracy",
        "unsure": "unsure",
        "brier": "Brier",
    }
    lines = ["| method | Hz | " + " | ".join(columns.values()) + " |", "|---" * (len(columns) + 2) + "|"]
    for name, rates in report.items():
        for rate, row in rates.items():
            lines.append(f"| {name} | {rate} | " + " | ".join(_cell(key, row[key]) for key in columns) + " |")
    return "\n".join(lines)


def _cell(key: str, value: float | None) -> str:
    if value is None:
        return "never"
    return f"{value:.1%}" if key in ("fewer_flips", "missed") else f"{value:g}"


def clip_report(data: Path) -> list[str]:
    """What the shipped method tells of the real clips, read frame by frame with the shipped finder and network."""
    moodcast = Path(sys.executable).parent / "moodcast"
    lines = []
    for clip in sorted((data / "clips").glob("*.mp4")):
        steps = _json_lines([str(moodcast), "analyze", str(clip), "--json"])
        tops: dict[int, list[str]] = {}
        for face in (f for step in steps for f in step["faces"] if "probs" in f):
            tops.setdefault(face["track_id"], []).append(face["emotion"])
        flips = sum(a != b for labels in tops.values() for a, b in itertools.pairwise(labels))
        events = [
            f"{e['t_s']:.2f} s {e['event_type']} {e['emotion']} ({e['track_id']})"
            for e in _events(steps)
            if e["event_type"] != "update"
        ]
        lines.append(f"{clip.name}: unsmoothed labels change {flips} times; told: " + ", ".join(events))
    return lines


def _json_lines(command: list[str]) -> list[dict[str, Any]]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _events(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.jsonl"
        trace.write_text("\n".join(json.dumps(step) for step in steps))
        return _json_lines([str(Path(sys.executable).parent / "moodcast"), "replay", str(trace), "--json"])


def compared(args: argparse.Namespace) -> dict[str, dict[str, dict[str, float | None]]]:
    """Every method at every rate on the sequences of ``args.part``."""
    made = sequences(args, args.part)[: args.sequences]
    report: dict[str, dict[str, dict[str, float | None]]] = {}
    for name, method in methods(args.cache / "gru.npz").items():
        for rate_hz in RATES_HZ:
            key = str(rate_hz or "2-30")
            row = report.setdefault(name, {})[key] = evaluate(method, made, rate_hz)
            raw = report["unsmoothed"][key]["flips_a_minute"] or 1.0
            row["fewer_flips"] = round(1.0 - (row["flips_a_minute"] or 0.0) / raw, 4)
    return report


def main() -> None:
    """Compare, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--part", choices=("development", "held-out"), default="held-out")
    parser.add_argument("--sequences", type=int, default=None, help="only the first so many")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--picture", type=Path, help="draw flips against delay into this file (.png or .webp)")
    args = parser.parse_args()
    report = compared(args)
    if not args.json:
        print(table(report), flush=True)
    if args.picture is not None and not cv2.imwrite(str(args.picture), draw(report)):
        raise SystemExit(f"{args.picture} cannot be written")
    clips = clip_report(args.data) if (args.data / "clips").is_dir() else []
    print(json.dumps({"sequences": report, "clips": clips}, indent=1) if args.json else "\n" + "\n".join(clips))


if __name__ == "__main__":
    main()
