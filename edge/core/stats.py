"""Durations of the stages of a frame, kept for a while and told as percentiles."""

from __future__ import annotations

from collections import deque

import numpy as np

from edge.data import Latency

_KEPT = 512
"""Durations kept per stage: half a minute at 15 frames a second, and a p95 of 25 values."""


class StageTimes:
    """The newest durations of each stage."""

    def __init__(self) -> None:
        self._by_stage: dict[str, deque[float]] = {}

    def add(self, stage: str, duration_s: float) -> None:
        self._by_stage.setdefault(stage, deque(maxlen=_KEPT)).append(duration_s)

    def latencies(self) -> dict[str, Latency]:
        """p50 and p95 of each stage that was seen, in milliseconds."""
        return {stage: latency(values) for stage, values in self._by_stage.items()}


def latency(durations_s: deque[float] | list[float]) -> Latency:
    """Percentiles of durations in seconds, as milliseconds. Raises ValueError when there are none."""
    if not durations_s:
        raise ValueError("no durations to take percentiles of")
    p50, p95 = np.percentile(np.fromiter(durations_s, dtype=np.float64), [50, 95])
    return Latency(p50_ms=round(float(p50) * 1e3, 3), p95_ms=round(float(p95) * 1e3, 3))
