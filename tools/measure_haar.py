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
BINS = (3, 4, 5, 6, 8, 12, 18, 27, 40, 60, 90, 10_000)

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


def run(folder: Path, truth: dict[str, Floats], equalise: bool, neighbours: int) -> dict[str, object]:
    """Recall, false boxes an image, ms an image, and ``(hits, right)`` of every box that is either right or false."""
    cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / CASCADE))
    hit = wanted = false = 0
    spent_s, outcomes = 0.0, []
    for name, boxes in truth.items():
        grey = cv2.imread(str(folder / "images" / name), cv2.IMREAD_GRAYSCALE)
        scale = SIDE_PX / max(grey.shape)
        grey = cv2.resize(grey, None, fx=scale, fy=scale)
        start_s = time.perf_counter()
        if equalise:
            grey = cv2.equalizeHist(grey)
        found, counts = cascade.detectMultiScale2(grey, scaleFactor=1.1, minNeighbors=neighbours, minSize=(30, 30))
        spent_s += time.perf_counter() - start_s
        found = np.array(found, np.float64).reshape(-1, 4)
        overlap = np.array([iou(box, boxes[:, :4]) for box in found]).reshape(len(found), len(boxes))
        counting = (boxes[:, 4] >= COUNTS_SCORE) & (boxes[:, 2:4].min(axis=1) >= COUNTS_PX)
        wanted += int(counting.sum())
        hit += int((overlap[:, counting] >= HIT_IOU).any(axis=0).sum())
        best = overlap.max(axis=1, initial=0.0)
        false += int((best == 0.0).sum())
        outcomes += [(int(n), b >= HIT_IOU) for n, b in zip(counts, best, strict=True) if b >= HIT_IOU or b == 0.0]
    n = len(truth)
    return {"recall": hit / wanted, "false": false / n, "ms": spent_s / n * 1000.0, "outcomes": outcomes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/scenes"))
    parser.add_argument("--n", type=int, default=400, help="pictures, drawn at random")
    args = parser.parse_args()
    truth = read_boxes(args.data / "boxes.csv")
    names = np.random.default_rng(0).permutation(sorted(truth))[: args.n]
    truth = {str(name): truth[str(name)] for name in names}
    for neighbours in (5, 3):
        for equalise in (False, True):
            result = run(args.data, truth, equalise, neighbours)
            print(
                f"neighbours {neighbours}  equalised {equalise!s:5}  recall {result['recall']:.3f}  "
                f"false an image {result['false']:.3f}  {result['ms']:.1f} ms"
            )
            outcomes = result["outcomes"]
            if equalise or neighbours > 3:
                continue
            for low, high in pairwise(BINS):
                right = [ok for hits, ok in outcomes if low <= hits < high]
                if right:
                    print(
                        f"  hits {low}-{high - 1}: right {np.mean(right):.3f} of {len(right)}, score {score(low):.2f}"
                    )


if __name__ == "__main__":
    main()
