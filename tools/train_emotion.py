"""Train the emotion network on FER+ (and labelled photographs): checkpoints each epoch, resumes with --resume.

One trunk, three heads: the emotions as FER+'s taggers say (soft labels: Barsoum et al. 2016), as FER2013's own label
says (it knows disgust and fear better), and whether the picture is a readable face at all.
Writes RUN/checkpoint.pt and RUN/log.jsonl. Then: tools/quantise_emotion.py makes models/emotion.tflite and its card.
With --device cuda and --pack (tools/emotion_pack.py) it runs on a machine that has a GPU but not the data.
"""

from __future__ import annotations

import argparse
import copy
import json
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_augment import equalised
from emotion_choice import accuracy_and_recall
from emotion_data import Grey, Ints, VoteSet, seven_emotion_truth, soft_targets
from emotion_examples import Examples, Sets, training_examples, with_copies
from emotion_feed import Feed, fed
from emotion_net import EmotionNet, as_input, parameter_count
from emotion_optimiser import Schedule, optimiser_for
from emotion_options import arguments
from emotion_pack import sets_of
from emotion_start import Start, begun
from parallel import follow, run_all, share
from sharpness import climbed

USABLE_WEIGHT = 0.3
SHARE_SHOWN = 0.5
"""Share of FER2013's head in what is printed; tools/quantise_emotion.py chooses the shipped one."""
LATE, LATE_EMA = 0.7, 0.998
"""From this progress on weights are averaged over more steps: the rate is low then, and statistics keep up."""
SCALES = np.arange(0.7, 2.01, 0.02)
"""Of logits, 1 / temperature: mixed and softened targets make a network less sure than it should be."""


def network(args: argparse.Namespace) -> EmotionNet:
    """A fresh network of the shape that is asked for."""
    how = {name: getattr(args, name) for name in ("widths", "depths", "dropout", "inners")}
    return EmotionNet(**how, window=tuple(args.window))


@torch.no_grad()
def logits_of(net: nn.Module, images: Grey) -> NDArray[np.float64]:
    """All outputs of ``net`` in float64 for uint8 (N, 48, 48)."""
    net.eval()
    device = next(net.parameters()).device
    parts = [
        net(as_input(torch.from_numpy(images[s : s + 500]).to(device).float()[:, None]))
        for s in range(0, len(images), 500)
    ]
    return torch.cat(parts).double().cpu().numpy()


def with_own_equalised(sets: Sets) -> Sets:
    """``sets`` whose pictures that choose are equalised; those that are trained on are when they have been changed."""
    own, photos = (
        equalised(torch.from_numpy(crops).float()[:, None])[:, 0].to(torch.uint8).numpy()
        for crops in (sets.own.crops, sets.own_photos[0])
    )
    return replace(sets, own=replace(sets.own, crops=own), own_photos=(photos, sets.own_photos[1]))


def own_figures(net: nn.Module, own: VoteSet, photos: tuple[Grey, Ints]) -> dict[str, float]:
    """On what chooses: FER+'s rows and, with a share of FER2013's head, both of them and the photographs.

    ``own_loss``, the cross-entropy against the votes at the temperature that suits it best, tells two networks apart
    that have the same rows right.
    """
    truth, kept = seven_emotion_truth(own)
    found, truth = logits_of(net, own.crops[kept]), truth[kept]
    votes = torch.from_numpy(soft_targets(own)[kept, :7]).double()
    losses = [float(F.cross_entropy(torch.from_numpy(found[:, :7] * scale), votes)) for scale in SCALES]
    line = {"own_loss": round(min(losses), 4)}
    for name, outputs, wanted in (("own", found, truth), ("photos", logits_of(net, photos[0]), photos[1])):
        for part in (0.0, SHARE_SHOWN):
            accuracy, recall = accuracy_and_recall(outputs[:, :7] + part * outputs[:, 7:14], wanted)
            line |= {f"{name}_accuracy_{part:g}": round(accuracy, 4), f"{name}_recall_{part:g}": round(recall, 4)}
    return line


def loss_of(outputs: Tensor, targets: Tensor, *, fer2013_weight: float) -> Tensor:
    """Of all heads, (N, 15) each; rows whose targets for a head are zeros teach it nothing."""
    plus = F.cross_entropy(outputs[:, :7], targets[:, :7])
    old = F.cross_entropy(outputs[:, 7:14], targets[:, 7:14])
    usable = F.binary_cross_entropy_with_logits(outputs[:, 14], targets[:, 14])
    return plus + fer2013_weight * old + USABLE_WEIGHT * usable


def pull(args: argparse.Namespace, forward: Callable[[Tensor], Tensor], x: Tensor, targets: Tensor) -> Tensor:
    """The loss for pictures ``x``, as fed; its gradients are added to those of the parameters."""
    with torch.autocast(x.device.type, torch.bfloat16, enabled=not args.full_precision):
        outputs = forward(x)
    loss = loss_of(outputs.float(), targets, fer2013_weight=args.fer2013_weight)
    loss.backward()
    return loss.detach()


