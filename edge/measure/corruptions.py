"""What a bad camera, a bad light and a covered face do to a picture, with the strengths in one table.

After Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions" (ICLR), but with
what a kiosk's camera meets. Every function takes a face as the network sees it, uint8 (S, S) grey, and gives one of the
same shape; lengths are parts of the side S, so that another network's faces are hurt alike. Chance comes in as an
argument. Where eyes and mouth lie is measured: `edge.core.crop`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Region = tuple[float, float, float, float]
EYES: Region = (0.10, 0.26, 0.90, 0.50)
"""Left, top, right, bottom, in parts of the side: sunglasses. The eyes' midpoint lies at 0.38 of the height."""
MOUTH: Region = (0.16, 0.58, 0.84, 1.0)
"""A mask from below the nose to the chin. The mouth's midpoint lies at 0.74 of the height."""


@dataclass(frozen=True, slots=True)
class Corruption:
    """``apply(grey, rng)`` is pure: the same picture and the same state of ``rng`` give the same result."""

    name: str
    what: str
    """The strength, in words."""
    apply: Callable[[Grey, Generator], Grey]


def low_light(grey: Grey, rng: Generator, *, gamma: float, gain: float, photons_white: float) -> Grey:
    """``gain * g ** gamma`` of the level g (0-1), then the shot noise of a pixel that counts photons.

    Photons arrive by a Poisson law; ``photons_white`` of them make the level 255. 0 leaves the noise out.
    """
    light = gain * (grey / 255.0) ** gamma
    if photons_white > 0.0:
        light = rng.poisson(light * photons_white) / photons_white
    return _levels(255.0 * light)


def few_pixels(grey: Grey, _rng: Generator, *, side_px: int) -> Grey:
    """A face of ``side_px`` pixels: averaged down as a sensor does, enlarged again as `crop_grey` enlarges."""
    small = cv2.resize(grey, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return _levels(cv2.resize(small, grey.shape[::-1], interpolation=cv2.INTER_LINEAR))


def blur(grey: Grey, _rng: Generator, *, sigma: float) -> Grey:
    """Out of focus: a Gaussian of ``sigma`` sides."""
    return _levels(cv2.GaussianBlur(grey, (0, 0), sigma * len(grey), borderType=cv2.BORDER_REPLICATE))


def noise(grey: Grey, rng: Generator, *, sigma_levels: float) -> Grey:
    """Read-out noise: Gaussian, the same everywhere, of ``sigma_levels`` of 255."""
    return _levels(grey + rng.normal(0.0, sigma_levels, grey.shape))


def covered(grey: Grey, rng: Generator, *, region: Region, levels: tuple[int, int]) -> Grey:
    """A flat cover of a random level within ``levels`` over ``region``."""
    side = len(grey)
    left, top, right, bottom = (round(part * side) for part in region)
    changed = grey.copy()
    changed[top:bottom, left:right] = rng.integers(*levels, endpoint=True)
    return changed


def turned(grey: Grey, rng: Generator, *, angle_deg: float) -> Grey:
    """Tilted by ``angle_deg`` to a random side about the middle; the edge repeats outwards."""
    middle = (len(grey) - 1) / 2.0
    turn = cv2.getRotationMatrix2D((middle, middle), angle_deg * rng.choice((-1.0, 1.0)), 1.0)
    return _levels(
        cv2.warpAffine(grey, turn, grey.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    )


def infra_red(grey: Grey, rng: Generator, *, lamp: tuple[float, float], sigma: float, sigma_levels: float) -> Grey:
    """The look of a night camera with a lamp beside its lens.

    ``lamp``: skin is bright and even in the near infra-red (a gamma below 1), and the light falls off to a share of
    itself at the corners; the lens focuses elsewhere (``sigma`` sides) and the gain is high (``sigma_levels``).
    """
    side, (gamma, falloff) = len(grey), lamp
    across = (np.arange(side) - (side - 1) / 2.0) / (side / 2.0)
    distance = np.hypot(across[:, None], across[None]) / np.sqrt(2.0)
    lit = (grey / 255.0) ** gamma * (1.0 - (1.0 - falloff) * distance**2)
    soft = cv2.GaussianBlur(lit, (0, 0), sigma * side, borderType=cv2.BORDER_REPLICATE)
    return _levels(255.0 * soft + rng.normal(0.0, sigma_levels, grey.shape))


def _levels(values: NDArray[Any]) -> Grey:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


_PHOTONS_WHITE = 500.0
"""A pixel of a small sensor holds some 5,000 electrons; at a gain of 10, as in a dim room, white is a tenth of that."""

# Name, strength in words, function with the strength. The keys of reports: kept stable.
CORRUPTIONS: tuple[Corruption, ...] = (
    Corruption(
        "low_light",
        "gamma 2.5, gain 0.25 and shot noise, 500 photons at white",
        partial(low_light, gamma=2.5, gain=0.25, photons_white=_PHOTONS_WHITE),
    ),
    Corruption("gamma_2.5", "gamma 2.5 alone", partial(low_light, gamma=2.5, gain=1.0, photons_white=0.0)),
    Corruption(
        "gain_0.25",
        "gain 0.25 and shot noise, 500 photons at white",
        partial(low_light, gamma=1.0, gain=0.25, photons_white=_PHOTONS_WHITE),
    ),
    Corruption("24_px", "a face of 24 x 24 pixels", partial(few_pixels, side_px=24)),
    Corruption("blur", "Gaussian, sigma 1/32 of the side (1.5 px of 48)", partial(blur, sigma=1 / 32)),
    Corruption("noise", "Gaussian, sigma 15 of 255 levels", partial(noise, sigma_levels=15.0)),
    Corruption("eyes_covered", "sunglasses: a dark bar", partial(covered, region=EYES, levels=(0, 50))),
    Corruption("mouth_covered", "a mask, dark to bright", partial(covered, region=MOUTH, levels=(30, 230))),
    Corruption("20_deg", "tilted by 20 degrees", partial(turned, angle_deg=20.0)),
    Corruption(
        "infra_red",
        "gamma 0.6, lamp falling off to 0.4, blur 1/64 of the side, noise 5 levels",
        partial(infra_red, lamp=(0.6, 0.4), sigma=1 / 64, sigma_levels=5.0),
    ),
)


def corrupted(crops: Grey, number: int, *, seed: int) -> Grey:
    """All ``crops`` uint8 (N, S, S) hurt by ``CORRUPTIONS[number]``; each face has its own chance, by its place."""
    made = [CORRUPTIONS[number].apply(crop, np.random.default_rng((seed, number, n))) for n, crop in enumerate(crops)]
    return np.stack(made) if made else crops.copy()
