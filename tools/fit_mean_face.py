"""Fits the mean face of edge/core/attention.py: shape and depth of five landmarks, from many photographs. Prints it.

    nice .venv/bin/python tools/fit_mean_face.py

Rigid factorisation under weak perspective (C. Tomasi and T. Kanade, "Shape and motion from image streams", IJCV 1992)
by alternating least squares: every photograph and its mirror image is a view of one symmetric face.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

POINTS = ("reye", "leye", "nose", "rmouth", "lmouth")
MIRRORED = [1, 0, 2, 4, 3]
Floats = NDArray[np.float64]
START = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0, 0.1, 0.4], [-0.4, 0.6, 0], [0.4, 0.6, 0]])


def views(table: Path) -> Floats:
    """Landmarks (2 N, 5, 2) of the photographs of ``table`` and their mirror images, centred."""
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if float(row["score"]) > 0.85]
    points = np.array([[[float(r[f"{p}_x"]), float(r[f"{p}_y"])] for p in POINTS] for r in rows])
    both = np.concatenate([points, points[:, MIRRORED] * np.array([-1.0, 1.0])])
    centred: Floats = both - both.mean(axis=1, keepdims=True)
    return centred


def fitted(seen: Floats, rounds: int) -> tuple[Floats, float]:
    """The face (5, 3), 1 between its eyes, and the rms residual in the same unit."""
    face = START - START.mean(axis=0)
    rms = float("inf")
    for _ in range(rounds):
        u, s, v = np.linalg.svd(np.einsum("nki,jk->nij", seen, np.linalg.pinv(face)), full_matrices=False)
        rows, scaled = u @ v, seen / s.mean(axis=1)[:, None, None]
        rms = float(np.sqrt(np.mean((scaled - np.einsum("nij,kj->nki", rows, face)) ** 2)))
        left, right = np.einsum("nij,nik->jk", rows, rows), np.einsum("nij,nki->kj", rows, scaled)
        face = np.linalg.solve(left, right.T).T
        face = (face + face[MIRRORED] * np.array([-1.0, 1.0, 1.0])) / 2
        face = face / (face[1, 0] - face[0, 0])
        face = face - face.mean(axis=0)
    return face, rms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--data", type=Path, default=root.parent / "shared/data")
    parser.add_argument("--rounds", type=int, default=300)
    args = parser.parse_args()
    face, rms = fitted(views(args.data / "faces" / "faces.csv"), args.rounds)
    print(face.round(3), f"rms residual {rms:.4f}")


if __name__ == "__main__":
    main()
