"""What two choices of the emotion network are worth: grey or equalised pictures, and how a photograph is cropped.

Grey and equalised are trained from nothing for a few epochs each, the same otherwise, and measured on the own rows of
`train`. Crops are compared on photographs of the own people (with few rare emotions) through the shipped int8 file or,
where that learnt from them, through the one that chose for it.
Nothing that is kept back is read. The table goes into the card of --model. About 20 minutes on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_data import SIDE, Photo, refuse_learnt
from emotion_examples import photo_split
from emotion_figures import named, write

from edge.core.crop import crop_from_box, crop_square
from edge.vision.emotion import EmotionClassifier, crop_grey

Image = NDArray[np.uint8]
Crop = Callable[[Image, Photo], Image]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with ferplus/ and faces/")
    parser.add_argument("--model", type=Path, default=Path("models/emotion.tflite"), help="its card gets the table")
    parser.add_argument(
        "--crops-by",
        type=Path,
        help="file that reads the crops; --model, where that did not learn from the own people",
    )
    parser.add_argument(
        "--run", type=Path, default=Path("runs/emotion/ablation"), help="begins the names of their folders"
    )
    parser.add_argument("--epochs", type=int, default=6, help="of each short training")
    parser.add_argument(
        "--only-crops", action="store_true", help="keep the card's rows of grey and equalised: no file changes them"
    )
    parser.add_argument(
        "--keep-runs",
        action="store_true",
        help="take short trainings of so many epochs that are there, made by this program",
    )
    return parser.parse_args()


def scaled(factor: float) -> Crop:
    """The service's square, larger or smaller."""

    def crop(image: Image, photo: Photo) -> Image:
        x, y, side = crop_square(photo.face)
        more = (factor - 1.0) * side
        return crop_grey(image, (x - more / 2.0, y - more / 2.0, side + more), SIDE)

    return crop


def aligned(image: Image, photo: Photo) -> Image:
    """The service's square in the picture turned until the eyes are level."""
    x, y, side = crop_square(photo.face)
    if photo.face.landmarks_px is None:
        return crop_grey(image, (x, y, side), SIDE)
    right_eye, left_eye = photo.face.landmarks_px[:2]
    tilt = math.degrees(math.atan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0]))
    turn = cv2.getRotationMatrix2D((x + side / 2.0, y + side / 2.0), tilt, 1.0)
    turned = cv2.warpAffine(image, turn, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    return crop_grey(np.asarray(turned, np.uint8), (x, y, side), SIDE)


def from_box(image: Image, photo: Photo) -> Image:
    """The square that the box alone gives; its constants are those of the Haar cascade's boxes, these are YuNet's."""
    return crop_grey(image, crop_from_box(photo.face.box_xywh_px), SIDE)


CROPS: dict[str, Crop] = {
    "upright square from landmarks, as shipped": scaled(1.0),
    "turned until the eyes are level": aligned,
    "square from the box alone": from_box,
    "a tenth smaller": scaled(0.9),
    "a tenth larger": scaled(1.1),
    "a quarter larger": scaled(1.25),
}


def crop_rows(args: argparse.Namespace) -> dict[str, Any]:
    """Accuracy and macro recall on photographs of the own people, by crop.

    Raises SystemExit where the file that reads them learnt from them.
    """
    path = args.crops_by or args.model
    refuse_learnt(path, "--crops-by")
    classifier = EmotionClassifier(path)
    photos = photo_split(args.data)[1]
    images = [np.asarray(cv2.imread(str(photo.path)), np.uint8) for photo in photos]
    labels = np.array([photo.label for photo in photos])
    rows: dict[str, Any] = {"n": len(photos)}
    for name, crop in CROPS.items():
        crops = np.stack([crop(image, photo) for image, photo in zip(images, photos, strict=True)])
        hit = classifier.read_crops(crops).probs.argmax(axis=1) == labels
        recall = float(np.mean([hit[labels == k].mean() for k in np.unique(labels)]))
        rows[name] = {"accuracy": round(float(hit.mean()), 4), "macro_recall": round(recall, 4)}
    return rows


def input_rows(args: argparse.Namespace) -> dict[str, Any]:
    """Accuracy and macro recall on the own rows after --epochs, grey and equalised, in float, no prior taken off."""
    rows: dict[str, Any] = {}
    for name, option in (("grey", []), ("equalised", ["--equalise"])):
        run = args.run.with_name(f"{args.run.name}-{name}")  # beside the others: crops of no face are kept there
        command = ["tools/train_emotion.py", "--run", run, "--epochs", args.epochs, "--strength", "0.5", *option]
        said = [str(part) for part in command]
        last = last_line(run / "log.jsonl") if args.keep_runs else {}
        if last.get("epoch") != args.epochs:
            (run / "log.jsonl").unlink(missing_ok=True)
            subprocess.run([sys.executable, *said, "--data", str(args.data)], check=True)
            last = last_line(run / "log.jsonl")
        rows[name] = {"command": f"python {' '.join(said)}"}
        rows[name] |= {"accuracy": last["own_accuracy_0"], "macro_recall": last["own_recall_0"]}
        rows[name] |= {"photographs_accuracy": last["photos_accuracy_0"]}
    return rows


def last_line(log: Path) -> dict[str, Any]:
    """What a training run wrote last; empty where it has not begun."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    return dict(json.loads(lines[-1])) if lines else {}


def main() -> None:
    """Measure, print, write."""
    args = arguments()
    card = args.model.with_suffix(".yaml")
    before = yaml.safe_load(card.read_text(encoding="utf-8"))["figures"].get("ablation", {})
    if args.only_crops and "input" not in before:
        raise SystemExit(f"--only-crops: {card} holds no rows of grey and equalised to keep; run it without")
    crops = crop_rows(args)
    by = hashlib.sha256(args.crops_by.read_bytes()).hexdigest() if args.crops_by else None
    found = {
        "command": f"python tools/emotion_ablation.py --epochs {args.epochs}" + (" --crops-by FILE" if by else ""),
        **({"crops_by": by} if by else {}),
        "measured_on": "own rows of train (input; float, no prior taken off), own people of `faces` (crop)",
        "crop": crops,
        "input": before["input"] if args.only_crops else input_rows(args),
    }
    print(yaml.safe_dump(found, sort_keys=False))
    figures = yaml.safe_load(card.read_text(encoding="utf-8"))["figures"]
    write(card, {**figures, "ablation": found})
    print(f"{named(card)}: written")


if __name__ == "__main__":
    main()
