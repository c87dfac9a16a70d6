"""What finds faces in a picture, and every back end by its name in the configuration."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from edge.data import Face, Image
from edge.errors import ModelError


class FaceFinder(Protocol):
    """Finds the faces of one picture. Not for several threads at a time."""

    def find(self, image: Image, *, scale: float = 1.0) -> list[Face]:
        """The faces in ``image``, uint8 ``(H, W, 3)`` BGR of any size, which is not modified; best score first.

        ``scale``: pixels of the frame for each of ``image``, where that is a smaller copy. The smallest face searched
        for, and what is found, are in pixels of the frame.

        Raises ValueError, naming expected and actual, for another shape or dtype.
        """


@dataclass(frozen=True, kw_only=True)
class FinderSettings:
    """Fields are called as in the section ``faces`` of the configuration file."""

    min_face_px: int = 40
    """Shorter side of the smallest face looked for."""
    score_min: float = 0.7
    haar_neighbours: int = 5
    yunet_file: str | None = None


FINDERS = {
    "haar": "edge.vision.haar",
    "own": "edge.vision.own",
    "yunet": "edge.vision.yunet",
}
"""Name -> module whose ``make(settings)`` returns a FaceFinder. Imported on use."""


def make_finder(
    name: str,
    *,
    min_face_px: int = 40,
    score_min: float = 0.7,
    haar_neighbours: int = 5,
    yunet_file: str | None = None,
) -> FaceFinder:
    """The back end called ``name``. Raises ModelError when its model is missing or broken, or its name unknown."""
    if name not in FINDERS:
        raise ModelError(f"face finder `{name}` is unknown; there are {', '.join(FINDERS)}")
    settings = FinderSettings(
        min_face_px=min_face_px, score_min=score_min, haar_neighbours=haar_neighbours, yunet_file=yunet_file
    )
    return cast(FaceFinder, importlib.import_module(FINDERS[name]).make(settings))


def check_image(image: Image) -> None:
    """Raises ValueError unless ``image`` is uint8 ``(H, W, 3)`` with at least one pixel."""
    if not isinstance(image, np.ndarray):
        raise ValueError(f"expected an array of uint8 (H, W, 3), got {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"expected uint8 (H, W, 3) with H and W of at least 1, got {image.dtype} {image.shape}")
