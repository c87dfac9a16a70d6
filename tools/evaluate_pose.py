"""How far off the pose behind ``attention`` is, by what can be measured without labelled poses. Prints JSON.

    nice .venv/bin/python tools/evaluate_pose.py

Three errors, in degrees, on photographs of `faces`: what remains between a picture and its mirror image, searched anew
(the finder's part: yaw must change its sign, pitch must not); the same between two sizes; and what people's own shapes
do: the mean face is turned by a known angle and given the deviation from the mean face of a real one.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.core.attention import MEAN_FACE, head_pose
from edge.data import Floats, Image
from edge.vision.finders import FaceFinder, make_finder

MIRRORED = [1, 0, 2, 4, 3]
SEED = 11


def turned(yaw_deg: float, pitch_deg: float) -> Floats:
    """The mean face turned, seen from afar: float (5, 2), 1 between the eyes when straight."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    sideways = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]])
    points: Floats = (MEAN_FACE @ (nod @ sideways).T)[:, :2]
    return points


def spread(values: Sequence[float]) -> dict[str, float]:
    """rms and 95th percentile of the amount, in degrees."""
    amounts = np.abs(np.array(values))
    rms = math.sqrt(float(np.mean(amounts**2)))
    return {"rms_deg": round(rms, 2), "p95_deg": round(float(np.percentile(amounts, 95)), 2)}


def landmarks(finder: FaceFinder, image: Image) -> Floats | None:
    faces = finder.find(image)
    return faces[0].landmarks_px if len(faces) == 1 else None


def refound(finder: FaceFinder, images: Sequence[Image]) -> dict[str, Any]:
    """Differences between a picture and its mirror image, and its copy at 0.6 of the size, divided by root 2."""
    yaws: dict[str, list[float]] = {"mirrored": [], "smaller": []}
    pitches: dict[str, list[float]] = {"mirrored": [], "smaller": []}
    for image in images:
        here = landmarks(finder, image)
        mirrored = landmarks(finder, np.ascontiguousarray(image[:, ::-1]))
        small = cv2.resize(image, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
        for kind, other, sign in (("mirrored", mirrored, -1), ("smaller", landmarks(finder, small), 1)):
            a, b = (None if p is None else head_pose(p) for p in (here, other))
            if a is not None and b is not None:
                yaws[kind].append((a.yaw_deg - sign * b.yaw_deg) / math.sqrt(2))
                pitches[kind].append((a.pitch_deg - b.pitch_deg) / math.sqrt(2))
    return {
        kind: {"pictures": len(yaws[kind]), "yaw": spread(yaws[kind]), "pitch": spread(pitches[kind])} for kind in yaws
    }


def deviations(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of photographs' landmarks (N, 5, 2) from the nearest turned mean face, head upright: (N, 5, 2), eyes 1 apart."""
    centred = MEAN_FACE - MEAN_FACE.mean(axis=0)
    inverse = np.linalg.pinv(centred).T
    out = []
    for face in points:
        matrix = (face - face.mean(axis=0)).T @ inverse
        u, s, v = np.linalg.svd(matrix, full_matrices=False)
        scale, rows = float(s.mean()), u @ v
        rest = (face - face.mean(axis=0)) / scale - centred @ rows.T
        tilt = math.atan2(rows[1, 0], rows[0, 0])
        out.append(rest @ np.array([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]]))
    return np.array(out)


def shapes(rests: NDArray[np.float64]) -> dict[str, Any]:
    """Errors of the pose of turned mean faces with real deviations."""
    told: dict[str, Any] = {}
    for yaw, pitch in ((0, 0), (15, 0), (30, 0), (45, 0), (0, 15), (0, -15), (25, 15)):
        poses = [head_pose(turned(yaw, pitch) + rest) for rest in rests]
        found = [p for p in poses if p is not None]
        # In the tools' order of turns (sideways, then nod) yaw in the picture is atan(tan yaw / cos pitch).
        true_yaw = math.degrees(math.atan2(math.tan(math.radians(yaw)), math.cos(math.radians(pitch))))
        true_pitch = math.degrees(math.asin(math.sin(math.radians(pitch)) * math.cos(math.radians(yaw))))
        told[f"yaw {yaw}, pitch {pitch}"] = {
            "yaw": spread([p.yaw_deg - true_yaw for p in found]),
            "pitch": spread([p.pitch_deg - true_pitch for p in found]),
        }
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--data", type=Path, default=root.parent / "shared/data")
    parser.add_argument("--yunet", type=Path, default=root.parent / "shared/peers/yunet_n_640.onnx")
    parser.add_argument("--finder", choices=["yunet", "own"], default="yunet")
    parser.add_argument("--pictures", type=int, default=400)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    with (args.data / "faces" / "faces.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if float(row["score"]) > 0.85]
    names = ("reye", "leye", "nose", "rmouth", "lmouth")
    points = np.array([[[float(r[f"{n}_x"]), float(r[f"{n}_y"])] for n in names] for r in rows])
    chosen = np.random.default_rng(SEED).choice(len(rows), args.pictures, replace=False)
    # A margin around: the faces fill their pictures, and a finder misses what touches the edge.
    folder = args.data / "faces" / "images"
    pictures = [cv2.imread(str(folder / rows[n]["image"])) for n in chosen]
    images = [cv2.copyMakeBorder(p, 40, 40, 40, 40, cv2.BORDER_REPLICATE) for p in pictures if p is not None]
    finder = make_finder(args.finder, min_face_px=24, yunet_file=str(args.yunet))
    found = [p for p in (head_pose(face) for face in points) if p is not None]
    of_all = {
        "pictures": len(found),
        "within_25_yaw": round(float(np.mean([abs(p.yaw_deg) <= 25 for p in found])), 3),
        "within_15_pitch": round(float(np.mean([abs(p.pitch_deg) <= 15 for p in found])), 3),
    }
    report = {
        "photographs": of_all,
        "found_again": refound(finder, images),
        "shapes": shapes(deviations(points[chosen])),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
