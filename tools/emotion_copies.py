"""What it seems to be worth to train on pictures that stand in `valid`: accuracy of networks that did, and did not.

FER2013 holds copies and other crops of one photograph on both sides of its split. A network of tools/train_emotion.py
--copies has learnt them; its accuracy on the rows that have such a copy says what it remembers, not what it knows. It
cannot be shipped (tools/quantise_emotion.py refuses it), and nothing is chosen by what is printed here.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_data import Grey, Mask, VoteSet, read_votes, stands_in

from edge.measure.metrics import accuracy, ferplus_majority, ferplus_standard, ferplus_top

Ints = NDArray[np.int64]


def figures(answers: Ints, valid: VoteSet, copied: Mask) -> dict[str, float | None]:
    """Accuracies of ``answers`` (N,) to ``valid`` by three protocols, and where rows are ``copied`` (N,) or not."""
    line = {}
    for name, protocol in (("all", ferplus_top), ("majority", ferplus_majority), ("standard", ferplus_standard)):
        truth, kept = protocol(valid.votes)
        line[name] = accuracy(truth[kept], answers[kept])
        if name == "all":
            line["copied"] = accuracy(truth[kept & copied], answers[kept & copied])
            line["not_copied"] = accuracy(truth[kept & ~copied], answers[kept & ~copied])
    return {name: value and round(value, 4) for name, value in line.items()}


def answers_of(path: Path, images: Grey) -> Ints:
    """Top emotions (N,) of FER+'s head of the checkpoint at ``path``, no prior taken off, in float."""
    # Imported here: the figures can be checked where there is no torch.
    from emotion_start import network_at
    from train_emotion import logits_of

    found: Ints = logits_of(network_at(path), images)[:, :7].argmax(axis=1)
    return found


def main() -> None:
    """Read, answer, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--run", type=Path, nargs="+", required=True, help="folders of tools/train_emotion.py")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with ferplus/")
    args = parser.parse_args()
    train, valid = read_votes(args.data, "train"), read_votes(args.data, "valid")
    copied = stands_in(valid.crops, train.crops)
    print(json.dumps({"rows": len(copied), "copied": int(copied.sum())}))
    for run in args.run:
        print(json.dumps({"run": str(run), **figures(answers_of(run / "checkpoint.pt", valid.crops), valid, copied)}))


if __name__ == "__main__":
    main()
