"""Train the emotion network on FER+ (and labelled photographs): checkpoints each epoch, resumes with --resume.

Writes RUN/checkpoint.pt and RUN/log.jsonl. Then: tools/quantise_emotion.py makes models/emotion.tflite and its card.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_augment import Augmenter
from emotion_data import (
    EMOTIONS,
    Floats,
    Grey,
    Ints,
    VoteSet,
    own_split,
    photo_crops,
    read_photos,
    read_votes,
    rows,
    seven_emotion_truth,
    soft_targets,
    stands_in,
)
from emotion_net import INPUT_OFFSET, INPUT_SCALE, EmotionNet, parameter_count

WIDTHS, DEPTHS, DROPOUT = (16, 32, 96, 192), (1, 2, 1), 0.2
OWN_PART = 0.08
FER2013_SHARE = 0.2
PHOTO_LABEL_SHARE = 0.8
"""Labels of `faces` are noisy: the rest of their mass is spread evenly."""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with ferplus/ and faces/")
    parser.add_argument("--run", type=Path, default=Path("runs/emotion"), help="folder for checkpoint and log")
    parser.add_argument("--epochs", type=int, default=26)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.1, help="peak learning rate of the cosine")
    parser.add_argument("--ema", type=float, default=0.99, help="0.998 collapses: batch statistics lag the weights")
    parser.add_argument("--mixup", type=float, default=0.2, help="alpha of the Beta distribution, 0 for none")
    parser.add_argument("--balance", type=float, default=0.3, help="rows are drawn by frequency of emotion ** -balance")
    parser.add_argument("--photos", type=float, default=0.5, help="how often a photograph of faces/ is drawn an epoch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stop-after", type=int, help="stop after this many epochs in all, to try the route")
    parser.add_argument("--minutes", type=float, help="end then, mid-epoch if need be: the cosine follows the clock")
    parser.add_argument("--resume", action="store_true", help="go on from RUN/checkpoint.pt")
    return parser.parse_args()


class Examples:
    """Training rows: images uint8 (N, 48, 48), soft targets (N, 7), expected draws an epoch (N,)."""

    def __init__(self, images: Grey, targets: Floats, draws: NDArray[np.float64]) -> None:
        self.images, self.targets, self.draws = images, targets, draws

    @property
    def prior(self) -> NDArray[np.float64]:
        """Distribution (7,) of the emotions as the network meets them."""
        mass = (self.targets * self.draws[:, None]).sum(axis=0)
        return np.asarray(mass / mass.sum(), np.float64)

    def epoch(self, rng: np.random.Generator) -> Ints:
        """Row numbers of one epoch, shuffled; a row of 1.3 expected draws comes once or twice."""
        counts = np.floor(self.draws + rng.random(len(self.draws))).astype(np.int64)
        return rng.permutation(np.repeat(np.arange(len(counts)), counts))


def split(data: Path, *, seed: int) -> tuple[VoteSet, VoteSet]:
    """The rows of FER+ that are trained on and the own split that chooses; nothing in either stands in `valid`."""
    train, valid = read_votes(data, "train"), read_votes(data, "valid")
    in_valid = stands_in(train.crops, valid.crops)
    mine = own_split(train.crops, seed=seed, part=OWN_PART) & ~in_valid
    own = rows(train, mine)
    in_own = stands_in(train.crops, own.crops) & ~mine
    rest = rows(train, ~mine & ~in_valid & ~in_own)
    print(
        f"train: {len(mine)} rows, {in_valid.sum()} stand in valid, {mine.sum()} choose, {in_own.sum()} stand in those"
    )
    return rest, own


def training_examples(args: argparse.Namespace, train: VoteSet) -> Examples:
    """Rows of FER+ and, with --photos, photographs with their draws."""
    targets, usable = soft_targets(train, fer2013_share=FER2013_SHARE)
    print(
        f"{(~usable).sum()} rows hold no face or no clear vote for one of seven emotions; {usable.sum()} are trained on"
    )
    images, targets = train.crops[usable], targets[usable]
    draws = (targets @ targets.mean(axis=0) ** -args.balance).astype(np.float64)
    draws /= draws.mean()
    photos = read_photos(args.data, identities="training") if args.photos > 0 else []
    if not photos:
        return Examples(images, targets, draws)
    crops, labels = photo_crops(photos)
    counts = np.bincount(labels, minlength=len(EMOTIONS))
    print(f"photographs {len(labels)}: {dict(zip(EMOTIONS, counts.tolist(), strict=True))}")
    rarity = (np.maximum(counts, 1) ** -0.5)[labels]
    soft = np.full((len(labels), len(EMOTIONS)), (1 - PHOTO_LABEL_SHARE) / len(EMOTIONS), np.float32)
    soft[np.arange(len(labels)), labels] += PHOTO_LABEL_SHARE
    photo_draws = np.minimum(rarity * args.photos / rarity.mean(), 3.0)
    return Examples(
        np.concatenate([images, crops]), np.concatenate([targets, soft]), np.concatenate([draws, photo_draws])
    )


def as_input(images: Tensor) -> Tensor:
    """Grey 0-255 (N, 1, 48, 48) as the network is fed."""
    return ((images - INPUT_OFFSET) * INPUT_SCALE).contiguous(memory_format=torch.channels_last)


def network() -> EmotionNet:
    """A fresh network."""
    return EmotionNet(widths=WIDTHS, depths=DEPTHS, dropout=DROPOUT)


@torch.no_grad()
def logits_of(net: nn.Module, images: Grey) -> NDArray[np.float64]:
    """Logits (N, 7) in float of uint8 (N, 48, 48)."""
    net.eval()
    parts = [net(as_input(torch.from_numpy(images[s : s + 500]).float()[:, None])) for s in range(0, len(images), 500)]
    return torch.cat(parts).double().numpy()


def accuracy_and_recall(logits: NDArray[np.float64], own: VoteSet) -> tuple[float, float]:
    """Accuracy and macro recall over the rows whose top vote is one of the seven emotions."""
    truth, kept = seven_emotion_truth(own)
    truth, hit = truth[kept], (logits.argmax(axis=1) == truth)[kept]
    return float(hit.mean()), float(np.mean([hit[truth == k].mean() for k in np.unique(truth)]))


@torch.no_grad()
def follow(ema: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the averaged network towards ``net``, batch statistics included."""
    for kept, new in zip(ema.state_dict().values(), net.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1.0 - decay)
        else:
            kept.copy_(new)


