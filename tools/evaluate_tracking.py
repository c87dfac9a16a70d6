"""Measures the tracker: on composed sequences (tools/track_sequences.py) and on the real clips. Prints JSON.

nice .venv/bin/python tools/evaluate_tracking.py /tmp/dev.json
nice .venv/bin/python tools/evaluate_tracking.py --clips
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tracking_metrics import Score, Scorer

from edge.core.track import Tracker, iou, single
from edge.data import Box, Face
from edge.measure.recording import frames_of
from edge.vision.finders import make_finder

CLIPS = {
    "head-pose-face-detection-male.mp4": 1,
    "head-pose-face-detection-female.mp4": 1,
    "face-demographics-walking-and-pause.mp4": 3,
}
"""Name -> people, counted by eye."""
CONFIRM_S = 0.25
"""As in ``tracking.confirm_s``: what is seen for less is no person."""
MakeTracker = Callable[[], Tracker]


def face_of(row: list[float]) -> Face:
    """From ``[x, y, width, height, score, 10 coordinates or none]``."""
    points = np.array(row[5:]).reshape(5, 2) if len(row) > 5 else None
    return Face(box_xywh_px=(row[0], row[1], row[2], row[3]), landmarks_px=points, score=row[4])


def composed_score(sequence: dict[str, Any], tracker: Tracker) -> Score:
    """Ids of one sequence's detections, as they are found: the first sight of a person counts."""
    scorer = Scorer()
    for frame in sequence["frames"]:
        faces = single([face_of(row) for row in frame["faces"]])
        tracks = tracker.update(faces, frame["t_s"])
        truths = [(row[0], (row[1], row[2], row[3], row[4]), bool(row[5])) for row in frame["truth"]]
        # The finder's box, not the smoothed one: here ids are judged, places in ``smoothing``.
        scorer.frame(truths, [(t.id, f.box_xywh_px) for t, f in zip(tracks, faces, strict=True)])
    return scorer.done()


def composed(file: Path, make: MakeTracker = Tracker) -> dict[str, Any]:
    """All sequences of ``file``: the whole, by frame rate, and the worst."""
    told = json.loads(file.read_text())
    whole, rates, each = Score(), defaultdict[str, Score](Score), []
    for sequence in told["sequences"]:
        score = composed_score(sequence, make())
        whole.add(score)
        rates[f"{sequence['rate_hz']:g}"].add(score)
        each.append((score.idf1, sequence["seed"], score.switches))
    worst = [{"seed": seed, "idf1": round(idf1, 4), "switches": n} for idf1, seed, n in sorted(each)[:5]]
    by_rate = {rate: {"idf1": round(s.idf1, 4), "switches": s.switches} for rate, s in sorted(rates.items())}
    return {"finder": told["finder"], "sequences": len(each), **whole.as_dict(), "by_rate_hz": by_rate, "worst": worst}


def smoothing(file: Path, make: MakeTracker = Tracker) -> dict[str, float]:
    """The face that is told beside the finder's own, per cent of the face's width.

    ``error``: mean distance of the box's centre from the true one. ``jitter``: rms second difference of all
    coordinates, box and landmarks, over three frames in a row; the same motion is in both.
    """
    errors: dict[str, list[float]] = {"found": [], "told": []}
    jitters: dict[str, list[float]] = {"found": [], "told": []}
    for sequence in json.loads(file.read_text())["sequences"]:
        tracker, trails = make(), defaultdict[tuple[str, int], list[Face | None]](list)
        for frame in sequence["frames"]:
            faces = [face_of(row) for row in frame["faces"]]
            tracks = tracker.update(faces, frame["t_s"])
            for person, x, y, w, h, counts in frame["truth"]:
                overlaps = [iou(face.box_xywh_px, (x, y, w, h)) for face in faces]
                hit = overlaps.index(max(overlaps)) if counts and overlaps and max(overlaps) >= 0.6 else None
                for kind, shown in (("found", faces), ("told", [t.face for t in tracks])):
                    trails[kind, person].append(None if hit is None else shown[hit])
                    if hit is not None:
                        bx, by, bw, bh = shown[hit].box_xywh_px
                        errors[kind].append(math.hypot(bx + bw / 2 - x - w / 2, by + bh / 2 - y - h / 2) / w)
        for (kind, _), trail in trails.items():
            jitters[kind] += [_bend(*three) for three in zip(trail, trail[1:], trail[2:], strict=False) if all(three)]
    told = {f"error_{kind}_percent": 100 * float(np.mean(v)) for kind, v in errors.items()}
    told |= {f"jitter_{kind}_percent": 100 * math.sqrt(float(np.mean(v))) for kind, v in jitters.items()}
    return {name: round(value, 2) for name, value in told.items()}


def _bend(*faces: Face | None) -> float:
    """Mean square of the second difference of three faces, in face widths."""
    a, b, c = (
        np.concatenate([f.box_xywh_px, () if f.landmarks_px is None else f.landmarks_px.ravel()]) for f in faces if f
    )
    return float(np.mean(((a - 2 * b + c) / b[2]) ** 2))


def clip(path: Path, people: int, finder: Any, make: MakeTracker = Tracker) -> dict[str, Any]:
    """One clip: how many ids lived for at least CONFIRM_S, and how often a face that went on changed its id.

    There is no truth for the clips but the number of people, so a switch is a face whose box overlaps that of the
    frame before (IoU of at least 0.4) and has another id; a person who was lost and came back with a new id shows in
    ``ids`` above ``people``.
    """
    tracker, spans = make(), dict[int, list[float]]()
    seen: list[list[tuple[int, Box]]] = []
    for frame in frames_of(path):
        faces = single(finder.find(frame.image))
        tracks = tracker.update(faces, frame.t_s)
        seen.append([(t.id, f.box_xywh_px) for t, f in zip(tracks, faces, strict=True)])
        for track in tracks:
            spans.setdefault(track.id, [frame.t_s, frame.t_s])[1] = frame.t_s
    ids = [i for i, (first, last) in spans.items() if last - first >= CONFIRM_S]
    switches = 0
    for before, after in pairwise(seen):
        for track, box in after:
            best = max(before, key=lambda b: iou(b[1], box), default=None)
            switches += best is not None and iou(best[1], box) >= 0.4 and best[0] != track
    faces_found = sum(len(frame) for frame in seen)
    extra = max(len(ids) - people, 0)
    return {"people": people, "ids": len(ids), "switches": switches + extra, "faces": faces_found}


def clips(data: Path, yunet: Path, make: MakeTracker = Tracker) -> dict[str, Any]:
    """All clips with YuNet (faces from 16 px) and with Haar as shipped."""
    told: dict[str, Any] = {}
    for name, least_px in (("yunet", 16), ("haar", 40)):
        finder = make_finder(name, min_face_px=least_px, yunet_file=str(yunet))
        told[name] = {file: clip(data / "clips" / file, people, finder, make) for file, people in CLIPS.items()}
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("files", nargs="*", type=Path, help="made by tools/track_sequences.py")
    parser.add_argument("--clips", action="store_true", help="also the real clips")
    parser.add_argument("--data", type=Path, default=root.parent / "shared/data")
    parser.add_argument("--yunet", type=Path, default=root.parent / "shared/peers/yunet_n_640.onnx")
    args = parser.parse_args()
    report: dict[str, Any] = {f.name: {**composed(f), "smoothing": smoothing(f)} for f in args.files}
    if args.clips:
        report["clips"] = clips(args.data, args.yunet)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
