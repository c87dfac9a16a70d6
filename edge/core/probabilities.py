"""Logits to probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from edge.data import Floats


def softmax(logits: ArrayLike, *, temperature: float = 1.0) -> Floats:
    """Probabilities, float64, of ``logits`` ``(..., K)`` over the last axis; each row sums to 1.

    ``temperature`` > 1 makes them less sure (Guo et al. 2017, "On calibration of modern neural networks").
    Raises ValueError unless it is above 0.
    """
    if not temperature > 0.0:
        raise ValueError(f"temperature is {temperature}, expected a number above 0")
    scaled = np.asarray(logits, np.float64) / temperature
    scaled = scaled - scaled.max(axis=-1, keepdims=True, initial=-np.inf)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float64)


def apply_prior(logits: ArrayLike, *, prior: ArrayLike, power: float) -> Floats:
    """Logits ``(..., K)`` less ``power`` times the logarithm of ``prior`` ``(K,)``, float64.

    A network trained on many neutral and few disgusted faces expects the same of the world. Power 1 takes
    that expectation away, 0 leaves it (Menon et al. 2021, "Long-tail learning via logit adjustment").
    Raises ValueError unless every prior is above 0.
    """
    chances = np.asarray(prior, np.float64)
    if not np.all(chances > 0.0):
        raise ValueError(f"prior is {chances.tolist()}, expected only numbers above 0")
    return np.asarray(np.asarray(logits, np.float64) - power * np.log(chances), np.float64)


def sigmoid(logits: ArrayLike) -> Floats:
    """``1 / (1 + exp(-logits))``, float64, of any shape; never overflows."""
    # The identity with tanh needs no exponential of a large number.
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(logits, np.float64))), np.float64)
