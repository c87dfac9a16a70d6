"""The mean of the weights of runs of tools/train_emotion.py, as a run: to begin or to teach with, or to compare.

It costs what one network costs, and answers about as well as all of them asked together.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_data import Grey
from emotion_net import as_input
from emotion_pack import read_pack
from emotion_recorded import read_recorded
from emotion_start import grown, network_at, network_shape, shape_of, start_of
from torch import Tensor, nn
from train_emotion import own_figures

BATCH = 128
"""Pictures in whose answers means and variances are measured at once, as in training."""
MEASURED, UNFOLDED = 6400, 512
"""Pictures that means and variances are averaged over, and those that take a file's normalisation apart."""


def run_at(path: Path, pictures: Grey | None) -> dict[str, Any]:
    """The run in the folder ``path``, or what ``mean_of`` needs of a .tflite, taken apart with ``pictures``."""
    if path.suffix != ".tflite":
        return dict(torch.load(path / "checkpoint.pt", weights_only=True, map_location="cpu"))
    if pictures is None:
        raise SystemExit(f"--run {path}: a file has its normalisation folded in; give --recorded to take it apart")
    shape = network_shape(path)
    fresh = shape.network()
    start = start_of(path, fresh, network_input(pictures[:UNFOLDED]))
    prior = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))["prior"]["values"]
    return {"ema": start.weights, "depths": shape.depths, "commands": start.commands, "prior": prior}


def network_input(pictures: Grey) -> Tensor:
    """``pictures`` (N, 48, 48) as a network is fed them."""
    return as_input(torch.from_numpy(pictures).float()[:, None])


@torch.no_grad()
def measured_anew(saved: dict[str, Any], pictures: Grey) -> dict[str, Tensor]:
    """Weights of the run ``saved`` with means and variances of its own answers to ``pictures`` (N, 48, 48).

    The mean of two networks' statistics is not the statistics of their mean, the less so the further apart they are
    (Izmailov et al. 2018; Jordan et al. 2023).
    """
    net = shape_of(saved).network()
    net.load_state_dict(saved["ema"])
    net.train()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain average of all batches
    for start in range(0, len(pictures) - BATCH + 1, BATCH):
        net(network_input(pictures[start : start + BATCH]))
    return {name: value.clone() for name, value in net.state_dict().items()}


def mean_of(runs: list[dict[str, Any]], weights: list[float]) -> dict[str, Any]:
    """The last of ``runs`` with the means of the weights and priors, and the commands, of all.

    ("Model soup", Wortsman et al. 2022; of a network and what went on from it: "Robust fine-tuning of zero-shot
    models", Wortsman et al. 2022.) They must have begun with one network: means of others are no networks.
    Runs before the last may have fewer blocks than it has, where it was grown from one of them.
    """
    if len(weights) != len(runs):
        raise SystemExit(f"--weights: {len(weights)} numbers for {len(runs)} runs; give one for each")
    parts = np.array(weights) / sum(weights)
    saved = dict(runs[-1])
    deepest = shape_of(saved).network()
    deepest.load_state_dict(saved["ema"])
    if any(more > most for run in runs for more, most in zip(run["depths"], deepest.depths, strict=False)):
        raise SystemExit("--run: one has more blocks than the last, which the mean would lose; put it last")
    alike = [grown(run["ema"], run["depths"], deepest) for run in runs]
    saved["ema"] = {
        name: sum(part * ema[name].double() for part, ema in zip(parts.tolist(), alike, strict=True)).float()
        for name in saved["ema"]
    }
    saved["commands"] = [*dict.fromkeys(command for run in runs for command in run["commands"])]
    saved["prior"] = (parts @ np.array([run["prior"] for run in runs])).tolist()
    saved["shares"] = [round(part, 3) for part in parts.tolist()]
    return saved


def worth(path: Path, pack: Path) -> dict[str, float]:
    """Figures on the own rows of ``pack`` of the checkpoint at ``path``, as a run prints them."""
    sets = read_pack(pack)
    return own_figures(network_at(path), sets.own, sets.own_photos)


def main() -> None:
    """Read, average, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        "--run", type=Path, nargs="+", required=True, help="folders of tools/train_emotion.py, or .tflite, not the last"
    )
    parser.add_argument("--weights", type=float, nargs="+", help="of each run in the mean; even")
    parser.add_argument("--out", type=Path, required=True, help="folder for the mean's checkpoint.pt")
    parser.add_argument(
        "--pack", type=Path, help="file of tools/emotion_pack.py, to print what it is worth on own rows"
    )
    parser.add_argument(
        "--recorded", type=Path, help="folder of tools/emotion_record.py: measure the normalisation of the mean on it"
    )
    args = parser.parse_args()
    if args.run[-1].suffix == ".tflite":
        parser.error(
            f"--run {args.run[-1]}: the mean goes on as the last, which must be a run; give the file before it"
        )
    pictures = None if args.recorded is None else read_recorded([args.recorded]).epoch(0)[0][:MEASURED]
    mean = mean_of([run_at(run, pictures) for run in args.run], args.weights or [1.0] * len(args.run))
    if pictures is not None:
        mean["ema"] = measured_anew(mean, pictures)
    mean["commands"].append(shlex.join(["python", *sys.argv]))
    for name in ("net", "optimiser"):  # nothing goes on from here with --resume
        mean.pop(name, None)
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(mean, args.out / "checkpoint.tmp")
    (args.out / "checkpoint.tmp").replace(args.out / "checkpoint.pt")
    if args.pack is not None:
        print(json.dumps(worth(args.out / "checkpoint.pt", args.pack)))


if __name__ == "__main__":
    main()
