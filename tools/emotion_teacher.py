"""Targets softened by a network trained before (Hinton et al. 2015; Furlanello et al. 2018, where the teacher is
no larger than the student): it knows which faces are ambiguous better than ten taggers can say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from emotion_data import Floats, Grey
from numpy.typing import NDArray
from torch import Tensor, nn

PARTS = (slice(0, 7), slice(7, 14))
"""FER+'s head and FER2013's in targets and outputs."""


@torch.no_grad()
def answers(net: nn.Module, images: Grey, as_input: Callable[[Tensor], Tensor]) -> NDArray[np.float64]:
    """Outputs (N, 15) for uint8 (N, 48, 48), each the mean of the picture's and its mirror image's."""
    net.eval()
    parts = []
    for start in range(0, len(images), 500):
        x = torch.from_numpy(images[start : start + 500]).float()[:, None]
        with torch.autocast("cpu", torch.bfloat16):
            parts.append((net(as_input(x)) + net(as_input(x.flip(3)))).float() / 2)
    return torch.cat(parts).double().numpy()


def softened(targets: Floats, outputs: NDArray[np.float64], share: float, *, heads: int = 2) -> Floats:
    """``targets`` (N, 15) with ``share`` of each emotion's mass as a teacher's ``outputs`` (N, 15) distribute it.

    Of the first ``heads`` heads; the teacher may not have been taught the second.

    Zeros, which teach a head nothing, stay zeros; usable stays as it is.
    """
    mixed = targets.copy()
    for part in PARTS[:heads]:
        rows = outputs[:, part] - outputs[:, part].max(axis=1, keepdims=True)
        soft = np.exp(rows) / np.exp(rows).sum(axis=1, keepdims=True)
        taught = targets[:, part].sum(axis=1, keepdims=True) > 0
        mixed[:, part] = np.where(taught, (1 - share) * targets[:, part] + share * soft, targets[:, part])
    return mixed