def train_epoch(args: argparse.Namespace, feed: Feed, parts: dict[str, Any], epoch: int) -> float:
    """One pass over what ``feed`` has, with ``parts`` of a run; returns the mean loss of this process."""
    net, ema, optimiser, schedule = (parts[name] for name in ("net", "ema", "optimiser", "schedule"))
    rank = parts["rank"]
    steps, part = feed.begin(epoch, rank) // args.batch, args.batch // args.processes
    net.train()
    total, began = torch.zeros((), device=args.device), time.monotonic()
    for step in range(steps):
        x, y = feed.batch(step * args.batch + rank * part, part)
        optimiser.zero_grad(set_to_none=True)
        if args.sharpness > 0:
            some = int(args.sharpness_part * part)
            pull(args, parts["forward"], x[:some], y[:some])
            with climbed(net, args.sharpness):
                loss = pull(args, parts["forward"], x, y)
        else:
            loss = pull(args, parts["forward"], x, y)
        # The first process says how far it is: all keep one rate, and end together.
        (progress,) = share(net, [schedule.progress(epoch + step / steps) if rank == 0 else 0.0], args.processes)
        if progress >= 1.0:
            return float(total) / max(step, 1)
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate(epoch + step / steps, progress)
        net.side = ema.side = args.sides[int(progress * len(args.sides))]
        optimiser.step()
        follow(ema, net, args.ema if progress < LATE else LATE_EMA)
        total += loss
        if step % 50 == 49 and rank == 0 and args.measure_every == 1:
            speed = (step + 1) * args.batch / (time.monotonic() - began)
            mean = float(total) / (step + 1)
            print(f"  epoch {epoch + 1} step {step + 1}/{steps} loss {mean:.4f} {speed:.0f} images/s", flush=True)
    return float(total) / steps


def train(
    args: argparse.Namespace,
    rank: int,
    examples: Examples,
    sets: Sets,
    *,
    started: Start | None,
    feed: Feed,
    commands: list[str],
) -> None:
    """One process from ``started``, fed by ``feed``, whose teachers ``commands`` made; the first prints and saves."""
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    net = network(args)
    net.side = args.sides[0]
    before = 0
    if started is not None:
        net.load_state_dict(started.weights)
        commands, before = [*commands, *started.commands], started.epochs
    commands = [*dict.fromkeys(commands), shlex.join(["python", *sys.argv])]  # a teacher may be where it started
    net = net.to(args.device, memory_format=torch.channels_last)
    parts: dict[str, Any] = {"net": net, "ema": copy.deepcopy(net), "optimiser": optimiser_for(net, args.rate)}
    first = 0
    if args.resume:
        saved = torch.load(args.run / "checkpoint.pt", weights_only=True)
        for name, part in parts.items():
            part.load_state_dict(saved[name])
        first, commands, before = saved["epoch"], [*saved["commands"], commands[-1]], saved["epochs_before"]
    forward = torch.compile(net) if args.compile else net
    parts |= {"commands": commands, "epochs_before": before, "rank": rank, "forward": forward}
    if rank == 0:
        print(f"{parameter_count(net)} parameters, prior {np.round(examples.prior, 4).tolist()}, from {first + 1}")
        if started is not None:
            print(f"begins with {json.dumps(own_figures(parts['ema'], sets.own, sets.own_photos))}", flush=True)
    parts["schedule"] = schedule = Schedule(args, first)
    last = args.stop_after or (args.epochs if args.minutes is None else sys.maxsize)
    began = time.monotonic()
    for epoch in range(first, last):
        loss = train_epoch(args, feed, parts, epoch)
        progress = torch.tensor([schedule.progress(epoch + 1) if rank == 0 else 0.0])
        if args.processes > 1:
            dist.broadcast(progress, 0)
        ended = float(progress) >= 1.0 or epoch + 1 == last
        if rank == 0 and (ended or (epoch + 1) % args.measure_every == 0):
            line = {"epoch": epoch + 1, "loss": round(loss, 4), **own_figures(parts["ema"], sets.own, sets.own_photos)}
            line |= {"progress": round(float(progress), 3), "seconds": round(time.monotonic() - began, 1)}
            record(args, line, parts, examples)
        if ended:
            break


def record(args: argparse.Namespace, line: dict[str, Any], parts: dict[str, Any], examples: Examples) -> None:
    """Prints and logs ``line``, saves the checkpoint."""
    print(json.dumps(line), flush=True)
    with (args.run / "log.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")
    state: dict[str, Any] = {name: parts[name].state_dict() for name in ("net", "ema", "optimiser")}
    state |= {
        "epoch": line["epoch"],
        "widths": list(args.widths),
        "depths": list(args.depths),
        "side": parts["net"].side,
        "window": list(args.window),
    }
    state |= {"prior": examples.prior.tolist(), "seed": args.seed, "commands": parts["commands"]}
    state |= {"epochs_before": parts["epochs_before"], "equalised": args.equalise, "left_out": args.leave_out}
    torch.save(state, args.run / "checkpoint.tmp")  # then renamed: a checkpoint is old or new, never torn
    (args.run / "checkpoint.tmp").replace(args.run / "checkpoint.pt")


def main() -> None:
    """Load once, then train in ``--processes`` forks that share the pictures."""
    args = arguments(__doc__)
    args.run.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    sets = sets_of(args)
    if args.copies:
        sets = with_copies(sets, args.data)
    if args.equalise:
        sets = with_own_equalised(sets)
    examples = training_examples(args, sets)
    started = begun(args.start, network(args), examples.images) if args.start is not None else None
    feed, commands = fed(args, examples)

    def run(rank: int) -> None:
        train(args, rank, examples, sets, started=started, feed=feed, commands=commands)

    run_all(run, args.processes)


if __name__ == "__main__":
    main()
