"""Measure the constants of edge/core/crop.py, print them beside those in use, and how well the rules fit.

1. YuNet on a sample of FER2013 (whose crop is known: the whole picture) gives mean landmarks and the landmark rule.
2. The landmark rule is compared with a least-squares fit of the five mean landmarks on photographs of `faces`.
3. OpenCV's Haar cascade on the same photographs gives the rule for boxes without landmarks.
People that are kept back (a quarter of `faces`) and `valid` are not used.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_data import Photo, read_photos, read_votes

from edge.core import crop

SCALED, PAD = 192, 48
"""FER2013 pictures are enlarged and padded by a quarter, or YuNet misses chins and foreheads at the edge."""

Floats = NDArray[np.float64]


def fer_landmarks(images: NDArray[np.uint8], yunet: Path) -> Floats:
    """Landmarks (N, 5, 2) in parts of the FER2013 picture's side, of those in which YuNet finds a face."""
    size = SCALED + 2 * PAD
    finder = cv2.FaceDetectorYN.create(str(yunet), "", (size, size), 0.6)
    found = []
    for image in images:
        grey = cv2.resize(image, (SCALED, SCALED), interpolation=cv2.INTER_CUBIC)
        grey = cv2.copyMakeBorder(grey, PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE)
        faces = finder.detect(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))[1]
        if faces is not None:
            found.append((faces[faces[:, 14].argmax(), 4:14].reshape(5, 2) - PAD) / SCALED)
    return np.array(found, np.float64)


def report_landmark_rule(landmarks: Floats) -> None:
    """Constants from FER2013, and how far the rule's square is from the true one, [0, 0, 1]."""
    eyes, mouth = landmarks[:, :2].mean(axis=1), landmarks[:, 3:].mean(axis=1)
    distance = np.linalg.norm(mouth - eyes, axis=1)
    between = np.linalg.norm(landmarks[:, 1] - landmarks[:, 0], axis=1)
    print("mean landmarks:", np.round(landmarks.mean(axis=0), 3).tolist())
    for weight in (0.0, 0.25, 0.5, 1.0, 2.0):
        span = distance + weight * between
        print(f"  eye weight {weight}: side / span {1 / np.median(span):.3f}, spread {np.std(span) / span.mean():.3f}")
    towards = (0.5 - np.median(eyes[:, 1])) / (np.median(mouth[:, 1]) - np.median(eyes[:, 1]))
    print(f"  centre towards mouth {towards:.3f}")
    squares = np.array([crop.crop_from_landmarks(one) for one in landmarks])
    show("landmark rule on FER2013, true square known", squares, np.tile([0.0, 0.0, 1.0], (len(squares), 1)))


def show(what: str, squares: Floats, wanted: Floats) -> None:
    """Print the residual of squares (N, 3) against those wanted, in parts of the wanted side."""
    side = squares[:, 2] / wanted[:, 2]
    centres = [(s[:, :2] + s[:, 2:] / 2) for s in (squares, wanted)]
    off = (centres[0] - centres[1]) / wanted[:, 2:]
    print(
        f"{what} (n={len(side)}): side median {np.median(side):.3f} sd {np.std(side):.3f}, centre x "
        f"median {np.median(off[:, 0]):+.3f} sd {np.std(off[:, 0]):.3f}, y median {np.median(off[:, 1]):+.3f} "
        f"sd {np.std(off[:, 1]):.3f}; median distance {np.median(np.linalg.norm(off, axis=1)):.3f}"
    )


def template_square(landmarks_px: Floats, template: Floats) -> tuple[float, float, float]:
    """The square on which the mean landmarks (5, 2) fit best (least squares of shift and scale)."""
    here, there = landmarks_px - landmarks_px.mean(axis=0), template - template.mean(axis=0)
    side = float((here * there).sum() / (there * there).sum())
    x, y = landmarks_px.mean(axis=0) - side * template.mean(axis=0)
    return float(x), float(y), side


def haar_boxes(photos: list[Photo]) -> list[tuple[float, float, float, float] | None]:
    """The largest Haar box (1.1 / 5 / 30 px, as the service) of each photograph in its px; None where none is found."""
    cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"))
    boxes: list[tuple[float, float, float, float] | None] = []
    for photo in photos:
        grey = cv2.imread(str(photo.path), cv2.IMREAD_GRAYSCALE)
        grey = cv2.copyMakeBorder(grey, PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE)
        found = cascade.detectMultiScale(grey, 1.1, 5, minSize=(30, 30))
        x, y, w, h = max(found, key=lambda box: box[2], default=(0, 0, 0, 0))
        boxes.append((float(x - PAD), float(y - PAD), float(w), float(h)) if w else None)
    return boxes


def report_box_rule(photos: list[Photo]) -> None:
    """Constants for Haar boxes: the square of the landmark rule in parts of the box."""
    pairs = [
        (box, crop.crop_square(photo.face))
        for photo, box in zip(photos, haar_boxes(photos), strict=True)
        if box is not None
    ]
    boxes, wanted = np.array([box for box, _ in pairs]), np.array([square for _, square in pairs])
    print(f"Haar finds a face in {len(pairs)} of {len(photos)} photographs")
    off = wanted[:, :2] + wanted[:, 2:] / 2 - (boxes[:, :2] + boxes[:, 2:] / 2)
    near = (np.abs(off).max(axis=1) < 0.5 * boxes[:, 2]) & (wanted[:, 2] > 0.5 * boxes[:, 2])
    print(f"  {np.sum(~near)} of them are elsewhere than the labelled face and left out")
    boxes, wanted, off = boxes[near], wanted[near], off[near] / boxes[near][:, 2:]
    print(
        f"  side / box {np.median(wanted[:, 2] / boxes[:, 2]):.3f}, centre moved by {np.median(off[:, 0]):+.3f}, "
        f"{np.median(off[:, 1]):+.3f} of the box"
    )
    squares = np.array([crop.crop_from_box(tuple(box)) for box in boxes])
    show("box rule on Haar boxes, against the landmark rule", squares, wanted)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--yunet", type=Path, default=Path("../shared/peers/yunet_n_640.onnx"))
    parser.add_argument("--sample", type=int, default=2000, help="pictures of FER2013 and photographs")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    train = read_votes(args.data, "train").crops
    landmarks = fer_landmarks(train[rng.choice(len(train), min(args.sample, len(train)), replace=False)], args.yunet)
    report_landmark_rule(landmarks)
    photos = read_photos(args.data, identities="training")
    photos = [photos[i] for i in rng.choice(len(photos), min(args.sample, len(photos)), replace=False)]
    squares = np.array([crop.crop_square(photo.face) for photo in photos])
    mean = landmarks.mean(axis=0)
    wanted = np.array([template_square(photo.face.landmarks_px, mean) for photo in photos])
    show("landmark rule on photographs, against a fit of all five landmarks", squares, wanted)
    report_box_rule(photos)


if __name__ == "__main__":
    main()
