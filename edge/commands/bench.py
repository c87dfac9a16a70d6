"""``moodcast bench``: frames a second beside a yardstick, memory, each stage's time; what the service costs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edge.camera.demo import CLIP
from edge.camera.source import CameraSettings
from edge.camera.table import make_camera
from edge.compose import face_finder, load_or_default, people_settings, schedule_settings, usable_min
from edge.config.schema import Config
from edge.core.people import People
from edge.core.schedule import Schedule
from edge.measure import service
from edge.measure.bench import Pipeline, bench, growth
from edge.measure.latency import capture_to_acknowledgement
from edge.measure.progress import Progress
from edge.measure.sources import empty_room, one_person
from edge.paths import model_path
from edge.vision.emotion import EmotionClassifier
from edge.vision.finders import FaceFinder
from edge.watch import Watch

YARDSTICK = "yardstick"
RATE_HZ = 15.0
"""Pace of the pictures for `--service` and `--latency`; every picture is searched where latency is measured."""
_EVERY_FRAME_HZ = 120.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Times our pipeline on every frame, our pipeline by the schedule (10 looks a second of a stream of 30), and a "
        "yardstick (Haar 1.1 / 5 / 50 px on every frame, a float network of mini-Xception's size on every face, same "
        "runtime, one thread) in turns on the same decoded frames. `ratio` and `scheduled_ratio` are medians over "
        "turns; `rss_mb` is this process after our pipeline worked, before the yardstick is loaded, while another "
        "process decodes; `stages_ms` are of single frames, classify of those with a face."
    )
    parser.add_argument("--clip", type=Path, default=CLIP, help="video to run on (default: the bundled clip)")
    parser.add_argument("--frames", type=_at_least_two, default=600, help="use at most so many frames (default: 600)")
    parser.add_argument("--config", type=Path, help="face finder, model and thresholds from this file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--growth", type=_at_least_two, metavar="FRAMES", help="also: growth of memory over so many frames"
    )
    parser.add_argument(
        "--latency", type=_at_least_two, metavar="FRAMES",
        help="also: milliseconds from capture to the acknowledgement of a mosquitto, over so many frames at 15 Hz",
    )  # fmt: skip
    parser.add_argument(
        "--service", type=float, metavar="SECONDS",
        help="also: the daemon as a process beside a mosquitto: CPU and memory with nobody and with one person in view "
        "(640 x 480 at 15 Hz, JPEG as of a USB camera; CPU: median and range of six windows), so many seconds "
        "each, and the time to its first `emotion`",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    config = load_or_default(args.config)
    finder = face_finder(config)
    reader = EmotionClassifier(model_path(config.emotion.model), threads=1)
    people, usable = people_settings(config), usable_min(config, reader.card)
    with Progress(sys.stderr) as progress:
        report = bench(
            args.clip,
            lambda: Pipeline(finder, reader, People(people), usable),
            _maker(config, finder, reader),
            yardstick_model=model_path(YARDSTICK),
            max_frames=args.frames,
            on_progress=lambda frames: progress.show(f"{frames} frames"),
        )
        every_frame = _maker(config, finder, reader, looks_hz=_EVERY_FRAME_HZ)
        if args.growth:
            progress.show("growth of memory")
            report |= growth(every_frame, args.clip, frames=args.growth)
        if args.latency:
            progress.show("latency")
            report |= _latency(args, finder, every_frame())
        if args.service:
            progress.show("service")
            report |= _service(args, finder)
    print(json.dumps(report) if args.json else _as_text(report))
    return 0


def _maker(
    config: Config, finder: FaceFinder, reader: EmotionClassifier, *, looks_hz: float | None = None
) -> Callable[[], Watch]:
    settings = schedule_settings(config)
    if looks_hz is not None:
        settings = replace(settings, looks_hz=looks_hz)
    people = people_settings(config)
    usable = usable_min(config, reader.card)
    return lambda: Watch(finder, reader, People(people), Schedule(settings), usable)


def _pictures(folder: Path) -> dict[str, object]:
    return {"source": "images", "path": str(folder), "rate_hz": RATE_HZ, "loop": True}


def _latency(args: argparse.Namespace, finder: FaceFinder, watch: Watch) -> dict[str, Any]:
    with TemporaryDirectory(prefix="moodcast-bench-") as folder:
        one_person(Path(folder) / "person", args.clip, finder)
        camera = make_camera(
            CameraSettings(source="images", path=str(Path(folder) / "person"), rate_hz=RATE_HZ, loop=True)
        )
        return {"latency_stream_hz": RATE_HZ, **capture_to_acknowledgement(camera, watch, frames=args.latency)}


def _service(args: argparse.Namespace, finder: FaceFinder) -> dict[str, Any]:
    with TemporaryDirectory(prefix="moodcast-bench-") as name:
        folder = Path(name)
        nobody = service.cost(_pictures(empty_room(folder / "nobody")), seconds=args.service)
        person = _pictures(one_person(folder / "person", args.clip, finder))
        somebody = service.cost(person, seconds=args.service)
        return {
            **{f"nobody_{key}": value for key, value in nobody.items()},
            **{f"person_{key}": value for key, value in somebody.items()},
            **service.start(person),
        }


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
        f"  ratio      {report['ratio']:8.2f}            median over turns, every frame searched",
        f"  scheduled  {report['scheduled_ratio']:8.2f}            {report['scheduled_looks_per_s']} looks a second of "
        f"a stream of {report['scheduled_stream_hz']:g}; {report['cpu_s_per_video_hour']} CPU s an hour",
        f"  memory     {report['rss_mb']:8.1f} MB",
    ]
    lines += [
        f"  {stage:9s}  p50 {t['p50']:8.2f} ms   p95 {t['p95']:8.2f} ms" for stage, t in report["stages_ms"].items()
    ]
    shown = ("growth_", "latency_", "nobody_", "person_", "first_")
    lines += [f"  {key} {value}" for key, value in report.items() if key.startswith(shown)]
    return "\n".join(lines)
