"""The mean of the weights of runs of tools/train_emotion.py, as a run: to begin or to teach with.

It costs what one network costs, and answers about as well as all of them asked together.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))


def mean_of(runs: list[dict[str, Any]], weights: list[float]) -> dict[str, Any]:
    """The last of ``runs`` with the means of the weights and priors, and the commands, of all.

    ("Model soup", Wortsman et al. 2022.) They must have begun with one network: means of others are no networks.
    """
    if len(weights) != len(runs):
        raise SystemExit(f"--weights: {len(weights)} numbers for {len(runs)} runs; give one for each")
    parts = np.array(weights) / sum(weights)
    saved = dict(runs[-1])
    saved["ema"] = {
        name: sum(part * run["ema"][name].double() for part, run in zip(parts.tolist(), runs, strict=True)).float()
        for name in runs[-1]["ema"]
    }
    saved["commands"] = [*dict.fromkeys(command for run in runs for command in run["commands"])]
    saved["prior"] = (parts @ np.array([run["prior"] for run in runs])).tolist()
    saved["shares"] = [round(part, 3) for part in parts.tolist()]
    return saved


def main() -> None:
    """Read, average, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--run", type=Path, nargs="+", required=True, help="folders of tools/train_emotion.py")
    parser.add_argument("--weights", type=float, nargs="+", help="of each run in the mean; even")
    parser.add_argument("--out", type=Path, required=True, help="folder for the mean's checkpoint.pt")
    args = parser.parse_args()
    runs = [torch.load(run / "checkpoint.pt", weights_only=True, map_location="cpu") for run in args.run]
    mean = mean_of(runs, args.weights or [1.0] * len(runs))
    mean["commands"].append(shlex.join(["python", *sys.argv]))
    for name in ("net", "optimiser"):  # nothing goes on from here with --resume
        del mean[name]
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(mean, args.out / "checkpoint.tmp")
    (args.out / "checkpoint.tmp").replace(args.out / "checkpoint.pt")


if __name__ == "__main__":
    main()
