"""Random changes of training pictures: what a cheap camera, a turned head and a bad light do to a face."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

MAX_ROTATION_RAD = math.radians(20)
MAX_SHIFT = 0.10
SCALES = (0.82, 1.2)


class Augmenter:
    """Changes batches of faces, float (N, 1, 48, 48) in 0-255, by draws of one generator."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def _uniform(self, n: int, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, 1, 1, 1, generator=self._generator)

    def _chosen(self, n: int, probability: float) -> Tensor:
        return torch.rand(n, generator=self._generator) < probability

    def geometry(self, x: Tensor) -> Tensor:
        """Rotation, scale, shift and mirror; the edge repeats outwards."""
        n = len(x)
        angle = self._uniform(n, -MAX_ROTATION_RAD, MAX_ROTATION_RAD).flatten()
        scale = torch.exp(self._uniform(n, math.log(SCALES[0]), math.log(SCALES[1])).flatten())
        mirror = torch.where(self._chosen(n, 0.5), -1.0, 1.0)
        shift = self._uniform(2 * n, -2 * MAX_SHIFT, 2 * MAX_SHIFT).reshape(n, 2)
        cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
        first = torch.stack([cos * mirror, -sin, shift[:, 0]], 1)
        second = torch.stack([sin * mirror, cos, shift[:, 1]], 1)
        grid = F.affine_grid(torch.stack([first, second], 1), list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def light(self, x: Tensor) -> Tensor:
        """Gamma, contrast and brightness; some pictures with very little light and its shot noise."""
        n = len(x)
        dark = self._chosen(n, 0.08)
        if dark.any():
            count = int(dark.sum())
            low = (x[dark] / 255.0).clamp(0.0, 1.0) ** self._uniform(count, 1.2, 2.8) * self._uniform(count, 0.2, 0.8)
            photons = self._uniform(count, 60.0, 400.0)
            noise = torch.randn(low.shape, generator=self._generator)
            x[dark] = 255.0 * (low + (low / photons).sqrt() * noise).clamp(0.0, 1.0)
        x = 255.0 * (x / 255.0).clamp(0.0, 1.0) ** torch.exp(self._uniform(n, -0.5, 0.5))
        mean = x.mean((2, 3), keepdim=True)
        return (x - mean) * torch.exp(self._uniform(n, -0.7, 0.35)) + mean + self._uniform(n, -35.0, 35.0)

    def sharpness(self, x: Tensor) -> Tensor:
        """Some pictures from few pixels, some blurred."""
        few = self._chosen(len(x), 0.15)
        if few.any():
            size = int(torch.randint(20, 41, (), generator=self._generator))
            small = F.interpolate(x[few], size=(size, size), mode="area")
            x[few] = F.interpolate(small, size=tuple(x.shape[2:]), mode="bilinear", align_corners=False)
        blurred = self._chosen(len(x), 0.15)
        if blurred.any():
            sigma = float(self._uniform(1, 0.5, 1.3))
            line = torch.exp(-(torch.arange(-3.0, 4.0) ** 2) / (2 * sigma**2))
            line = line / line.sum()
            padded = F.pad(x[blurred], (3, 3, 3, 3), mode="replicate")
            x[blurred] = F.conv2d(F.conv2d(padded, line.view(1, 1, 1, 7)), line.view(1, 1, 7, 1))
        return x

    def damage(self, x: Tensor) -> Tensor:
        """Sensor noise on some pictures, a covered rectangle on some."""
        noisy = self._chosen(len(x), 0.25)
        if noisy.any():
            noise = torch.randn(x[noisy].shape, generator=self._generator)
            x[noisy] += noise * self._uniform(len(noise), 0.0, 12.0)
        for i in torch.flatten(torch.nonzero(self._chosen(len(x), 0.2))).tolist():
            height, width, level = torch.randint(8, 21, (3,), generator=self._generator).tolist()
            top, left = torch.randint(-4, 40, (2,), generator=self._generator).tolist()
            x[i, :, max(top, 0) : top + height, max(left, 0) : left + width] = (level - 8) * 255.0 / 12.0
        return x

    def __call__(self, x: Tensor) -> Tensor:
        """Everything in the order in which it happens to a picture; result rounded and in 0-255."""
        return self.damage(self.sharpness(self.light(self.geometry(x)))).clamp(0.0, 255.0).round()

    def mix(self, x: Tensor, targets: Tensor, *, alpha: float) -> tuple[Tensor, Tensor]:
        """Mixup (Zhang et al. 2018) with one weight for the batch, Beta(alpha, alpha)."""
        # Beta by two Gamma draws would ignore the generator, so: Johnk's method on its uniform numbers.
        while True:
            a, b = (float(u) ** (1 / alpha) for u in torch.rand(2, generator=self._generator, dtype=torch.float64))
            if 0.0 < a + b <= 1.0:
                break
        weight = a / (a + b)
        order = torch.randperm(len(x), generator=self._generator)
        return weight * x + (1 - weight) * x[order], weight * targets + (1 - weight) * targets[order]
