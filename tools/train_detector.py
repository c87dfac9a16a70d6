"""Train the face detector on scenes labelled by YuNet: checkpoints every few minutes, resumes with --resume.

Writes RUN/checkpoint.pt and RUN/log.jsonl. Then: tools/quantise_detector.py makes models/face.tflite and its card.
Each process draws its own samples and computes its own gradients in one thread; the gradients are averaged.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from detector_compose import Composer
from detector_data import FOLDS, Scene, fold_split, own_split, read_faces, read_scenes
from detector_loss import BOX_WEIGHT, POINT_WEIGHT, cells_of, gathered, losses, missed, mistaken
from detector_net import INPUT_SIZE, DetectorNet, as_input, parameter_count
from detector_own import measure_own
from detector_sample import Sample
from parallel import follow, run_all, share

HARD_FROM = 0.05
"""Progress from which mistakes are collected: before, nearly everything is one."""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with scenes/ and faces/")
    parser.add_argument("--extra-labels", type=Path, help="table of tools/detector_labels.py")
    parser.add_argument("--run", type=Path, default=Path("runs/detector"), help="folder for checkpoint and log")
    parser.add_argument("--steps", type=int, default=40_000, help="batches in all")
    parser.add_argument("--batch", type=int, default=16, help="samples of each process")
    parser.add_argument("--side", type=int, default=320, help="px of a training sample")
    parser.add_argument("--own-size", type=int, nargs=2, default=INPUT_SIZE, metavar=("WIDTH", "HEIGHT"), help="px")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate of the cosine (AdamW)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--fold",
        type=int,
        choices=range(FOLDS + 1),
        help="of the pictures without a face, this quarter is kept out and measured; 0: all are kept out",
    )
    parser.add_argument("--minutes", type=float, help="end then: the cosine follows the clock, not the steps")
    parser.add_argument("--own-minutes", type=float, default=5.0, help="measure and save so often")
    parser.add_argument("--start", type=Path, help="checkpoint whose averaged weights a new run begins with")
    parser.add_argument("--resume", action="store_true", help="go on from RUN/checkpoint.pt")
    return parser.parse_args()


class Trainer:
    """One process: its samples, its copy of the network."""

    def __init__(self, args: argparse.Namespace, rank: int, scenes: list[Scene], faces: list[Scene]) -> None:
        self.args, self.rank = args, rank
        torch.set_num_threads(1)
        torch.manual_seed(args.seed)
        self.net = DetectorNet().to(memory_format=torch.channels_last)
        self.commands: list[str] = []
        self.samples_before = 0
        if args.start is not None:
            before = torch.load(args.start, weights_only=True)
            self.net.load_state_dict(before["ema"])
            self.commands, self.samples_before = before.get("commands", []), before["samples"]
        self.commands = [*self.commands, shlex.join(["python", *sys.argv])]
        self.ema = copy.deepcopy(self.net)
        decayed = [p for p in self.net.parameters() if p.ndim > 1]
        plain = [p for p in self.net.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=args.rate)
        self.cells = cells_of(args.side)
        self.step, self.progress, self.seconds = 0, 0.0, 0.0
        if args.resume:
            self._load(torch.load(args.run / "checkpoint.pt", weights_only=True))
        seed = args.seed * 1_000_003 + self.step * 64 + rank
        self.composer = Composer(scenes, faces, side=args.side, seed=seed)
        self.began, self.first = time.monotonic(), self.progress

    def _load(self, saved: dict[str, Any]) -> None:
        self.net.load_state_dict(saved["net"])
        self.ema.load_state_dict(saved["ema"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step, self.seconds = saved["step"], saved["seconds"]
        self.progress = saved["progress"] if self.args.minutes is not None else self.step / self.args.steps

    def batch(self) -> tuple[list[Sample], Tensor, Tensor, Tensor]:
        """Samples, their pictures uint8 (B, S, S, 3), faces (K, 16) and the picture of each (K,)."""
        samples = [self.composer.sample() for _ in range(self.args.batch)]
        faces, picture = gathered([torch.from_numpy(s.rows()) for s in samples])
        return samples, torch.from_numpy(np.stack([s.image for s in samples])), faces, picture

    def remember(self, samples: list[Sample], outputs: list[Tensor], faces: Tensor, picture: Tensor) -> None:
        """Where the network missed a face, or took something else for one, is shown again."""
        for is_face, places in ((False, mistaken), (True, missed)):
            for n, xy in places(outputs, faces, picture, self.cells):
                origin = samples[n].origin
                if origin is not None:
                    self.composer.remember(origin, xy, is_face=is_face)

    def advance(self) -> list[float]:
        """One step of all processes; losses for logit, box, points."""
        samples, images, faces, picture = self.batch()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = self.net(as_input(images))
        sure, box, point, total = losses(outputs, faces, picture, self.cells)
        if self.progress > HARD_FROM:
            self.remember(samples, outputs, faces, picture)
        scale = max(float(total), 1.0)
        loss = (sure + BOX_WEIGHT * box + POINT_WEIGHT * point) / scale
        self.optimiser.zero_grad(set_to_none=False)
        loss.backward()
        clock = self._clock() if self.rank == 0 else 0.0
        values = [clock, *(float(v.detach()) / scale / self.args.processes for v in (sure, box, point))]
        self.progress, *shown = share(self.net, values, self.args.processes)
        nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.optimiser.step()
        self.step += 1
        follow(self.ema, self.net, 0.99 if self.progress < 0.6 else 0.998)
        return shown

    def _clock(self) -> float:
        """How far training is, 0 to 1."""
        if self.args.minutes is None:
            return (self.step + 1) / self.args.steps
        return self.first + (1 - self.first) * (time.monotonic() - self.began) / (60 * self.args.minutes)

    def rate(self) -> float:
        """300 steps of warming up, a cosine down to a hundredth."""
        warm = min(1.0, (self.step + 1) / 300)
        left = 0.5 * (1 + math.cos(math.pi * min(self.progress, 1.0)))
        return float(self.args.rate * warm * (0.01 + 0.99 * left))

    def save(self) -> None:
        """Writes the checkpoint: old or new, never torn."""
        parts = {"net": self.net, "ema": self.ema, "optimiser": self.optimiser}
        state: dict[str, Any] = {name: part.state_dict() for name, part in parts.items()}
        state |= {"step": self.step, "progress": self.progress, "seed": self.args.seed}
        state |= {"seconds": self.seconds + time.monotonic() - self.began}
        state |= {"samples": self.samples_before + self.step * self.args.batch * self.args.processes}
        state |= {"commands": self.commands, "side": self.args.side, "fold": self.args.fold}
        state |= {"by_clock": self.args.minutes is not None}
        torch.save(state, self.args.run / "checkpoint.tmp")
        (self.args.run / "checkpoint.tmp").replace(self.args.run / "checkpoint.pt")


def run(args: argparse.Namespace, rank: int, scenes: list[Scene], faces: list[Scene]) -> None:
    """One process from start to end; the first also measures, prints and saves."""
    train, own = own_split(scenes) if args.fold is None else fold_split(scenes, args.fold)
    trainer = Trainer(args, rank, train, faces)
    if rank == 0:
        print(f"{parameter_count(trainer.net)} parameters, {len(train)} scenes, {len(own)} choose, {len(faces)} faces")
    measured = printed = time.monotonic()
    means = np.zeros(3)
    while trainer.progress < 1.0:
        shown = trainer.advance()
        if rank:
            continue
        means = 0.98 * means + 0.02 * np.array(shown)
        if time.monotonic() - printed > 20:
            printed = time.monotonic()
            corrected = means / (1 - 0.98 ** min(trainer.step, 10_000))
            losses_shown = " ".join(f"{v:.4f}" for v in corrected)
            print(
                f"{trainer.progress:.3f} step {trainer.step} losses {losses_shown} rate {trainer.rate():.5f}",
                flush=True,
            )
        if time.monotonic() - measured > 60 * args.own_minutes or trainer.progress >= 1.0:
            record(trainer, own, means)
            measured = time.monotonic()


def record(trainer: Trainer, own: list[Scene], means: np.ndarray) -> None:
    """Saves, measures on the own split, adds a line to the log."""
    trainer.save()
    args = trainer.args
    line: dict[str, Any] = {"step": trainer.step, "samples": trainer.step * args.batch * args.processes}
    line |= {"progress": round(trainer.progress, 4), "rate": trainer.rate()}
    line |= {"minutes": round((trainer.seconds + time.monotonic() - trainer.began) / 60, 1)}
    line |= {f"loss_{name}": round(float(v), 4) for name, v in zip(("logit", "box", "point"), means, strict=True)}
    line |= {f"own_{name}": value for name, value in measure_own(trainer.ema, own, size=tuple(args.own_size)).items()}
    print(json.dumps(line), flush=True)
    with (args.run / "log.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")


def main() -> None:
    """Load once, then train in ``--processes`` forks that share the pictures."""
    args = arguments()
    cv2.setNumThreads(1)
    args.run.mkdir(parents=True, exist_ok=True)
    scenes, faces = read_scenes(args.data / "scenes", args.extra_labels), read_faces(args.data / "faces")
    for scene in scenes:
        scene.load()
    for face in faces:
        face.load(halves=2)
    run_all(lambda rank: run(args, rank, scenes, faces), args.processes)


if __name__ == "__main__":
    main()
