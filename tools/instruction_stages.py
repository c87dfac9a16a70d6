#!/usr/bin/env python3
"""The stages that ``tools/count-instructions`` counts, and the table of its counts.

python tools/instruction_stages.py run --requests FILE.so      under callgrind: calls each stage some times
python tools/instruction_stages.py report --folder DIR         reads callgrind's files, prints a table
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edge.camera.demo import CLIP  # noqa: E402
from edge.compose import face_finder, load_or_default, people_settings, schedule_settings  # noqa: E402
from edge.core.decode import decode  # noqa: E402
from edge.core.people import People  # noqa: E402
from edge.core.schedule import Schedule  # noqa: E402
from edge.core.stillness import Stillness  # noqa: E402
from edge.measure.bench import Yardstick  # noqa: E402
from edge.measure.decoded import decoded_frames  # noqa: E402
from edge.paths import model_path  # noqa: E402
from edge.vision.emotion import EmotionClassifier  # noqa: E402
from edge.vision.own import OwnFinder, _fill  # noqa: E402
from edge.watch import Watch, thumbnail  # noqa: E402

_AT_FRAME = 100
"""8 s into the bundled clip: one person looks at the camera."""
_LOOK_S = 0.1
_SECOND_FRAMES = 30
SECOND = "a second at 30 frames/s, by the schedule"


def stages() -> dict[str, Callable[[], object]]:
    """What one call of each stage does, at 640 x 480 with one face."""
    cv2.setNumThreads(1)
    config = load_or_default(None)
    finder, reader = face_finder(config), EmotionClassifier(model_path(config.emotion.model))
    assert isinstance(finder, OwnFinder)
    image = next(itertools.islice(decoded_frames(CLIP), _AT_FRAME, None)).image
    frame = next(itertools.islice(decoded_frames(CLIP), _AT_FRAME, None))
    faces = finder.find(image)
    levels = finder._levels()
    probs = reader.classify(image, faces)[0]
    people, clock = People(people_settings(config)), itertools.count(1)
    still = Stillness()
    still.looked(thumbnail(image))
    watch = Watch(finder, reader, People(people_settings(config)), Schedule(schedule_settings(config)))
    numbers = itertools.count()
    yardstick = Yardstick(model_path("yardstick"))

    def track_and_smooth() -> None:
        t_s = next(clock) * _LOOK_S
        (track,) = people.see(faces, t_s, frame_px=(640, 480))
        people.read({track.id: probs}, t_s)

    def second() -> None:
        for _ in range(_SECOND_FRAMES):
            number = next(numbers)
            watch.frame(type(frame)(image, number / _SECOND_FRAMES, number), live=False)

    card = finder.card
    return {
        "motion": lambda: still.moved(thumbnail(image)),
        "letterbox": lambda: finder._network.write(lambda values: _fill(image, values)),
        "face network": finder._network.run,
        "decode": lambda: decode(levels, score_min=0.7, logit_shift=card.logit_shift),
        "find": lambda: finder.find(image),
        "classify": lambda: reader.classify(image, faces),
        "track and smooth": track_and_smooth,
        SECOND: second,
        "yardstick": lambda: yardstick.frame(frame),
    }


def run(requests: Path, calls: int) -> None:
    """Calls each stage ``calls`` times (a second of video once), each counted; prints how often as JSON."""
    library = ctypes.CDLL(str(requests))
    done: dict[str, int] = {}
    for name, stage in stages().items():
        for _ in range(1 if name == SECOND else 3):  # caches, lazy set-up
            stage()
        count = 1 if name == SECOND else calls
        library.begin()
        for _ in range(count):
            stage()
        library.end(name.encode())
        done[name] = count
    print(json.dumps(done))


def counts(folder: Path) -> dict[str, float]:
    """Instructions of one call of each stage, from callgrind's dumps in ``folder``."""
    told = json.loads((folder / "calls.json").read_text())
    found: dict[str, float] = {}
    for path in folder.glob("callgrind.out*"):
        lines = path.read_text(errors="replace").splitlines()
        trigger = next((line for line in lines if line.startswith("desc: Trigger: Client Request: ")), "")
        total = next((line for line in lines if line.startswith("totals:")), "")
        stage = trigger.rpartition(": ")[2]
        if stage and total:
            found[stage] = int(total.split()[1]) / told[stage]
    return {stage: found[stage] for stage in told if stage in found}


def report(folder: Path, json_path: Path | None) -> None:
    found = counts(folder)
    if not found:
        sys.exit("callgrind wrote no counts; run tools/count-instructions again with valgrind 3.19 or newer")
    print(f"{platform.machine()}, Python {platform.python_version()}, OpenCV {cv2.__version__}, numpy {np.__version__}")
    for name, count in found.items():
        print(f"{name:46} {count / 1e6:10.3f} million")
    if json_path:
        json_path.write_text(json.dumps({name: round(count) for name, count in found.items()}, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "report"])
    parser.add_argument("--requests", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--calls", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.what == "run":
        run(args.requests, args.calls)
    else:
        report(args.folder, args.json)


if __name__ == "__main__":
    main()
