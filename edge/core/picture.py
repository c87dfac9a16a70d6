"""Two figures that say whether a camera sees well: brightness and sharpness. No pixel leaves these functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.data import Image

_GREY_BGR = np.array([0.114, 0.587, 0.299], np.float32)
"""Weights of ITU-R BT.601."""
DARK, BRIGHT = 0.08, 0.92
"""Outside these a face shows too few grey levels to be read: a lens cap, a lamp in the picture, a night."""
BLURRED = 2.0
"""Below this there is no edge at all in the picture: the noise of a sensor alone gives about as much."""


@dataclass(frozen=True, slots=True)
class PictureQuality:
    """Of one picture."""

    brightness: float
    """Mean grey, 0 (black) to 1 (white)."""
    sharpness: float
    """Variance of the Laplacian of the grey levels 0-255 (Pech-Pacheco et al. 2000). Depends on what is in view, so
    compare it only with itself: the lens is focused where it is highest."""


def quality(image: Image) -> PictureQuality:
    """Of ``image``, uint8 ``(H, W, 3)`` BGR of at least 3 x 3 pixels. Raises ValueError for another shape or dtype."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 3:
        raise ValueError(f"expected uint8 (H, W, 3) of at least 3 x 3 pixels, got {image.dtype} {image.shape}")
    grey = image.astype(np.float32) @ _GREY_BGR
    middle = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4.0 * middle
    return PictureQuality(float(grey.mean()) / 255.0, float(laplacian.var()))


def complaint(found: PictureQuality) -> str:
    """What is wrong with the picture and what to do, or nothing."""
    if found.brightness < DARK:
        return "too dark: take the cap off the lens, switch on the light"
    if found.brightness > BRIGHT:
        return "too bright: turn the camera away from lamps and windows"
    if found.sharpness < BLURRED:
        return "blurred: take the film off the lens and turn it until the sharpness is highest (moodcast aim)"
    return ""
