"""The emotion network's optimiser, and how its learning rate falls."""

from __future__ import annotations

import argparse
import math
import time

import torch
from torch import nn


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


def optimiser_for(net: nn.Module, rate: float) -> torch.optim.SGD:
    """SGD with momentum; biases and batch-norm weights are not decayed."""
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 5e-4}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True)
