"""The emotion network: a plain residual network with squeeze-and-excitation (He et al. 2016, Hu et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 48
INPUT_OFFSET = 128.0
INPUT_SCALE = 1.0 / 64.0
"""The network is fed (grey - 128) / 64: in int8 with scale 1/64 and zero point 0 that is the byte minus 128."""


Window = tuple[int, int, int, int]
"""Rows from ``top`` to ``bottom`` and columns from ``left`` to ``right``, the last of each excluded, in px."""
WHOLE: Window = (0, SIDE, 0, SIDE)


def windowed(x: Tensor, window: Window) -> Tensor:
    """The part of pictures (N, C, 48, 48) in ``window``."""
    top, bottom, left, right = window
    return x if window == WHOLE else x[:, :, top:bottom, left:right]


def as_input(images: Tensor) -> Tensor:
    """Grey 0-255 (N, 1, 48, 48) as the network is fed."""
    return ((images - INPUT_OFFSET) * INPUT_SCALE).contiguous(memory_format=torch.channels_last)


WIDTHS, DEPTHS = (24, 48, 112, 192), (2, 2, 1)
"""Of those that teach the shipped network, which has fewer channels within its first blocks (docs/training.md)."""


def _convolution(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """Two convolutions with ``inner`` channels between them, a channel gate and a shortcut."""

    def __init__(self, inputs: int, outputs: int, *, inner: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(inputs, inner, stride=stride)
        self.second = _convolution(inner, outputs)
        self.squeeze = nn.Conv2d(outputs, outputs // 8, 1)
        self.excite = nn.Conv2d(outputs // 8, outputs, 1)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            layers: list[nn.Module] = [nn.AvgPool2d(stride, ceil_mode=True)] if stride != 1 else []
            layers += [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
            self.shortcut = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(torch.relu(self.first(x)))
        gate = torch.relu(self.squeeze(y.mean((2, 3), keepdim=True)))
        return torch.relu(y * torch.sigmoid(self.excite(gate)) + self.shortcut(x))


OUTPUTS_TRAINED = 7 + 7 + 1
"""Emotions as FER+'s taggers say, emotions as FER2013's label says, usable."""
OUTPUTS = 7 + 1
"""Of the shipped network: emotions, usable."""


class EmotionNet(nn.Module):
    """Grey faces float (N, 1, 48, 48), as (grey - 128) / 64, to logits (N, ``outputs``).

    With another ``side`` the picture is made smaller first: a teacher learns, and answers, for less time. It looks at
    ``window`` alone, (top, bottom, left, right) in px of 48 x 48: hair and ears say little, and take their time.
    ``inners``: channels within the blocks of each stage, where they are not those of ``widths``.
    """

    def __init__(
        self,
        *,
        widths: Sequence[int],
        depths: Sequence[int],
        dropout: float,
        outputs: int = OUTPUTS_TRAINED,
        inners: Sequence[int] | None = None,
        window: Window = WHOLE,
    ) -> None:
        super().__init__()
        self.side = SIDE
        self.window = window
        self.depths = tuple(depths)
        self.stem = _convolution(1, widths[0])
        blocks: list[nn.Module] = []
        inputs = widths[0]
        for width, depth, inner in zip(widths[1:], depths, inners or widths[1:], strict=True):
            for i in range(depth):
                blocks.append(Block(inputs, width, inner=inner, stride=2 if i == 0 else 1))
                inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        if self.side != SIDE:
            x = F.interpolate(x, size=(self.side, self.side), mode="bilinear", antialias=True)
        x = self.blocks(torch.relu(self.stem(windowed(x, self.window))))
        return self.head(self.dropout(x.mean((2, 3))))


@torch.no_grad()
def merged_head(weight: Tensor, bias: Tensor, shares: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Weight (8, C) and bias (8,) of the shipped head from those of the trained one, (15, C) and (15,).

    FER2013's own label knows disgust, which FER+'s taggers hardly ever say: each of seven ``shares``, 0 to 1, is how
    much of an emotion's logit is that of FER2013's head, both less their means over the emotions. Both heads are linear
    in the same features, so that is one head again, and costs nothing.
    """
    share = torch.tensor(shares)
    merged = []
    for rows in (weight, bias[:, None]):
        plus, old = (head - head.mean(0) for head in (rows[:7], rows[7:14]))
        merged.append(torch.cat([plus + share[:, None] * (old - plus), rows[14:]]))
    return merged[0], merged[1][:, 0]


def parameter_count(net: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(p.numel() for p in net.parameters())
