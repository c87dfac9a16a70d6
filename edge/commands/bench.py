"""``moodcast bench``: frames a second beside a yardstick, memory, and the time of each stage."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edge.camera.demo import CLIP
from edge.compose import face_finder, load_or_default, people_settings, usable_min
from edge.core.people import People
from edge.measure.bench import Pipeline, bench
from edge.measure.progress import Progress
from edge.paths import model_path
from edge.vision.emotion import EmotionClassifier

YARDSTICK = "yardstick"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Times our pipeline and a yardstick (Haar 1.1 / 5 / 50 px on every frame, a float network of mini-Xception's "
        "size on every face, same runtime, one thread) in turns on the same decoded frames. `ratio` is the median over "
        "turns of 10 frames; `rss_mb` is this process after our pipeline worked, before the yardstick is loaded; "
        "`stages_ms` are of single frames, classify of those with a face."
    )
    parser.add_argument("--clip", type=Path, default=CLIP, help="video to run on (default: the bundled clip)")
    parser.add_argument("--frames", type=_at_least_two, default=600, help="use at most so many frames (default: 600)")
    parser.add_argument("--config", type=Path, help="face finder, model and thresholds from this file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    config = load_or_default(args.config)
    people = people_settings(config)
    finder = face_finder(config)
    reader = EmotionClassifier(model_path(config.emotion.model), threads=1)
    usable = usable_min(config, reader.card)
    with Progress(sys.stderr) as progress:
        report = bench(
            args.clip,
            lambda: Pipeline(finder, reader, People(people), usable),
            yardstick_model=model_path(YARDSTICK),
            max_frames=args.frames,
            on_progress=lambda frames: progress.show(f"{frames} frames"),
        )
    print(json.dumps(report) if args.json else _as_text(report))
    return 0


def _at_least_two(text: str) -> int:
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError("at least 2 frames are needed")
    return value


def _as_text(report: dict[str, Any]) -> str:
    size = f"{report['width_px']} x {report['height_px']}"
    lines = [
        f"{report['clip']}: {report['frames']} frames of {size} px, one thread",
        f"  moodcast   {report['frames_per_s']:8.1f} frames/s   {report['faces']} faces read",
        f"  yardstick  {report['yardstick_frames_per_s']:8.1f} frames/s   {report['yardstick_faces']} faces read",
        f"  ratio      {report['ratio']:8.2f}            median over turns",
        f"  memory     {report['rss_mb']:8.1f} MB",
    ]
    lines += [
        f"  {stage:9s}  p50 {t['p50']:8.2f} ms   p95 {t['p95']:8.2f} ms" for stage, t in report["stages_ms"].items()
    ]
    return "\n".join(lines)
