"""Random changes of training pictures: what a cheap camera, a turned head and a bad light do to a face."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

MAX_ROTATION_RAD = math.radians(20)
MAX_SHIFT = 0.10
SCALES = (0.82, 1.2)
COVERED = 0.2
"""How often a part of a picture is covered (random erasing, Zhong et al. 2020) at full strength."""


def equalised(x: Tensor) -> Tensor:
    """Pictures, float (N, 1, H, W) of whole numbers in 0-255, each with its histogram equalised as OpenCV does it."""
    levels = x.flatten(1).long()
    counts = torch.zeros(len(x), 256, device=x.device).scatter_add_(1, levels, torch.ones_like(x.flatten(1)))
    darkest = counts.gather(1, levels.amin(1, keepdim=True))
    table = (counts.cumsum(1) - darkest) * (255.0 / (levels.shape[1] - darkest).clamp(min=1.0))
    return table.clamp(min=0.0).round().gather(1, levels).view_as(x)


class Augmenter:
    """Changes batches of faces, float (N, 1, 48, 48) in 0-255 on one device, by draws from one seed.

    ``strength`` scales how often and how far: with 0 a picture is only mirrored; ``geometry`` is that of turning,
    scaling and shifting, ``covered`` how often a part is covered, where they are others. What is drawn for a row is
    drawn by numpy: a GPU would be waited for at each number that is read back from it.
    """

    def __init__(
        self,
        seed: int,
        device: str = "cpu",
        *,
        strength: float = 1.0,
        geometry: float | None = None,
        covered: float | None = None,
        equalise: bool = False,
    ) -> None:
        self._strength, self._equalise = strength, equalise
        self._geometry = strength if geometry is None else geometry
        self._covered = strength * COVERED if covered is None else covered
        self._draws = np.random.default_rng(seed)
        self._generator = torch.Generator(device).manual_seed(seed)
        self._device = device

    def _tensor(self, values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self._device, non_blocking=True)

    def _uniform(self, n: int, low: float, high: float) -> Tensor:
        return self._tensor(self._draws.uniform(low, high, (n, 1, 1, 1)))

    def _chosen(self, n: int, probability: float) -> Tensor:
        """Numbers of the rows that are chosen."""
        chosen = np.flatnonzero(self._draws.random(n) < probability)
        return torch.from_numpy(chosen).to(self._device, non_blocking=True)

    def _noise(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self._generator, device=self._device)

    def geometry(self, x: Tensor) -> Tensor:
        """Rotation, scale, shift and mirror; the edge repeats outwards."""
        n, draw, far = len(x), self._draws, self._geometry
        angle = far * draw.uniform(-MAX_ROTATION_RAD, MAX_ROTATION_RAD, n)
        scale = np.exp(far * draw.uniform(math.log(SCALES[0]), math.log(SCALES[1]), n))
        mirror = np.where(draw.random(n) < 0.5, -1.0, 1.0)
        shift = far * draw.uniform(-2 * MAX_SHIFT, 2 * MAX_SHIFT, (n, 2))
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        rows = [np.stack([cos * mirror, -sin, shift[:, 0]], 1), np.stack([sin * mirror, cos, shift[:, 1]], 1)]
        grid = F.affine_grid(self._tensor(np.stack(rows, 1)), list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def light(self, x: Tensor) -> Tensor:
        """Gamma, contrast and brightness; some pictures with very little light and its shot noise."""
        n = len(x)
        dark = self._chosen(n, self._strength * 0.08)
        if count := len(dark):
            low = (x[dark] / 255.0).clamp(0.0, 1.0) ** self._uniform(count, 1.2, 2.8) * self._uniform(count, 0.2, 0.8)
            photons = self._uniform(count, 60.0, 400.0)
            x[dark] = 255.0 * (low + (low / photons).sqrt() * self._noise(low)).clamp(0.0, 1.0)
        far = self._strength
        x = 255.0 * (x / 255.0).clamp(0.0, 1.0) ** torch.exp(far * self._uniform(n, -0.5, 0.5))
        mean = x.mean((2, 3), keepdim=True)
        contrast, brightness = torch.exp(far * self._uniform(n, -0.7, 0.35)), far * self._uniform(n, -35.0, 35.0)
        return (x - mean) * contrast + mean + brightness

    def sharpness(self, x: Tensor) -> Tensor:
        """Some pictures from few pixels, some blurred."""
        few = self._chosen(len(x), self._strength * 0.15)
        if len(few):
            size = int(self._draws.integers(20, 41))
            small = F.interpolate(x[few], size=(size, size), mode="area")
            x[few] = F.interpolate(small, size=tuple(x.shape[2:]), mode="bilinear", align_corners=False)
        blurred = self._chosen(len(x), self._strength * 0.15)
        if len(blurred):
            line = np.exp(-(np.arange(-3.0, 4.0) ** 2) / (2 * self._draws.uniform(0.5, 1.3) ** 2))
            kernel = self._tensor(line / line.sum())
            padded = F.pad(x[blurred], (3, 3, 3, 3), mode="replicate")
            x[blurred] = F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, 7)), kernel.view(1, 1, 7, 1))
        return x

    def damage(self, x: Tensor) -> Tensor:
        """Sensor noise on some pictures, a covered rectangle on some."""
        noisy = self._chosen(len(x), self._strength * 0.25)
        if len(noisy):
            x[noisy] += self._noise(x[noisy]) * self._uniform(len(noisy), 0.0, 12.0)
        covered = self._chosen(len(x), self._covered)
        if count := len(covered):
            at = torch.arange(x.shape[2], device=self._device)
            first, side = self._draws.integers(-4, 40, (2, count, 1)), self._draws.integers(8, 21, (2, count, 1))
            begins, ends = (torch.from_numpy(ends).to(self._device) for ends in (first, first + side))
            rows, columns = (at >= begins) & (at < ends)
            level = self._uniform(count, 0.0, 255.0)
            x[covered] = torch.where((rows[:, :, None] & columns[:, None, :])[:, None], level, x[covered])
        return x

    def __call__(self, x: Tensor) -> Tensor:
        """Everything in the order in which it happens to a picture; result rounded and in 0-255."""
        changed = self.damage(self.sharpness(self.light(self.geometry(x)))).clamp(0.0, 255.0).round()
        return equalised(changed) if self._equalise else changed

    def mix(self, x: Tensor, targets: Tensor, *, alpha: float) -> tuple[Tensor, Tensor]:
        """Mixup (Zhang et al. 2018), with a weight of each row from Beta(alpha, alpha)."""
        weight = self._tensor(self._draws.beta(alpha, alpha, len(x)))
        order = torch.from_numpy(self._draws.permutation(len(x))).to(self._device)
        picture, row = weight[:, None, None, None], weight[:, None]
        return picture * x + (1 - picture) * x[order], row * targets + (1 - row) * targets[order]
