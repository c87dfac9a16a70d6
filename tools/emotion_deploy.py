"""The emotion network as it stands in its file: the same answers in operators that the runtime is quick at, twice.

Quick: int8 means over 2 x 2 px are no operator of XNNPACK, the library behind the runtime on a processor. As a
convolution with four equal weights each they are, and the whole network runs there in one piece.
Twice: the features of the picture and of its mirror image are averaged before the last layer (Krizhevsky et al. 2012,
section 4.1, average over more crops). Whoever runs the file gives one picture and gets one answer.
"""

from __future__ import annotations

import copy

import torch
from emotion_net import SIDE, EmotionNet, windowed
from torch import Tensor, nn


class Deployed(nn.Module):
    """A trained ``net`` for one picture float (1, 1, 48, 48), as it is fed, to logits (1, outputs)."""

    def __init__(self, net: EmotionNet, *, mirrored: bool) -> None:
        super().__init__()
        self.mirrored, self.window = mirrored, net.window
        self.stem, self.blocks = copy.deepcopy(net.stem), copy.deepcopy(net.blocks)
        for module in [m for m in self.blocks.modules() if isinstance(m, nn.Sequential)]:
            for place, layer in enumerate(module):
                if isinstance(layer, nn.AvgPool2d):
                    mean = mean_of_four(module[place + 1].in_channels)
                    # Not everywhere: the file of a whole picture stays the same, byte for byte.
                    module[place] = nn.Sequential(Even(), mean) if odd_somewhere(net) else mean
        self.head = nn.Conv2d(net.head.in_features, net.head.out_features, 1)
        with torch.no_grad():
            self.head.weight.copy_(net.head.weight[:, :, None, None])
            self.head.bias.copy_(net.head.bias)  # type: ignore[union-attr]
        # Taken by index, since the runtime reverses an int8 picture as float.
        self.register_buffer("columns", torch.arange(SIDE - 1, -1, -1))

    def forward(self, x: Tensor) -> Tensor:
        """One answer, about both views where ``mirrored``."""
        if self.mirrored:
            x = torch.cat([x, x.index_select(3, self.columns)])  # type: ignore[arg-type]
        x = self.blocks(torch.relu(self.stem(windowed(x, self.window)))).mean((2, 3), keepdim=True)
        return self.head(x.mean(0, keepdim=True)).flatten(1)


def odd_somewhere(net: EmotionNet) -> bool:
    """Whether a stage of ``net`` meets an odd number of rows or columns, which it then halves."""
    top, bottom, left, right = net.window
    halves = 2 ** len(net.depths)
    return (bottom - top) % halves != 0 or (right - left) % halves != 0


class Even(nn.Module):
    """Pictures of an even number of rows and columns: the last one twice where it is odd.

    So the mean over 2 x 2 px at that edge is the mean of what is there, as where the network was trained.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H or H + 1, W or W + 1)."""
        for axis in (2, 3):
            if x.shape[axis] % 2:
                x = torch.cat([x, x.narrow(axis, x.shape[axis] - 1, 1)], axis)
        return x


def mean_of_four(channels: int) -> nn.Conv2d:
    """The mean over 2 x 2 px as a convolution of each channel by itself."""
    layer = nn.Conv2d(channels, channels, 2, stride=2, groups=channels, bias=False)
    nn.init.constant_(layer.weight, 0.25)
    return layer
