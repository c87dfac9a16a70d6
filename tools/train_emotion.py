"""Train the emotion network on FER+ (and labelled photographs): checkpoints each epoch, resumes with --resume.

One trunk, three heads: the emotions as FER+'s taggers say (soft labels: Barsoum et al. 2016), as FER2013's own label
says (it knows disgust and fear better), and whether the picture is a readable face at all.
Writes RUN/checkpoint.pt and RUN/log.jsonl. Then: tools/quantise_emotion.py makes models/emotion.tflite and its card.
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

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_augment import Augmenter
from emotion_data import Grey, Ints, VoteSet, photo_crops, seven_emotion_truth
from emotion_examples import Examples, photo_split, split, training_examples
from emotion_net import INPUT_OFFSET, INPUT_SCALE, EmotionNet, parameter_count
from emotion_start import Start, start_of
from emotion_teacher import answers, softened
from parallel import follow, run_all, share

WIDTHS, DEPTHS, DROPOUT = (24, 48, 112, 192), (1, 2, 1), 0.25
"""992,000 parameters; in int8 1.2 times the time of mini-Xception's float twin."""
FER2013_WEIGHT, USABLE_WEIGHT = 0.35, 0.3
SHARE_SHOWN = 0.5
"""Share of FER2013's head in what is printed; tools/quantise_emotion.py chooses the shipped one."""
LATE, LATE_EMA = 0.7, 0.998
"""From this progress on weights are averaged over more steps: the rate is low then, and statistics keep up."""
START_PICTURES = 2000
"""So many set the normalisation where a run begins with a file."""


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
    parser.add_argument("--balance", type=float, default=0.2, help="rows are drawn by frequency of emotion ** -balance")
    parser.add_argument("--negatives", type=float, default=0.35, help="how often a crop of no face is drawn an epoch")
    parser.add_argument("--photos", type=float, default=0.5, help="how often a photograph of faces/ is drawn an epoch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2, help="each takes its part of a batch, in one thread")
    parser.add_argument("--stop-after", type=int, help="stop after this many epochs in all, to try the route")
    parser.add_argument("--minutes", type=float, help="end then, mid-epoch if need be: the cosine follows the clock")
    parser.add_argument("--resume", action="store_true", help="go on from RUN/checkpoint.pt")
    parser.add_argument("--start", type=Path, help="checkpoint or .tflite whose weights a new run begins with")
    parser.add_argument("--teacher", type=Path, help="checkpoint or .tflite whose answers soften the targets")
    parser.add_argument("--teacher-share", type=float, default=0.5, help="of the targets' mass")
    return parser.parse_args()


def as_input(images: Tensor) -> Tensor:
    """Grey 0-255 (N, 1, 48, 48) as the network is fed."""
    return ((images - INPUT_OFFSET) * INPUT_SCALE).contiguous(memory_format=torch.channels_last)


def network() -> EmotionNet:
    """A fresh network."""
    return EmotionNet(widths=WIDTHS, depths=DEPTHS, dropout=DROPOUT)


def begun(path: Path, images: Grey) -> Start:
    """What stands at ``path``, a checkpoint or a file; ``images`` (N, 48, 48) are those that are trained on."""
    chosen = np.random.default_rng(0).choice(len(images), START_PICTURES, replace=False)
    changed = Augmenter(torch.Generator().manual_seed(0))(torch.from_numpy(images[chosen]).float()[:, None])
    return start_of(path, network(), as_input(changed))


@torch.no_grad()
def logits_of(net: nn.Module, images: Grey) -> NDArray[np.float64]:
    """All outputs of ``net`` in float64 for uint8 (N, 48, 48)."""
    net.eval()
    parts = [net(as_input(torch.from_numpy(images[s : s + 500]).float()[:, None])) for s in range(0, len(images), 500)]
    return torch.cat(parts).double().numpy()


def accuracy_and_recall(logits: NDArray[np.float64], truth: Ints) -> tuple[float, float]:
    """Accuracy and macro recall of the largest of ``logits`` (N, 7) against ``truth`` (N,)."""
    hit = logits.argmax(axis=1) == truth
    return float(hit.mean()), float(np.mean([hit[truth == k].mean() for k in np.unique(truth)]))


def own_figures(net: nn.Module, own: VoteSet, photos: tuple[Grey, Ints]) -> dict[str, float]:
    """On what chooses: FER+'s rows and, with a share of FER2013's head, both of them and the photographs."""
    truth, kept = seven_emotion_truth(own)
    found, truth = logits_of(net, own.crops[kept]), truth[kept]
    line: dict[str, float] = {}
    for name, outputs, wanted in (("own", found, truth), ("photos", logits_of(net, photos[0]), photos[1])):
        for part in (0.0, SHARE_SHOWN):
            accuracy, recall = accuracy_and_recall(outputs[:, :7] + part * outputs[:, 7:14], wanted)
            line |= {f"{name}_accuracy_{part:g}": round(accuracy, 4), f"{name}_recall_{part:g}": round(recall, 4)}
    return line


def loss_of(outputs: Tensor, targets: Tensor) -> Tensor:
    """Of all heads, (N, 15) each; rows whose targets for a head are zeros teach it nothing."""
    plus = F.cross_entropy(outputs[:, :7], targets[:, :7])
    old = F.cross_entropy(outputs[:, 7:14], targets[:, 7:14])
    usable = F.binary_cross_entropy_with_logits(outputs[:, 14], targets[:, 14])
    return plus + FER2013_WEIGHT * old + USABLE_WEIGHT * usable


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

    def rate(self, epochs: float, progress: float) -> float:
        """Half an epoch of warming up, then a cosine down to nothing."""
        warm = min(1.0, epochs / 0.5 + 0.02)
        left = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
        return float(max(self._args.rate * warm * left, 1e-5))


def train_epoch(args: argparse.Namespace, examples: Examples, parts: dict[str, Any], epoch: int) -> float:
    """One pass over ``examples`` with ``parts`` "net", "ema", "optimiser", "schedule"; returns the mean loss."""
    net, ema, optimiser, schedule = (parts[name] for name in ("net", "ema", "optimiser", "schedule"))
    rank = parts["rank"]
    seed = args.seed * 1000 + epoch
    torch.manual_seed(seed * 64 + rank)
    augment = Augmenter(torch.Generator().manual_seed(seed * 64 + rank))
    order = examples.epoch(np.random.default_rng(seed))
    steps, part = len(order) // args.batch, args.batch // args.processes
    net.train()
    total, began = 0.0, time.monotonic()
    for step in range(steps):
        at = step * args.batch + rank * part
        chosen = order[at : at + part]
        x = augment(torch.from_numpy(examples.images[chosen]).float()[:, None])
        y = torch.from_numpy(examples.targets[chosen])
        if args.mixup > 0:
            x, y = augment.mix(x, y, alpha=args.mixup)
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(as_input(x))
        loss = loss_of(logits.float(), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        # The first process says how far it is: all keep one rate, and end together.
        clock = schedule.progress(epoch + step / steps) if rank == 0 else 0.0
        progress, shown = share(net, [clock, loss.item() / args.processes], args.processes)
        if progress >= 1.0:
            return total / max(step, 1)
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate(epoch + step / steps, progress)
        optimiser.step()
        follow(ema, net, args.ema if progress < LATE else LATE_EMA)
        total += shown
        if step % 50 == 49 and rank == 0:
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


def train(
    args: argparse.Namespace,
    rank: int,
    examples: Examples,
    own: VoteSet,
    photos: tuple[Grey, Ints],
    *,
    started: Start | None,
) -> None:
    """One process from ``started`` to end; the first also measures, prints and saves."""
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    net = network().to(memory_format=torch.channels_last)
    commands, before = [shlex.join(["python", *sys.argv])], 0
    if started is not None:
        net.load_state_dict(started.weights)
        commands, before = [*started.commands, *commands], started.epochs
    parts: dict[str, Any] = {"net": net, "ema": copy.deepcopy(net), "optimiser": optimiser_for(net, args.rate)}
    first = 0
    if args.resume:
        saved = torch.load(args.run / "checkpoint.pt", weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        first, commands, before = saved["epoch"], [*saved["commands"], *commands], saved["epochs_before"]
    parts |= {"commands": commands, "epochs_before": before}
    if rank == 0:
        print(f"{parameter_count(net)} parameters, prior {np.round(examples.prior, 4).tolist()}, from {first + 1}")
        if started is not None:
            print(f"begins with {json.dumps(own_figures(parts['ema'], own, photos))}", flush=True)
    schedule = Schedule(args, first)
    last = args.stop_after or (args.epochs if args.minutes is None else sys.maxsize)
    for epoch in range(first, last):
        began = time.monotonic()
        loss = train_epoch(args, examples, parts | {"schedule": schedule, "rank": rank}, epoch)
        progress = torch.tensor([schedule.progress(epoch + 1) if rank == 0 else 0.0])
        if rank == 0:
            line = {"epoch": epoch + 1, "loss": round(loss, 4), **own_figures(parts["ema"], own, photos)}
            line |= {"progress": round(float(progress), 3), "seconds": round(time.monotonic() - began, 1)}
            record(args, line, parts, examples)
        if args.processes > 1:
            dist.broadcast(progress, 0)
        if float(progress) >= 1.0:
            break


def record(args: argparse.Namespace, line: dict[str, Any], parts: dict[str, Any], examples: Examples) -> None:
    """Prints and logs ``line``, saves the checkpoint."""
    print(json.dumps(line), flush=True)
    with (args.run / "log.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")
    state: dict[str, Any] = {name: parts[name].state_dict() for name in ("net", "ema", "optimiser")}
    state |= {"epoch": line["epoch"]}
    state |= {"prior": examples.prior.tolist(), "seed": args.seed, "commands": parts["commands"]}
    state |= {"epochs_before": parts["epochs_before"]}
    torch.save(state, args.run / "checkpoint.tmp")  # then renamed: a checkpoint is old or new, never torn
    (args.run / "checkpoint.tmp").replace(args.run / "checkpoint.pt")


def main() -> None:
    """Load once, then train in ``--processes`` forks that share the pictures."""
    args = arguments()
    args.run.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    rest, own = split(args.data)
    examples = training_examples(args, rest)
    if args.teacher is not None:
        teacher, known = network(), begun(args.teacher, examples.images)
        teacher.load_state_dict(known.weights)
        outputs = answers(teacher, examples.images, as_input)
        examples.targets = softened(examples.targets, outputs, args.teacher_share, heads=known.heads)
    photos = photo_crops(photo_split(args.data)[1])
    started = begun(args.start, examples.images) if args.start is not None else None
    run_all(lambda rank: train(args, rank, examples, own, photos, started=started), args.processes)


if __name__ == "__main__":
    main()
