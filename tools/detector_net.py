"""The face detector's network: a small residual trunk, a feature pyramid and one head for each stride.

Anchor-free (as FCOS, Tian et al. 2019, and YuNet, Wu et al. 2023): each cell of the strides 8, 16 and 32 says how sure
it is of a face (a logit) and where that face lies, as distances from the cell's middle in strides: left, top, right,
bottom, then five landmarks x, y. Linear outputs of one range each: nothing but the scale is lost by int8.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDES = (8, 16, 32)
INPUT_SIZE = (512, 384)
"""Width and height of the exported network's input: 4:3, as most cameras give; others are letterboxed."""
INPUT_OFFSET, INPUT_SCALE = 128.0, 1.0 / 64.0
"""The network is fed (level - 128) / 64, BGR: in int8 the level less 128."""
GEOMETRY = 14
"""Numbers of a cell beside its logit: four distances, five points."""


@dataclass(frozen=True)
class Widths:
    """Channels at the strides 4, 8, 16, 32 and in the pyramid; blocks at 8, 16, 32."""

    trunk: tuple[int, int, int, int] = (32, 64, 96, 128)
    pyramid: int = 64
    blocks: tuple[int, int, int] = (2, 3, 1)


class ConvBn(nn.Sequential):
    """Convolution, batch norm and, unless ``linear``, ReLU."""

    def __init__(self, source: int, sink: int, size: int, *, stride: int = 1, groups: int = 1, linear: bool = False):
        conv = nn.Conv2d(source, sink, size, stride, size // 2, groups=groups, bias=False)
        super().__init__(conv, nn.BatchNorm2d(sink), *([] if linear else [nn.ReLU(inplace=True)]))


class Block(nn.Module):
    """Residual: 1x1 to half the channels, 3x3 back."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvBn(width, width // 2, 1), ConvBn(width // 2, width, 3, linear=True))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x))


class Stem(nn.Module):
    """One convolution from pixels to stride 4.

    Four neighbours of a row are taken as twelve channels, which costs nothing (the memory is the same); rows in fours
    do not overlap, columns do. Two 3x3 convolutions of stride 2 cost four times as much in int8, since a runtime pads
    three channels: 2.2 against 0.55 ms at 512 x 384 px (tools/time_detector.py, 2-core x86-64 machine).
    """

    def __init__(self, sink: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4 * 3, sink, (4, 3), (4, 1), (0, 1), bias=False)
        self.norm = nn.BatchNorm2d(sink)

    def forward(self, x: Tensor) -> Tensor:
        n, _, height, width = x.shape
        fours = x.permute(0, 2, 3, 1).reshape(n, height, width // 4, 12).permute(0, 3, 1, 2)
        return F.relu(self.norm(self.conv(fours)))


class Head(nn.Module):
    """Separable 3x3 twice, then logit and geometry."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.shared = nn.Sequential(ConvBn(width, width, 3, groups=width, linear=True), ConvBn(width, width, 1))
        self.sure = nn.Conv2d(width, 1, 3, padding=1)
        self.place = nn.Conv2d(width, GEOMETRY, 3, padding=1)
        nn.init.normal_(self.sure.weight, std=0.01)
        nn.init.normal_(self.place.weight, std=0.01)
        nn.init.constant_(self.sure.bias, -4.6)
        nn.init.zeros_(self.place.bias)
        self.place.bias.data[:4] = 2.0

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.shared(x)
        return self.sure(x), self.place(x)


class DetectorNet(nn.Module):
    """Pictures (N, 3, H, W), sides multiples of 32 -> at each stride logits (N, 1, h, w), geometry (N, 14, h, w)."""

    def __init__(self, widths: Widths | None = None) -> None:
        super().__init__()
        widths = widths or Widths()
        c4, c8, c16, c32 = widths.trunk
        n8, n16, n32 = widths.blocks
        p = widths.pyramid
        self.stem = Stem(c4)
        self.at8 = nn.Sequential(ConvBn(c4, c8, 3, stride=2), *[Block(c8) for _ in range(n8)])
        self.at16 = nn.Sequential(ConvBn(c8, c16, 3, stride=2), *[Block(c16) for _ in range(n16)])
        self.at32 = nn.Sequential(ConvBn(c16, c32, 3, stride=2), *[Block(c32) for _ in range(n32)])
        self.lateral = nn.ModuleList([ConvBn(c, p, 1) for c in (c8, c16, c32)])
        self.smooth = nn.ModuleList(
            [nn.Sequential(ConvBn(p, p, 3, groups=p, linear=True), ConvBn(p, p, 1)) for _ in range(2)]
        )
        self.heads = nn.ModuleList([Head(p) for _ in STRIDES])

    def forward(self, x: Tensor) -> list[Tensor]:
        """Logits and geometry, stride by stride: six tensors."""
        c8 = self.at8(self.stem(x))
        c16 = self.at16(c8)
        p32 = self.lateral[2](self.at32(c16))
        p16 = self.smooth[1](self.lateral[1](c16) + F.interpolate(p32, scale_factor=2.0, mode="nearest"))
        p8 = self.smooth[0](self.lateral[0](c8) + F.interpolate(p16, scale_factor=2.0, mode="nearest"))
        return [out for head, level in zip(self.heads, (p8, p16, p32), strict=True) for out in head(level)]


def parameter_count(net: nn.Module) -> int:
    """Learnt numbers."""
    return sum(p.numel() for p in net.parameters())


def as_input(images: Tensor) -> Tensor:
    """uint8 (N, H, W, 3) BGR as the network is fed."""
    x = (images.permute(0, 3, 1, 2).float() - INPUT_OFFSET) * INPUT_SCALE
    return x.contiguous(memory_format=torch.channels_last)
