"""Sharpness-aware minimisation (Foret et al. 2021): the gradient is taken where the loss is highest nearby.

Where that is, a part of the batch says: its gradient, as long as ``radius``. Each process climbs by its own, which
generalises better than one step that all agree on (m-sharpness, section 4.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def climbed(net: nn.Module, radius: float) -> Iterator[None]:
    """Within, the weights of ``net`` stand ``radius`` up their gradients (which are taken off), then where they were.

    Batch statistics do not move within: they are those of the weights that are kept.
    """
    moved = [p for p in net.parameters() if p.grad is not None]
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    with torch.no_grad():
        kept = [p.detach().clone() for p in moved]
        gradients = [p.grad for p in moved if p.grad is not None]
        length = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
        torch._foreach_add_(moved, gradients, alpha=radius / (float(length) + 1e-12))
    net.zero_grad(set_to_none=True)
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        with torch.no_grad():
            torch._foreach_copy_(moved, kept)
