"""``moodcast analyze``: the faces and their emotions in pictures, folders and videos."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edge.compose import face_finder, load_or_default, usable_min
from edge.errors import EXIT_INPUT, InputError
from edge.measure.analyze import Analyzer, as_line, as_record
from edge.measure.annotate import Copies, annotated
from edge.measure.media import Medium, find_media
from edge.measure.progress import Progress
from edge.paths import model_path
from edge.vision.emotion import EmotionClassifier


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "One line for each frame: the faces in it with their probabilities, which are the frame's own (not smoothed "
        "over time, whatever the size of the face); `usable` is false where the network finds nothing to read "
        "(background, a false alarm), which the daemon and replay leave out. Pictures have t_s 0 and track ids of "
        "their own; in videos people are followed, and t_s is the recording's time. Pictures above 12 million pixels "
        "are searched at that size, above 64 million refused. A file that cannot be read is named on stderr, the rest "
        "is done, and the exit status is 1."
    )
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="picture, video, or folder of them")
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    parser.add_argument(
        "--annotate",
        type=Path,
        metavar="OUT",
        help="write copies with the readings drawn in to this folder, as NAME-annotated; videos become .mp4",
    )
    parser.add_argument("--model", metavar="NAME", help="shipped model or path of a .tflite file with its card")
    parser.add_argument("--config", type=Path, help="face finder, model and tracking from this file")


def run(args: argparse.Namespace) -> int:
    config = load_or_default(args.config)
    reader = EmotionClassifier(model_path(args.model or config.emotion.model), threads=config.emotion.threads)
    analyzer = Analyzer(
        finder=face_finder(config),
        reader=reader,
        usable_min=usable_min(config, reader.card),
        max_lost_s=config.tracking.max_lost_s,
        min_iou=config.tracking.min_iou,
    )
    media, problems = find_media(args.paths, leave_out=args.annotate)
    copies = Copies(args.annotate, (medium.path for medium in media)) if args.annotate is not None else None
    for problem in problems:
        print(problem, file=sys.stderr)
    failed = len(problems)
    with Progress(sys.stderr) as progress:
        for done, medium in enumerate(media):
            progress.show(str(medium.path), done=done, total=len(media))
            failed += not _print_all(analyzer, medium, copies, progress, as_json=args.json)
    return EXIT_INPUT if failed else 0


def _print_all(analyzer: Analyzer, medium: Medium, copies: Copies | None, progress: Progress, *, as_json: bool) -> bool:
    """Prints the lines of one file; False, after naming it, when it could not be read to its end."""
    source = str(medium.path)
    frames = analyzer.frames(medium)
    try:
        for frame in frames if copies is None else annotated(frames, medium, copies):
            progress.clear()
            if as_json:
                print(json.dumps(as_record(source, frame.t_s, frame.readings)), flush=True)
            else:
                print(as_line(source, frame.t_s, frame.readings), flush=True)
            if medium.is_video:
                progress.show(f"{source} {frame.t_s:.1f} s")
    except InputError as error:
        progress.clear()
        print(error, file=sys.stderr)
        return False
    return True
