"""Pack all that tools/train_emotion.py reads into one file, for a machine that has a GPU but not the data.

Pictures lie in it as lossless WebP sheets. The file holds pictures of people: keep it as the data sets are kept.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_data import SIDE, Grey, VoteSet
from emotion_examples import Sets, read_sets

IN_A_ROW, ROWS = 100, 60
LOSSLESS = (cv2.IMWRITE_WEBP_QUALITY, 101)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="with ferplus/, faces/ and scenes/")
    parser.add_argument("--out", type=Path, default=Path("runs/emotion/examples.npz"))
    parser.add_argument("--negatives", type=int, help="at most so many crops of no face")
    return parser.parse_args()


def sheets(crops: Grey) -> list[NDArray[np.uint8]]:
    """Encoded sheets of uint8 (N, 48, 48); the last is filled up with black."""
    found = []
    for start in range(0, len(crops), IN_A_ROW * ROWS):
        part = crops[start : start + IN_A_ROW * ROWS]
        full = np.zeros((-(-len(part) // IN_A_ROW) * IN_A_ROW, SIDE, SIDE), np.uint8)
        full[: len(part)] = part
        sheet = full.reshape(-1, IN_A_ROW, SIDE, SIDE).transpose(0, 2, 1, 3).reshape(-1, IN_A_ROW * SIDE)
        found.append(np.asarray(cv2.imencode(".webp", sheet, LOSSLESS)[1], np.uint8).ravel())
    return found


def crops_of(found: list[NDArray[np.uint8]], count: int) -> Grey:
    """``count`` pictures uint8 (N, 48, 48) of encoded sheets."""
    parts = [np.empty((0, SIDE, SIDE), np.uint8)]
    for encoded in found:
        sheet = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)
        parts.append(sheet.reshape(-1, SIDE, IN_A_ROW, SIDE).transpose(0, 2, 1, 3).reshape(-1, SIDE, SIDE))
    return np.concatenate(parts)[:count]


def write_pack(path: Path, sets: Sets) -> None:
    """Write ``sets`` to ``path``, by renaming."""
    content: dict[str, NDArray[np.generic]] = {}
    crops = {
        "train": sets.train.crops,
        "own": sets.own.crops,
        "photos": sets.photos[0],
        "own_photos": sets.own_photos[0],
        "negatives": sets.negatives,
        "scene_faces": sets.scene_faces,
    }
    for name, pictures in crops.items():
        content[f"{name}_count"] = np.array(len(pictures))
        content |= {f"{name}_{i}": sheet for i, sheet in enumerate(sheets(pictures))}
    for name, votes in (("train", sets.train), ("own", sets.own)):
        content |= {f"{name}_votes": votes.votes, f"{name}_fer2013": votes.fer2013}
    content |= {"photos_labels": sets.photos[1], "own_photos_labels": sets.own_photos[1]}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".tmp").open("wb") as file:
        np.savez(file, **content)
    path.with_suffix(".tmp").replace(path)


def read_pack(path: Path) -> Sets:
    """What :func:`write_pack` wrote.

    :raises SystemExit: where it was written before there were faces of scenes.
    """
    with np.load(path) as saved:
        if "scene_faces_count" not in saved.files:
            raise SystemExit(f"{path}: has no faces of scenes: make it again, with tools/emotion_pack.py")

        def crops(name: str) -> Grey:
            found = [saved[key] for i in range(len(saved.files)) if (key := f"{name}_{i}") in saved.files]
            return crops_of(found, int(saved[f"{name}_count"]))

        def votes(name: str) -> VoteSet:
            return VoteSet(crops(name), saved[f"{name}_votes"], saved[f"{name}_fer2013"], [str(path)], [])

        photos, own_photos = ((crops(name), saved[f"{name}_labels"]) for name in ("photos", "own_photos"))
        return Sets(votes("train"), votes("own"), photos, own_photos, crops("negatives"), crops("scene_faces"))


def sets_of(args: argparse.Namespace) -> Sets:
    """What a program with the options of tools/train_emotion.py reads: --pack, or --data."""
    return read_pack(args.pack) if args.pack else read_sets(args.data, args.run.parent / "negatives.npz")


def main() -> None:
    """Read, thin out, write."""
    args = arguments()
    sets = read_sets(args.data, args.out.parent / "negatives.npz")
    if args.negatives is not None and args.negatives < len(sets.negatives):
        kept = np.random.default_rng(0).choice(len(sets.negatives), args.negatives, replace=False)
        sets = replace(sets, negatives=sets.negatives[np.sort(kept)])
    write_pack(args.out, sets)
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
