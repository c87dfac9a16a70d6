"""``moodcast explain IMAGE``: the probabilities of a face, and a picture of what they rest on."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.compose import face_finder, load_or_default, usable_min
from edge.config.schema import Config
from edge.data import EMOTIONS, Face, Image, Readings
from edge.errors import InputError
from edge.measure.analyze import find_scaled
from edge.measure.annotate import save_picture
from edge.measure.explain import Heat, occlusion, rise
from edge.measure.explain_plot import plot_explained
from edge.measure.media import read_picture
from edge.paths import model_path
from edge.vision.emotion import EmotionClassifier, crop_grey

_MASKS = 2000
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Reads one face of a picture as the service does and writes a picture of it: the face, red over the places "
        "that speak for the answer and blue over those that speak against it, and the probabilities as bars. The "
        "network is asked about changed faces (RISE: random masks; or occlusion: a square that slides over the face), "
        "so this holds for the int8 file itself. It tells what the network looks at, not what somebody feels. The "
        "picture shows the face: keep it as you keep the original."
    )
    parser.add_argument("image", type=Path, metavar="IMAGE", help="picture with a face")
    parser.add_argument("--face", type=int, metavar="N", help="the N-th face from the left, from 1 (default: largest)")
    parser.add_argument("--crop", action="store_true", help="the whole picture is a face, cut out already")
    parser.add_argument("--emotion", choices=EMOTIONS, help="explain this one (default: the most probable)")
    parser.add_argument("--method", choices=("rise", "occlusion"), default="rise", help="default: rise")
    parser.add_argument("--masks", type=_masks, default=_MASKS, help=f"rise: random masks (default: {_MASKS})")
    parser.add_argument("--seed", type=int, default=1, help="rise: of the masks (default: 1)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write (default: ./NAME-explained.png)")
    parser.add_argument("--model", metavar="NAME", help="shipped model or path of a .tflite file with its card")
    parser.add_argument("--config", type=Path, help="face finder and model from this file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    out = args.out or Path(f"{args.image.stem}-explained.png")
    if out.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{out}: name the picture with one of {', '.join(_SUFFIXES)}")
    if out.resolve() == args.image.resolve():
        raise InputError(f"{out}: is the picture itself; name another file with --out")
    config = load_or_default(args.config)
    model = model_path(args.model or config.emotion.model)
    classifier = EmotionClassifier(model, threads=config.emotion.threads)
    image = read_picture(args.image)
    face = None if args.crop else _choose(image, args, config)
    crop = _whole(image, classifier.side_px) if face is None else classifier.crops(image, [face])[0]
    readings = classifier.read_crops(crop[None])
    target = int(readings.probs[0].argmax()) if args.emotion is None else EMOTIONS.index(args.emotion)
    heat = _explain(classifier, crop, target, args)
    usable = bool(readings.usable[0] >= usable_min(config, classifier.card))
    report = {
        "image": str(args.image),
        "face": None if face is None else {"box_xywh_px": [round(v, 1) for v in face.box_xywh_px]},
        **_answer(readings, heat, usable=usable),
        "method": args.method,
        "model": model.name,
        "picture": str(out),
    }
    notes = _notes(args, readings, classifier.card.has_usable, usable=usable)
    save_picture(
        out, plot_explained(crop, heat, readings.probs[0], title=f"{args.image.name}, {model.name}", notes=notes)
    )
    print(json.dumps(report) if args.json else _as_text(report))
    return 0


def _choose(image: Image, args: argparse.Namespace, config: Config) -> Face:
    faces = sorted(find_scaled(face_finder(config), image), key=lambda face: face.box_xywh_px[0])
    if not faces:
        raise InputError(f"{args.image}: no face found; if the whole picture is a face, give --crop")
    if args.face is None:
        return max(faces, key=lambda face: min(face.box_xywh_px[2:]))
    number = int(args.face)
    if not 1 <= number <= len(faces):
        raise InputError(f"{args.image}: --face {number}: the picture has {len(faces)}, counted from the left from 1")
    return faces[number - 1]


def _whole(image: Image, side_px: int) -> NDArray[np.uint8]:
    """The largest square in the middle of the picture, as the network sees it."""
    height, width = image.shape[:2]
    side = min(height, width)
    return crop_grey(image, ((width - side) / 2.0, (height - side) / 2.0, float(side)), side_px)


def _explain(classifier: EmotionClassifier, crop: NDArray[np.uint8], target: int, args: argparse.Namespace) -> Heat:
    if args.method == "occlusion":
        return occlusion(classifier.classify_crops, crop, target)
    return rise(classifier.classify_crops, crop, target, masks=args.masks, seed=args.seed)


def _answer(readings: Readings, heat: Heat, *, usable: bool) -> dict[str, Any]:
    probs = readings.probs[0]
    return {
        "emotion": EMOTIONS[int(probs.argmax())],
        "confidence": round(float(probs.max()), 6),
        "probs": {emotion: round(float(p), 6) for emotion, p in zip(EMOTIONS, probs, strict=True)},
        "usable": usable,
        "usable_score": round(float(readings.usable[0]), 4),
        "explained": EMOTIONS[heat.target],
        "peak_xy": [round(value, 3) for value in heat.peak_xy],
        "strongest_points": round(100.0 * float(heat.map.max()), 2),
    }


def _notes(args: argparse.Namespace, readings: Readings, has_usable: bool, *, usable: bool) -> tuple[str, ...]:
    how = f"RISE, {args.masks} masks, seed {args.seed}" if args.method == "rise" else "occlusion"
    score = f"usable {readings.usable[0]:.0%}" if has_usable else "the network has no usable score"
    return (f"{how}; {score}{'' if usable else ': not read by the service'}",)


def _masks(text: str) -> int:
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError("at least 2 masks are needed; 2000 give a steady picture")
    return value


def _as_text(report: dict[str, Any]) -> str:
    lines = [f"{report['image']}: {report['emotion']} {report['confidence']:.0%}"]
    lines += [f"  {emotion:8s} {p:6.1%}" for emotion, p in report["probs"].items()]
    if not report["usable"]:
        lines.append(f"  not readable (usable {report['usable_score']:.0%}): the service would not take this reading")
    lines.append(f"  written: {report['picture']}")
    return "\n".join(lines)
