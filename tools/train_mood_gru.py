"""Train the small recurrent network that docs/smoothing.md compares (needs torch, see requirements/train.txt).

A GRU over the logarithm of the readings and of the time since the last one, trained on the development sequences at
rates that wander, writes its weights as arrays for tools/evaluate_smoothing.py. The service has no such network.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mood_filters import FIRST_READING_S
from mood_sequences import MoodSequence, add_options, sequences

from edge.data import EMOTIONS

HIDDEN = 12
RATES_HZ = (0, 5, 10, 30)


class Net(nn.Module):
    """The GRU of mood_filters.Gru, over whole sequences (T, N, 8); logits (T, N, 7)."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(len(EMOTIONS) + 1, HIDDEN)
        self.out = nn.Linear(HIDDEN, len(EMOTIONS))

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.gru(x)[0])


def example(sequence: MoodSequence) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs (T, 8), truth (T,), and how long each frame stands for in seconds (T,)."""
    t_s, probs = sequence.t_s[sequence.seen], sequence.probs[sequence.seen]
    dt_s = np.diff(t_s, prepend=t_s[0] - FIRST_READING_S)
    x = np.concatenate([np.log(probs + 1e-3), np.log(np.maximum(dt_s, 0.01))[:, None]], axis=1)
    return (
        torch.from_numpy(x).float(),
        torch.from_numpy(sequence.truth()[sequence.seen]),
        torch.from_numpy(dt_s).float(),
    )


def batch(made: list[MoodSequence], rate_hz: float) -> tuple[Tensor, Tensor, Tensor]:
    """All sequences at one rate, padded with frames of no duration."""
    return tuple(
        nn.utils.rnn.pad_sequence(list(p)) for p in zip(*(example(s.at_rate(rate_hz)) for s in made), strict=True)
    )


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    made = sequences(args, "development")
    batches = [batch(made, rate_hz) for rate_hz in RATES_HZ]
    net = Net()
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, args.epochs)
    for epoch in range(args.epochs):
        for x, truth, lasts_s in batches:
            loss = nn.functional.cross_entropy(net(x).permute(0, 2, 1), truth, reduction="none")
            loss = (loss * lasts_s).sum() / lasts_s.sum()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
        schedule.step()
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: cross-entropy {loss.item():.4f}", flush=True)
    named = {name.removeprefix("gru.").removesuffix("_l0").replace(".", "_"): w for name, w in net.state_dict().items()}
    print(sum(w.numel() for w in named.values()), "parameters")
    np.savez(args.cache / "gru.npz", **{name: w.numpy() for name, w in named.items()})


if __name__ == "__main__":
    main()
