"""Find small faces of `scenes` that boxes.csv lacks: YuNet on the pictures enlarged. Writes a table like boxes.csv.

Boxes that overlap one of boxes.csv are left out, as are pictures without any box there (those hold no face) and
portraits (`ffhq_*`: one large face). tools/train_detector.py reads the table with --extra-labels.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from detector_data import POINTS, Scene, read_scenes

COLUMNS = ("image", "width", "height", "x", "y", "w", "h", *(f"{p}_{a}" for p in POINTS for a in "xy"), "score")
SIDES_PX = (640, 1280)
OVERLAP = 0.2
SCORE_MIN = 0.6


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with scenes/")
    parser.add_argument("--teacher", type=Path, default=Path("../shared/peers/yunet_n_640.onnx"))
    parser.add_argument("--out", type=Path, default=Path("runs/detector/extra_labels.csv"))
    return parser.parse_args()


def overlap(box: np.ndarray, others: np.ndarray) -> float:
    """Largest share of the smaller box that ``box`` (4,) xywh has in common with one of ``others`` (N, 4)."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    both = np.prod(np.clip(high - low, 0.0, None), axis=1)
    return float((both / np.minimum(np.prod(box[2:]), np.prod(others[:, 2:], axis=1))).max(initial=0.0))


def unseen(scene: Scene, net: cv2.FaceDetectorYN) -> np.ndarray:
    """Faces (N, 15) in pixels of the picture that the scene's own boxes do not name."""
    image = cv2.imread(str(scene.path))
    known = scene.boxes
    found = []
    for side_px in SIDES_PX:
        scale = side_px / max(image.shape[:2])
        scaled = cv2.resize(image, None, fx=scale, fy=scale)
        net.setInputSize((scaled.shape[1], scaled.shape[0]))
        _, rows = net.detect(scaled)
        for row in rows if rows is not None else ():
            face = np.concatenate([row[:14] / scale, row[14:]])
            if overlap(face[:4], known) < OVERLAP:
                found.append(face)
                known = np.concatenate([known, face[None, :4]])
    return np.array(found).reshape(-1, 15)


def main() -> None:
    """Label."""
    args = arguments()
    cv2.setNumThreads(1)
    net = cv2.FaceDetectorYN.create(str(args.teacher), "", (320, 320), score_threshold=SCORE_MIN)
    scenes = [s for s in read_scenes(args.data / "scenes") if len(s.boxes) and not s.path.name.startswith("ffhq")]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    total = 0
    with args.out.with_suffix(".tmp").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for done, scene in enumerate(scenes, 1):
            for face in unseen(scene, net):
                total += 1
                writer.writerow([scene.path.name, *scene.size_px, *np.round(face, 2)])
            if done % 100 == 0:
                print(f"{done}/{len(scenes)} pictures, {total} more faces", flush=True)
    args.out.with_suffix(".tmp").replace(args.out)


if __name__ == "__main__":
    main()
