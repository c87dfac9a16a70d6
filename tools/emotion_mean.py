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

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_net import EmotionNet
from emotion_pack import read_pack
from emotion_start import grown, network_at
from train_emotion import own_figures


def mean_of(runs: list[dict[str, Any]], weights: list[float]) -> dict[str, Any]:
    """The last of ``runs`` with the means of the weights and priors, and the commands, of all.

    ("Model soup", Wortsman et al. 2022.) They must have begun with one network: means of others are no networks.
    Runs before the last may have fewer blocks than it has, where it was grown from one of them.
    """
    if len(weights) != len(runs):
        raise SystemExit(f"--weights: {len(weights)} numbers for {len(runs)} runs; give one for each")
    parts = np.array(weights) / sum(weights)
    saved = dict(runs[-1])
    deepest = EmotionNet(widths=saved["widths"], depths=saved["depths"], dropout=0.0)
    deepest.load_state_dict(saved["ema"])
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
    parser.add_argument("--run", type=Path, nargs="+", required=True, help="folders of tools/train_emotion.py")
    parser.add_argument("--weights", type=float, nargs="+", help="of each run in the mean; even")
    parser.add_argument("--out", type=Path, required=True, help="folder for the mean's checkpoint.pt")
    parser.add_argument(
        "--pack", type=Path, help="file of tools/emotion_pack.py, to print what it is worth on own rows"
    )
    args = parser.parse_args()
    runs = [torch.load(run / "checkpoint.pt", weights_only=True, map_location="cpu") for run in args.run]
    mean = mean_of(runs, args.weights or [1.0] * len(runs))
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
