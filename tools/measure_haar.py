"""Measure what edge/vision/haar.py decides: histogram equalisation or not, and how many hits mean how sure a face.

Uses the training pictures of `scenes` and its protocol (README beside the data): pictures scaled to 640 px, faces of at
least 32 px count, a hit at IoU >= 0.4, boxes that meet no YuNet box at all are false.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

from edge.vision.haar import CASCADE, score

SIDE_PX, COUNTS_PX, COUNTS_SCORE, HIT_IOU = 640, 32, 0.7, 0.4
LEAST = 2  # cv2 keeps boxes with more hits than this
NEIGHBOURS = (2, 3, 4, 5, 6, 8, 12)
BINS = (3, 4, 6, 8, 12, 18, 27, 40, 60, 90, 10_000)

Floats = NDArray[np.float64]


def read_boxes(path: Path) -> dict[str, Floats]:
    """Image name -> (N, 5) x, y, width, height, score, scaled to SIDE_PX."""
    boxes: dict[str, list[list[float]]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            rows = boxes[row["image"]]
            if row["x"]:
                scale = SIDE_PX / max(float(row["width"]), float(row["height"]))
                rows.append([float(row[key]) * scale for key in "xywh"] + [float(row["score"])])
    return {name: np.array(rows, np.float64).reshape(-1, 5) for name, rows in boxes.items()}


def iou(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box (4,) with (N, 4)."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    both = np.prod(np.clip(high - low, 0.0, None), axis=1)
    return np.asarray(both / (box[2] * box[3] + others[:, 2] * others[:, 3] - both))


def find(folder: Path, names: list[str], equalise: bool) -> tuple[list[Floats], float]:
    """Boxes (N, 5) x, y, width, height, hits of each picture, and ms a picture."""
    cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / CASCADE))
    spent_s, found = 0.0, []
    for name in names:
        grey = cv2.imread(str(folder / "images" / name), cv2.IMREAD_GRAYSCALE)
        scale = SIDE_PX / max(grey.shape)
        grey = cv2.resize(grey, None, fx=scale, fy=scale)
        start_s = time.thread_time()
        if equalise:
            grey = cv2.equalizeHist(grey)
        boxes, hits = cascade.detectMultiScale2(grey, scaleFactor=1.1, minNeighbors=LEAST, minSize=(30, 30))
        spent_s += time.thread_time() - start_s
        rows = np.array(boxes, np.float64).reshape(-1, 4)
        found.append(np.column_stack([rows, np.array(hits, np.float64).reshape(-1)]))
    return found, spent_s / len(names) * 1000.0


def judge(found: Floats, truth: Floats) -> tuple[Floats, Floats]:
    """For each true face that counts, the hits of the best box on it (0: none); for each box its best IoU."""
    overlap = np.array([iou(box, truth[:, :4]) for box in found[:, :4]]).reshape(len(found), len(truth))
    counting = (truth[:, 4] >= COUNTS_SCORE) & (truth[:, 2:4].min(axis=1) >= COUNTS_PX)
    on_face = np.where(overlap[:, counting] >= HIT_IOU, found[:, 4:5], 0.0)
    return on_face.max(axis=0, initial=0.0), overlap.max(axis=1, initial=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/scenes"))
    parser.add_argument("--n", type=int, default=400, help="pictures, drawn at random")
    args = parser.parse_args()
    truth = read_boxes(args.data / "boxes.csv")
    names = [str(name) for name in np.random.default_rng(0).permutation(sorted(truth))[: args.n]]
    cv2.setNumThreads(1)
    for equalise in (False, True):
        found, spent_ms = find(args.data, names, equalise)
        judged = [judge(boxes, truth[name]) for boxes, name in zip(found, names, strict=True)]
        faces = np.concatenate([hits for hits, _ in judged])
        best = np.concatenate([overlap for _, overlap in judged])
        hits = np.concatenate([boxes[:, 4] for boxes in found])
        print(f"equalised {equalise}: {len(names)} pictures, {len(faces)} faces, {spent_ms:.1f} ms a picture")
        for least in NEIGHBOURS:
            false = ((best == 0.0) & (hits > least)).sum() / len(names)
            print(f"  neighbours {least:2}: recall {(faces > least).mean():.3f}, false a picture {false:.3f}")
        clear = (best >= HIT_IOU) | (best == 0.0)
        for low, high in pairwise(BINS):
            right = best[clear & (hits >= low) & (hits < high)] >= HIT_IOU
            if right.size:
                scores = f"{score(low):.2f}-{score(high - 1):.2f}"
                print(f"  hits {low:2}-{high - 1:5}: right {right.mean():.3f} of {right.size}, score {scores}")


if __name__ == "__main__":
    main()
