"""From single readings to a mood: exponential smoothing in seconds, so that the frame rate does not matter."""

from __future__ import annotations

import math

import numpy as np

from edge.core.affect import valence_arousal
from edge.data import EMOTIONS, Floats, Mood

_FIRST_READING_S = 0.1
"""How long the very first reading is taken to have lasted. It has no predecessor to measure from; a tenth of a second
is about one frame of a slow camera."""


def checked(probs: Floats) -> Floats:
    """``probs`` as float64 ``(7,)`` summing to exactly 1 within rounding.

    Raises ValueError when it is not a distribution over the seven emotions.
    """
    p = np.asarray(probs, dtype=np.float64)
    if p.shape != (len(EMOTIONS),):
        raise ValueError(f"probs must have shape ({len(EMOTIONS)},), got {p.shape}")
    total = float(p.sum())
    if not math.isfinite(total) or (p < 0).any() or abs(total - 1.0) > 1e-3:
        raise ValueError(f"probs must be non-negative and sum to 1, got {p.tolist()}")
    return p / total


class Smoother:
    """The smoothed emotion of one track.

    ``p(t) = S(t) / W(t)`` with ``S`` and ``W`` leaky integrals of the readings and of time: an exponential average with
    time constant ``tau_s`` whose start is not biased towards the first reading (the correction of Kingma and Ba, 2015,
    section 3, in continuous time).
    """

    def __init__(self, track_id: int, *, tau_s: float, confidence_min: float) -> None:
        self._track_id = track_id
        self._tau_s = tau_s
        self._confidence_min = confidence_min
        self._sum = np.zeros(len(EMOTIONS))
        self._weight = 0.0
        self._last_s: float | None = None

    def change(self, *, tau_s: float, confidence_min: float) -> None:
        """Other settings from now on; what was read stays."""
        self._tau_s = tau_s
        self._confidence_min = confidence_min

    def update(self, probs: Floats | None, t_s: float, *, usable: bool = False) -> Mood:
        """Takes the reading of ``t_s``: float ``(7,)`` summing to 1, or None when the face was not read; ``usable``
        then says whether it could have been.

        Before any reading all emotions are equally probable. Raises ValueError for what is no distribution.
        """
        if probs is not None:
            gap_s = _FIRST_READING_S if self._last_s is None else max(t_s - self._last_s, 0.0)
            alpha = 1.0 - math.exp(-gap_s / self._tau_s)
            self._sum += alpha * (checked(probs) - self._sum)
            self._weight += alpha * (1.0 - self._weight)
            self._last_s = t_s
        return self._mood(t_s, usable=usable or probs is not None)

    def _mood(self, t_s: float, *, usable: bool) -> Mood:
        known = self._weight > 0
        probs = self._sum / self._sum.sum() if known else np.full(len(EMOTIONS), 1.0 / len(EMOTIONS))
        probs.setflags(write=False)
        confidence = float(probs.max())
        valence, arousal = valence_arousal(probs)
        return Mood(
            track_id=self._track_id,
            probs=probs,
            confidence=confidence,
            abstain=confidence < self._confidence_min,
            usable=usable,
            valence=valence,
            arousal=arousal,
            t_s=t_s,
        )
