"""How well a label over time follows the truth of a sequence: flips, delay, accuracy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from mood_sequences import MoodSequence
from numpy.typing import NDArray

from edge.data import EMOTIONS

UNSURE = -1
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(slots=True)
class Score:
    """Sums over sequences. A delay is infinite where the emotion was not told before the next one came."""

    minutes: float = 0.0
    flips: int = 0
    right_s: float = 0.0
    unsure_s: float = 0.0
    brier_s: float = 0.0
    delays_s: list[float] = field(default_factory=list)

    def row(self) -> dict[str, float | None]:
        """The figures of a table; a percentile that is infinite is None."""
        delays = np.array(self.delays_s or [math.nan])
        found = delays[np.isfinite(delays)]
        p50, p95 = (float(np.quantile(delays, q, method="higher")) for q in (0.5, 0.95))
        return {
            "flips_a_minute": round(self.flips / self.minutes, 2),
            "delay_p50_s": round(p50, 2) if math.isfinite(p50) else None,
            "delay_p95_s": round(p95, 2) if math.isfinite(p95) else None,
            "told_delay_p95_s": round(float(np.quantile(found, 0.95)), 2) if len(found) else None,
            "missed": round(1.0 - len(found) / len(delays), 3),
            "accuracy": round(self.right_s / self.minutes / 60, 3),
            "unsure": round(self.unsure_s / self.minutes / 60, 3),
            "brier": round(self.brier_s / self.minutes / 60, 3),
        }


def add(score: Score, sequence: MoodSequence, labels: Ints, probs: Floats, readable: list[bool]) -> None:
    """Adds one sequence. ``labels`` (T,) index into EMOTIONS or UNSURE and ``probs`` (T, 7), of frames seen, hold
    until the next. ``readable``: for each stretch whether its delay counts."""
    t_s = sequence.t_s[sequence.seen]
    lasts_s = np.diff(np.append(t_s, sequence.duration_s))
    truth = sequence.truth()[sequence.seen]
    score.minutes += float(lasts_s.sum()) / 60
    score.right_s += float(lasts_s[labels == truth].sum())
    score.unsure_s += float(lasts_s[labels == UNSURE].sum())
    wrong = probs - np.eye(len(EMOTIONS))[truth]
    score.brier_s += float(lasts_s @ (wrong * wrong).sum(axis=1))
    changed = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    score.flips += len(changed) + int(labels[0] != UNSURE)
    ends = [begin_s for begin_s, _ in sequence.changes[1:]] + [sequence.duration_s]
    for k, ((begin_s, emotion), end_s) in enumerate(zip(sequence.changes, ends, strict=True)):
        inside = np.flatnonzero((t_s >= begin_s) & (t_s < end_s) & (labels == emotion))
        already = k > 0 and (before := np.flatnonzero(t_s < begin_s)).size > 0 and labels[before[-1]] == emotion
        if len(inside) and not already:
            score.flips -= 1
        if k > 0 and readable[k] and not already:
            score.delays_s.append(float(t_s[inside[0]]) - begin_s if len(inside) else math.inf)


def readable(sequence: MoodSequence) -> list[bool]:
    """For each stretch: is the mean of all its readings, at the full rate, on its emotion?"""
    ends = [begin_s for begin_s, _ in sequence.changes[1:]] + [sequence.duration_s]
    return [
        int(sequence.probs[(sequence.t_s >= begin_s + fade_s) & (sequence.t_s < end_s)].mean(axis=0).argmax())
        == emotion
        for (begin_s, emotion), fade_s, end_s in zip(sequence.changes, sequence.fade_s, ends, strict=True)
    ]
