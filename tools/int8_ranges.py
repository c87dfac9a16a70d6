"""Ranges of a network's tensors for int8: near the ends of what they take over many pictures.

The quantiser's own calibration averages the ends of single pictures with a weight for the latest, about twenty count:
whatever goes beyond the average is cut off (docs/training-tried.md, "The ranges of int8").
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from ai_edge_quantizer import quantizer
from numpy.typing import NDArray

BEYOND = 0.02
"""Share of the pictures that may lie beyond each end: single ones would make the steps of all others coarse. With 0.005
probabilities are a little further from those of float (docs/training-tried.md, "The ranges of int8")."""


def ranges(
    path: str, recipe: Any, fed: Iterable[dict[str, NDArray[np.float32]]], *, beyond: float = BEYOND
) -> dict[str, dict[str, Any]]:
    """For each tensor of the float network at ``path`` its "min" and "max", as ``Quantizer.quantize`` takes them."""
    work = quantizer.Quantizer(path, recipe)
    found = [work.calibrate({"serving_default": [one]}, num_threads=1) for one in fed]
    chosen = {name: dict(of_tensor) for name, of_tensor in found[0].items()}
    for name, of_tensor in chosen.items():
        if "min" in of_tensor:
            for end, share in (("min", beyond), ("max", 1.0 - beyond)):
                values = np.stack([picture[name][end] for picture in found])
                of_tensor[end] = np.quantile(values, share, axis=0).astype(np.float32)
    return chosen
