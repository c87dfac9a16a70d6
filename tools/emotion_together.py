"""What runs of tools/train_emotion.py, or files, are worth on the own rows, each alone and all asked together.

Together they say how good a teacher they are (Hinton et al. 2015), of any shapes; nothing is written. With
--robustness: how many of the own rows each has right when they are hurt as `moodcast evaluate` hurts them. With --data
their accuracy on `valid` stands behind, prior not taken off: a control that says how far what they learn from goes, and
by which nothing may be chosen.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_copies import figures
from emotion_data import HEADS, VoteSet, read_votes, rows, seven_emotion_truth
from emotion_examples import Sets
from emotion_folds import left_out
from emotion_pack import read_pack
from emotion_start import known
from train_emotion import logits_of, own_figures

from edge.measure.corruptions import CORRUPTIONS, corrupted


class Together(nn.Module):
    """Networks whose probabilities of each head of emotions are averaged, as `Teachers` does; usable: mean logit."""

    def __init__(self, networks: Sequence[nn.Module], *, mirrored: bool) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.mirrored = mirrored

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (N, 1, 48, 48), as fed, to (N, 15): logarithms of probabilities, and a logit."""
        views = [x, x.flip(3)] if self.mirrored else [x]
        outputs = torch.stack([net(view) for net in self.networks for view in views])
        heads = [outputs[..., part].softmax(-1).mean(0).log() for part in HEADS]
        return torch.cat([*heads, outputs[..., HEADS[-1].stop :].mean(0)], dim=-1)


def hurt_figures(net: nn.Module, own: VoteSet) -> dict[str, float]:
    """Accuracy on the rows of ``own``, hurt in each way; the chance in it is the same for every network."""
    truth, kept = seven_emotion_truth(own)
    found = {}
    for number, corruption in enumerate(CORRUPTIONS):
        answers = logits_of(net, corrupted(own.crops[kept], number, seed=0))[:, :7].argmax(axis=1)
        found[f"own_{corruption.name}"] = round(float((answers == truth[kept]).mean()), 4)
    return found


def own_fold(sets: Sets, fold: str) -> Sets:
    """``sets`` whose own rows and photographs are those that ``train_emotion.py --leave-out`` would leave out alone."""
    photos, labels = sets.own_photos
    mine = left_out(photos, fold)
    return replace(sets, own=rows(sets.own, left_out(sets.own.crops, fold)), own_photos=(photos[mine], labels[mine]))


def main() -> None:
    """Read, ask, print a line for each and one for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        "--run", type=Path, nargs="+", required=True, help="folders of tools/train_emotion.py, or .tflite with cards"
    )
    parser.add_argument("--mirrored", action="store_true", help="together: ask each about the mirror image as well")
    parser.add_argument("--pack", type=Path, required=True, help="file of tools/emotion_pack.py")
    parser.add_argument("--left-out", metavar="I/N", help="ask about this fold alone, which a run did not learn from")
    parser.add_argument("--robustness", action="store_true", help="also accuracy when hurt")
    parser.add_argument("--data", type=Path, help="folder with ferplus/: a control, see above")
    args = parser.parse_args()
    valid = read_votes(args.data, "valid") if args.data else None
    sets = read_pack(args.pack)
    if args.left_out is not None:
        sets = own_fold(sets, args.left_out)
    paths = [run if run.suffix == ".tflite" else run / "checkpoint.pt" for run in args.run]
    networks = [known(path, sets.train.crops)[0] for path in paths]
    named = [(run.name, net) for run, net in zip(args.run, networks, strict=True)]
    for name, net in [*named, ("together", Together(networks, mirrored=args.mirrored))]:
        line = own_figures(net, sets.own, sets.own_photos)
        if args.robustness:
            line |= hurt_figures(net, sets.own)
        if valid is not None:
            answers = logits_of(net, valid.crops)[:, :7].argmax(axis=1)
            found = figures(answers, valid, np.zeros(len(answers), bool))
            line |= {f"valid_{part}": found[part] for part in ("all", "majority", "standard")}
        print(name, json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
