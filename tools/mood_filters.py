"""The ways of smoothing that tools/evaluate_smoothing.py compares with the shipped one; the service has none of them.

Each has ``step(probs, t_s)``: float (7,) summing to 1, at seconds that do not decrease, gives float (7,) summing to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.data import EMOTIONS

Floats = NDArray[np.float64]
FIRST_READING_S = 0.1
"""As in edge/core/smooth.py."""


@dataclass(frozen=True, slots=True)
class BayesSettings:
    """``rate_hz``: how often an emotion ends. ``evidence_hz``: independent readings a second, at most one a frame of
    ``longest_s``. ``doubt``: part of the readings that say nothing, 0-1. ``pool``: 0 sums the evidence (Bayes with
    independent errors), 1 forgets it at ``evidence_hz`` (the errors of one face stay the same)."""

    rate_hz: float = 0.1
    evidence_hz: float = 4.0
    doubt: float = 0.1
    longest_s: float = 0.3
    pool: float = 0.0


class BayesFilter:
    """The forward algorithm of a hidden Markov process in continuous time over the seven emotions.

    Each emotion ends at ``rate_hz`` and all others are equally likely to follow, so that ``expm(Q dt)`` is
    ``1/7 + (I - 1/7) exp(-7/6 rate dt)`` (eigenvalues 0 and -7/6 rate; Norris 1997, "Markov Chains", section 2.1).
    Frames are not independent: a reading counts to the power of the time it stands for (tempered likelihood).
    """

    def __init__(self, settings: BayesSettings) -> None:
        self._set = settings
        self._log = np.full(len(EMOTIONS), -math.log(len(EMOTIONS)))
        self._last_s: float | None = None

    def step(self, probs: Floats, t_s: float) -> Floats:
        """Predict, then weigh in the reading."""
        s, k = self._set, len(EMOTIONS)
        dt_s = FIRST_READING_S if self._last_s is None else max(t_s - self._last_s, 0.0)
        self._last_s = t_s
        stay = math.exp(-k / (k - 1) * s.rate_hz * dt_s)
        before = np.exp(self._log)
        predicted = stay * before / before.sum() + (1.0 - stay) / k
        weight = min(dt_s, s.longest_s) * s.evidence_hz
        reading = np.log((1.0 - s.doubt) * probs + s.doubt / k)
        keep = math.exp(-s.pool * weight)
        gain = (1.0 - keep) / s.pool if s.pool else weight
        log = keep * np.log(predicted) + gain * reading
        self._log = log - log.max()
        after = np.exp(self._log)
        return np.asarray(after / after.sum(), np.float64)


class Gru:
    """A gated recurrent unit over the logarithm of the readings and of the time since the last (Cho et al. 2014)."""

    def __init__(self, weights: Path | dict[str, Floats]) -> None:
        stored = dict(np.load(weights)) if isinstance(weights, Path) else weights
        self._w = {name: np.asarray(w, np.float64) for name, w in stored.items()}
        self._h = np.zeros(self._w["weight_hh"].shape[1])
        self._last_s: float | None = None

    def step(self, probs: Floats, t_s: float) -> Floats:
        """One step of torch's GRUCell, then a linear layer and softmax."""
        dt_s = FIRST_READING_S if self._last_s is None else max(t_s - self._last_s, 0.0)
        self._last_s = t_s
        w, n = self._w, len(self._h)
        x = np.append(np.log(probs + 1e-3), math.log(max(dt_s, 0.01)))
        a, b = w["weight_ih"] @ x + w["bias_ih"], w["weight_hh"] @ self._h + w["bias_hh"]
        r, z = (1.0 / (1.0 + np.exp(-(a[i : i + n] + b[i : i + n]))) for i in (0, n))
        new = np.tanh(a[2 * n :] + r * b[2 * n :])
        self._h = (1.0 - z) * new + z * self._h
        out = w["out_weight"] @ self._h + w["out_bias"]
        powers = np.exp(out - out.max())
        return np.asarray(powers / powers.sum(), np.float64)
