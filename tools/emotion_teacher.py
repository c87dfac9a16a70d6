"""Targets softened by networks trained before (Hinton et al. 2015): they know which faces are ambiguous better than
ten taggers can say.

They answer to the very picture that the student sees, changed and mixed ("patient and consistent teachers", Beyer et
al. 2022), and several of them together are a better teacher than the best of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from emotion_data import HEADS
from torch import Tensor, nn


class Teachers:
    """Networks whose answers are averaged, of the first ``heads`` of the two heads of emotions.

    ``mirrored``: each is asked about the picture's mirror image too, which makes two answers of one network.
    """

    def __init__(self, networks: Sequence[nn.Module], *, heads: int, mirrored: bool = False) -> None:
        self._networks = [net.eval() for net in networks]
        self._heads, self._mirrored = heads, mirrored

    @torch.no_grad()
    def soften(self, x: Tensor, targets: Tensor, shares: Tensor) -> Tensor:
        """``targets`` (N, 15) with ``shares`` (N, 1) of the emotions' mass as teachers distribute it for ``x``, as fed.

        Zeros, which teach a head nothing, stay zeros; usable stays as it is.
        """
        mixed = targets.clone()
        views = [x, x.flip(3)] if self._mirrored else [x]
        outputs = [net(view).float() for net in self._networks for view in views]
        for part in HEADS[: self._heads]:
            soft = torch.stack([found[:, part].softmax(1) for found in outputs]).mean(0)
            mass = targets[:, part].sum(1, keepdim=True)
            mixed[:, part] = (1 - shares) * targets[:, part] + shares * mass * soft
        return mixed
