"""Counts the faces that two detectors find in the demo clip and holds them against its script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

Counter = Callable[[NDArray[np.uint8]], int]
GUARDS_S = (0.15, 0.5)
"""Frames nearer than this to a change of the script are not counted: faces fade in and out over 0.3 s."""


def haar() -> Counter:
    """OpenCV's frontal cascade: scale 1.1, 5 neighbours, 50 px."""
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")

    def count(image: NDArray[np.uint8]) -> int:
        return len(cascade.detectMultiScale(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), 1.1, 5, minSize=(50, 50)))

    return count


def yunet(model: Path) -> Counter:
    """YuNet at score 0.7 in the frame's own size."""
    finder = cv2.FaceDetectorYN.create(str(model), "", (640, 480), 0.7)

    def count(image: NDArray[np.uint8]) -> int:
        finder.setInputSize(image.shape[1::-1])
        faces = finder.detect(image)[1]
        return 0 if faces is None else len(faces)

    return count


def scripted(script: dict[str, Any], t_s: float) -> tuple[int, float]:
    """How many people the script has at a time, and the distance to its nearest change in seconds."""
    changes = [segment["from_s"] for segment in script["segments"][1:]]
    people = next(len(s["people"]) for s in script["segments"] if s["from_s"] <= t_s < s["to_s"])
    return people, min(abs(t_s - change) for change in changes)


def report(clip: Path, script_path: Path, yunet_model: Path) -> None:
    """Prints for each detector in how many frames it finds exactly, more than and fewer than the scripted faces."""
    script = yaml.safe_load(script_path.read_text(encoding="utf-8"))
    detectors = {"haar": haar()}
    if yunet_model.is_file():
        detectors["yunet"] = yunet(yunet_model)
    rows: list[tuple[int, float, dict[str, int]]] = []
    video = cv2.VideoCapture(str(clip))
    while True:
        there, image = video.read()
        if not there:
            break
        people, distance_s = scripted(script, len(rows) / script["fps"])
        rows.append((people, distance_s, {name: count(image) for name, count in detectors.items()}))
    print(f"{clip.name}: {len(rows)} frames, {clip.stat().st_size / 1e6:.2f} MB")
    for name in detectors:
        for guard_s in GUARDS_S:
            used = [(people, found[name]) for people, distance_s, found in rows if distance_s >= guard_s]
            faces = [(p, n) for p, n in used if p]
            empty = [n for p, n in used if not p]
            exact = sum(p == n for p, n in faces)
            print(
                f"{name:5s} {guard_s:.2f} s away from changes: scripted number in {exact} of {len(faces)} frames with"
                f" faces ({exact / len(faces):.1%}), too many in {sum(n > p for p, n in used)} of {len(used)}, any in"
                f" {sum(n > 0 for n in empty)} of {len(empty)} empty frames"
            )
