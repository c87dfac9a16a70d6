"""Composed sequences with known identities, for measuring the tracker: faces that move over pictures without faces.

People walk through, cross, pass behind pillars and each other, come and go, stand and turn away for up to 0.7 s; the
camera trembles; 5 to 30 frames a second. Everything is a function of continuous time drawn from a seed, so the same
sequence exists at every rate. Nothing is written to disk but detections (boxes, points, scores, true boxes), as JSON.

    nice .venv/bin/python tools/track_sequences.py --seeds 0:24 --finder yunet --out /tmp/dev.json
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from track_people import HEIGHT_PX, LENGTH_S, WIDTH_PX, Bgr, Box, Head, background, oval, paint, shoulders

from edge.vision.finders import FaceFinder, make_finder

RATES_HZ = (5.0, 8.0, 10.0, 15.0, 20.0, 30.0)
HELD_OUT_FROM = 1000
"""Seeds from here on are held out: other people, other backgrounds, used to report and never to tune."""
LONGEST_LOSS_S = 0.7
COUNTS_FROM, PLAIN_FROM = 0.7, 0.85
"""Visible part of a face from which it is to be found (below, finding it is neither asked for nor an error), and from
which any finder should: sequences are drawn so that nobody is less than plain for longer than LONGEST_LOSS_S."""
_COARSE = 4  # visibility is counted on every fourth pixel


@dataclass(frozen=True, slots=True)
class Seen:
    """The truth about one person in one frame."""

    person: int
    box: Box
    counts: bool
    plain: bool


class Sequence:
    """One composed sequence. ``faces`` and ``scenes`` are those of the seed's side of the split."""

    def __init__(self, seed: int, faces: list[dict[str, str]], scenes: list[Path], folder: Path) -> None:
        for attempt in range(200):
            self._rng = np.random.default_rng([seed, attempt])
            self.rate_hz = float(RATES_HZ[seed % len(RATES_HZ)])
            self.heads = self._people(faces, folder)
            width = float(self._rng.uniform(25, 55))
            self.pillar = (float(self._rng.uniform(180, 420)), width) if self._rng.random() < 0.5 else None
            self._tremble = self._rng.uniform(0.3, 2.5), self._rng.uniform(0, 6.28, (2, 3))
            if max(self._losses(), default=0.0) <= LONGEST_LOSS_S:
                break
        else:
            raise SystemExit(f"seed {seed}: no sequence whose losses are all short enough")
        self._back = background(scenes[int(self._rng.integers(len(scenes)))])
        self._bark = background(scenes[int(self._rng.integers(len(scenes)))])

    def times(self) -> list[float]:
        """Times of the frames, up to a quarter of the interval early or late, as a camera's are."""
        jitter = np.random.default_rng(7).uniform(-0.25, 0.25, int(LENGTH_S * self.rate_hz))
        return [max((n + float(j)) / self.rate_hz, 0.0) for n, j in enumerate(jitter)]

    def shake(self, t_s: float) -> tuple[float, float]:
        """The camera's tremble in px: three sines."""
        size, phase = self._tremble
        x, y = (
            float(sum(np.sin(2 * np.pi * f * t_s + p) for f, p in zip((1.3, 4.1, 7.7), row, strict=True)))
            for row in phase
        )
        return size * x, size * y

    def _people(self, faces: list[dict[str, str]], folder: Path) -> list[Head]:
        rng, heads = self._rng, []
        names: set[str] = set()
        for kind in rng.choice(["walk", "walk", "stand", "approach"], int(rng.integers(2, 5))):
            row = faces[int(rng.integers(len(faces)))]
            while row["identity"] in names:
                row = faces[int(rng.integers(len(faces)))]
            names.add(row["identity"])
            heads.append(self._head(str(kind), row, folder))
        return sorted(heads, key=lambda h: sum(h.height_px))  # the nearer, the larger, the later painted

    def _head(self, kind: str, row: dict[str, str], folder: Path) -> Head:
        rng = self._rng
        size = math.exp(rng.uniform(math.log(55), math.log(140)))
        y = float(rng.uniform(90, 190))
        side = float(rng.choice([-1, 1]))
        if kind == "walk":
            speed, when_s = float(rng.uniform(1.0, 3.0)) * size, float(rng.uniform(2, 9))
            velocity = (-side * speed, float(rng.uniform(-0.05, 0.05)) * speed)
            start = (WIDTH_PX / 2 - velocity[0] * when_s, y - velocity[1] * when_s)
            sizes, sway = (size, size), (0.05 * size, float(rng.uniform(0.8, 1.6)), 0.0)
        else:
            velocity, start = (0.0, 0.0), (float(rng.uniform(90, 550)), y)
            sizes = (size, size * float(rng.uniform(1.0, 1.8)) if kind == "approach" else size)
            sway = (float(rng.uniform(0.05, 0.5)) * size, float(rng.uniform(0.1, 0.45)), float(rng.uniform(0, 6.28)))
        turns = [(float(b), float(b + rng.uniform(0.2, 0.7))) for b in np.arange(1.5, 10.5, 3.0) + rng.uniform(0, 2, 3)]
        image = cv2.imread(str(folder / "images" / row["image"]))
        if image is None:
            raise SystemExit(f"{row['image']}: cannot be read")
        box = tuple(float(row[key]) for key in "xywh")
        kept = tuple(turn for turn in turns if rng.random() < 0.5)
        clothes = tuple(int(v) for v in rng.integers(20, 200, 3))
        return Head(image, box, sizes, start, velocity, sway, kept, clothes)  # type: ignore[arg-type]

    def seen(self, t_s: float, *, shaken: bool = True) -> list[Seen]:
        """Everyone of whom a part is in the picture at ``t_s``."""
        shift = self.shake(t_s) if shaken else (0.0, 0.0)
        owner = np.full((HEIGHT_PX // _COARSE, WIDTH_PX // _COARSE), -1, np.int16)
        boxes = []
        for person, head in enumerate(self.heads):
            x, y, w, h = head.truth(t_s)
            boxes.append((x + shift[0], y + shift[1], w, h))
            shoulders(owner, boxes[-1], -1, _COARSE)
            oval(owner, boxes[-1], person, _COARSE)
        if self.pillar is not None:
            x = (self.pillar[0] + shift[0]) / _COARSE
            owner[:, max(int(x), 0) : int(x + self.pillar[1] / _COARSE)] = -1
        found = []
        for person, (head, box) in enumerate(zip(self.heads, boxes, strict=True)):
            whole = math.pi / 4 * box[2] * box[3] / _COARSE**2
            visible = float((owner == person).sum()) / max(whole, 1.0)
            if visible > 0.02:
                facing = head.facing(t_s) > 0.99
                found.append(Seen(person, box, facing and visible >= COUNTS_FROM, facing and visible >= PLAIN_FROM))
        return found

    def _losses(self) -> Iterator[float]:
        """Lengths of all times between two sightings of a person, at 20 Hz, in seconds."""
        last: dict[int, float] = {}
        for n in range(int(LENGTH_S * 20)):
            for seen in self.seen(n / 20, shaken=False):
                if seen.plain:
                    yield n / 20 - last.get(seen.person, n / 20) - 0.05
                    last[seen.person] = n / 20

    def frame(self, t_s: float) -> Bgr:
        """The picture of ``t_s``, uint8 (360, 640, 3) BGR."""
        shift = self.shake(t_s)
        matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
        size = (WIDTH_PX, HEIGHT_PX)
        image = np.asarray(cv2.warpAffine(self._back, matrix, size, borderMode=cv2.BORDER_REFLECT), np.uint8)
        for head in self.heads:
            x, y, w, h = head.truth(t_s)
            paint(image, head, (x + shift[0], y + shift[1], w, h), head.facing(t_s))
        if self.pillar is not None:
            a = int(self.pillar[0] + shift[0])
            b = int(a + self.pillar[1])
            image[:, a:b] = self._bark[:, a:b] // 2 + 40
        return image


def _held_out(name: str) -> bool:
    return int(hashlib.sha1(f"tracking {name}".encode(), usedforsecurity=False).hexdigest(), 16) % 3 == 0


def composed(data: Path, seeds: range) -> Iterator[Sequence]:
    """The sequences of ``seeds``, from the folder of research data. Held-out seeds have people and scenes of their own.

    Raises ValueError for seeds of both kinds.
    """
    held_out = seeds.start >= HELD_OUT_FROM
    if not held_out and seeds.stop > HELD_OUT_FROM:
        raise ValueError(
            f"seeds {seeds.start}:{seeds.stop} are of both kinds; from {HELD_OUT_FROM} on they are held out"
        )
    with (data / "faces" / "faces.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if _held_out(r["identity"]) == held_out and float(r["score"]) > 0.85]
    with (data / "scenes" / "boxes.csv").open(newline="") as file:
        peopled = {r["image"] for r in csv.DictReader(file) if r["x"]}
    empty = [p for p in sorted((data / "scenes" / "images").iterdir()) if p.name not in peopled]
    scenes = [p for p in empty if _held_out(p.name) == held_out]
    for seed in seeds:
        yield Sequence(seed, rows, scenes, data / "faces")


def detected(sequence: Sequence, finder: FaceFinder, *, seed: int, shrink: float) -> dict[str, Any]:
    """What ``finder`` finds in each frame shrunk by ``shrink``, beside the truth, ready for JSON."""
    frames = []
    size = (round(WIDTH_PX * shrink), round(HEIGHT_PX * shrink))
    for t_s in sequence.times():
        image = np.asarray(cv2.resize(sequence.frame(t_s), size, interpolation=cv2.INTER_AREA), np.uint8)
        faces = [
            [*(round(v / shrink, 2) for v in f.box_xywh_px), round(f.score, 3)]
            + ([] if f.landmarks_px is None else [round(float(v) / shrink, 2) for v in f.landmarks_px.ravel()])
            for f in finder.find(image)
        ]
        truth = [[s.person, *(round(v, 2) for v in s.box), int(s.counts)] for s in sequence.seen(t_s)]
        frames.append({"t_s": round(t_s, 4), "faces": faces, "truth": truth})
    return {"seed": seed, "rate_hz": sequence.rate_hz, "frames": frames}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--data", type=Path, default=root.parent / "shared/data")
    parser.add_argument("--yunet", type=Path, default=root.parent / "shared/peers/yunet_n_640.onnx")
    parser.add_argument("--finder", choices=["yunet", "haar", "own"], default="yunet")
    parser.add_argument("--shrink", type=float, default=0.75, help="frames are searched at this part of 640 x 360")
    parser.add_argument("--seeds", default="0:24", help=f"first:last+1; from {HELD_OUT_FROM} on they are held out")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--picture", type=Path, help="also writes a contact sheet of the first sequence")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    finder = make_finder(args.finder, min_face_px=max(round(32 * args.shrink), 16), yunet_file=str(args.yunet))
    first, last = (int(v) for v in args.seeds.split(":"))
    done = []
    for seed, sequence in zip(range(first, last), composed(args.data, range(first, last)), strict=True):
        if args.picture is not None and seed == first:
            rows = [[sequence.frame(t)[::2, ::2] for t in np.arange(4) * 0.6 + r * 3] for r in range(4)]
            cv2.imwrite(str(args.picture), np.vstack([np.hstack(row) for row in rows]))
        done.append(detected(sequence, finder, seed=seed, shrink=args.shrink))
    args.out.write_text(json.dumps({"finder": args.finder, "shrink": args.shrink, "sequences": done}))
    print(f"{args.out}: {len(done)} sequences, {sum(len(s['frames']) for s in done)} frames")


if __name__ == "__main__":
    main()