class Schedule:
    """How far training is, from 0 to 1, and the learning rate there.

    By epochs; with ``minutes`` by the clock from where it starts (on a machine shared with other work).
    """

    def __init__(self, args: argparse.Namespace, first: int) -> None:
        self._args, self._start, self._began = args, first / args.epochs, time.monotonic()

    def progress(self, epochs: float) -> float:
        """After ``epochs``."""
        if self._args.minutes is None:
            return epochs / self._args.epochs
        return self._start + (1 - self._start) * (time.monotonic() - self._began) / (60 * self._args.minutes)

    def rate(self, epochs: float) -> float:
        """Half an epoch of warming up, then a cosine down to nothing."""
        warm = min(1.0, epochs / 0.5 + 0.02)
        left = 0.5 * (1 + math.cos(math.pi * min(self.progress(epochs), 1.0)))
        return float(max(self._args.rate * warm * left, 1e-5))


def train_epoch(args: argparse.Namespace, examples: Examples, parts: dict[str, Any], epoch: int) -> float:
    """One pass over ``examples`` with ``parts`` "net", "ema", "optimiser", "schedule"; returns the mean loss."""
    net, ema, optimiser, schedule = (parts[name] for name in ("net", "ema", "optimiser", "schedule"))
    seed = args.seed * 1000 + epoch
    torch.manual_seed(seed)
    augment = Augmenter(torch.Generator().manual_seed(seed))
    order = examples.epoch(np.random.default_rng(seed))
    steps = len(order) // args.batch
    net.train()
    total, began = 0.0, time.monotonic()
    for step in range(steps):
        if schedule.progress(epoch + step / steps) >= 1.0:
            return total / max(step, 1)
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate(epoch + step / steps)
        chosen = order[step * args.batch : (step + 1) * args.batch]
        x = augment(torch.from_numpy(examples.images[chosen]).float()[:, None])
        y = torch.from_numpy(examples.targets[chosen])
        if args.mixup > 0:
            x, y = augment.mix(x, y, alpha=args.mixup)
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(as_input(x))
        loss = F.cross_entropy(logits.float(), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        follow(ema, net, args.ema)
        total += loss.item()
        if step % 50 == 49:
            speed = (step + 1) * args.batch / (time.monotonic() - began)
            print(
                f"  epoch {epoch + 1} step {step + 1}/{steps} loss {total / (step + 1):.4f} {speed:.0f} images/s",
                flush=True,
            )
    return total / steps


def optimiser_for(net: nn.Module, rate: float) -> torch.optim.SGD:
    """SGD with momentum; biases and batch-norm weights are not decayed."""
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 5e-4}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True)


def main() -> None:
    """Train."""
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)
    train, own = split(args.data, seed=args.seed)
    examples = training_examples(args, train)
    net = network().to(memory_format=torch.channels_last)
    parts = {"net": net, "ema": copy.deepcopy(net), "optimiser": optimiser_for(net, args.rate)}
    checkpoint, first = args.run / "checkpoint.pt", 0
    if args.resume:
        saved = torch.load(checkpoint, weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        first = saved["epoch"]
    print(f"{parameter_count(net)} parameters, prior {np.round(examples.prior, 4).tolist()}, from epoch {first + 1}")
    schedule = Schedule(args, first)
    last = args.stop_after or (args.epochs if args.minutes is None else sys.maxsize)
    for epoch in range(first, last):
        began = time.monotonic()
        loss = train_epoch(args, examples, parts | {"schedule": schedule}, epoch)
        accuracy, recall = accuracy_and_recall(logits_of(parts["ema"], own.crops), own)
        line = {"epoch": epoch + 1, "loss": round(loss, 4), "own_accuracy": round(accuracy, 4)}
        line |= {"own_macro_recall": round(recall, 4), "seconds": round(time.monotonic() - began, 1)}
        print(json.dumps(line), flush=True)
        with (args.run / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        state = {name: part.state_dict() for name, part in parts.items()} | {"epoch": epoch + 1}
        state |= {"prior": examples.prior.tolist(), "seed": args.seed, "epochs": args.epochs}
        torch.save(state, args.run / "checkpoint.tmp")  # then renamed: a checkpoint is old or new, never torn
        (args.run / "checkpoint.tmp").replace(checkpoint)
        if schedule.progress(epoch + 1) >= 1.0:
            break


if __name__ == "__main__":
    main()
