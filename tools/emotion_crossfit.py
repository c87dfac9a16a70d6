"""Ask networks that were each trained without a fold (tools/train_emotion.py --leave-out) about the rows of that fold.

The answers go to a file for tools/train_emotion.py --answers. Printed are the loss against the votes where each network
was not trained, beside that on the rows that choose: what they have in common is that nobody knows them, so far apart
they must not be. And the share of the targets that the answers are worth beside ten votes, as half of the votes of the
rows that choose foretell the other half.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_data import HEADS, Floats, Grey, soft_targets
from emotion_examples import training_examples
from emotion_folds import Answers, digest_of, left_out, loss_of, worth_beside_votes
from emotion_net import EmotionNet
from emotion_options import parser_of
from emotion_pack import sets_of
from emotion_start import network_at
from train_emotion import logits_of


def arguments() -> argparse.Namespace:
    """The command line: that of the run that is to be softened, with --networks and --out."""
    parser = parser_of(__doc__)
    parser.add_argument("--networks", type=Path, nargs="+", required=True, help="checkpoints, one of each fold")
    parser.add_argument("--out", type=Path, default=Path("runs/emotion/answers.npz"))
    return parser.parse_args()


def probabilities_of(net: EmotionNet, images: Grey) -> Floats:
    """Float (N, 14) of both heads, the mean of a picture (N, 48, 48) and its mirrored one."""
    found = np.zeros((len(images), 14))
    for pictures in (images, np.ascontiguousarray(images[:, :, ::-1])):
        logits = torch.from_numpy(logits_of(net, pictures))
        for head in HEADS:
            found[:, head] += logits[:, head].softmax(1).numpy() / 2
    return found.astype(np.float32)


def main() -> None:
    """Ask, print, write."""
    args = arguments()
    sets = sets_of(args)
    examples = training_examples(args, sets)
    answers = np.zeros((len(examples.images), 14), np.float32)
    known = np.zeros(len(answers), bool)
    own, own_targets, commands = [], soft_targets(sets.own)[:, :7], []
    for path in args.networks:
        saved = torch.load(path, weights_only=True)
        if saved.get("left_out") is None:
            raise SystemExit(f"{path} was trained on every fold: it has learnt what it would be asked about")
        net = network_at(path)
        mine = left_out(examples.images, saved["left_out"])
        answers[mine] = probabilities_of(net, examples.images[mine])
        known |= mine
        own.append(probabilities_of(net, sets.own.crops))
        votes = np.flatnonzero(mine[: len(sets.train.crops)])  # FER+'s rows stand first
        line = {
            "network": str(path),
            "left_out": saved["left_out"],
            "loss": loss_of(answers[votes, :7], examples.targets[votes, :7]),
            "own_loss": loss_of(own[-1][:, :7], own_targets),
        }
        print(json.dumps(line), flush=True)
        commands += saved["commands"]
    if not known.all():
        raise SystemExit(f"{(~known).sum()} rows were left out by none of the networks: give one of each fold")
    one = float(np.mean([worth_beside_votes(part[:, :7], sets.own) for part in own]))
    print(json.dumps({"share_worth": round(one, 3)}))
    Answers(answers, digest_of(examples.images), list(dict.fromkeys(commands))).write(args.out)
    print(f"{args.out}: {len(answers)} answers")


if __name__ == "__main__":
    main()
