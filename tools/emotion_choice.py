"""The emotion card's prior power, ceiling, temperature and usable threshold: which are taken, by what chooses."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_data import Grey, Ints

from edge.core.probabilities import apply_prior, softmax
from edge.data import Floats
from edge.measure.metrics import accuracy_at, risk_coverage

ENOUGH_RECALL, LEAST_RECALL = 0.74, 0.5
"""Only choices with at least this macro recall on the own rows, and this recall of the worst emotion, are taken."""
SLACK = 0.001
"""Of these the most accurate; where one is at most so much less accurate, which the own rows can hardly tell, macro
recall counts."""
SURE = 0.8
"""Accuracy counts twice: of all own rows, and of this share of them, the most confident."""
MOST_POWER = 1.5
"""Of the prior, the end of the grid."""
KEEPS, REJECTS = 0.98, 0.98
"""The usable threshold keeps at least this share of the faces of each of the own sets; and it is no higher than needed
to reject this share of the own crops of no face: in bad light a face is less sure, and should still be read."""


def accuracy_and_recall(logits: NDArray[np.float64], truth: Ints) -> tuple[float, float]:
    """Accuracy and macro recall of the largest of ``logits`` (N, 7) against ``truth`` (N,)."""
    return float((logits.argmax(axis=1) == truth).mean()), float(np.mean(recalls(logits, truth)))


def recalls(logits: NDArray[np.float64], truth: Ints) -> list[float]:
    """Recall of each emotion that occurs in ``truth`` (N,), by the largest of ``logits`` (N, 7)."""
    hit = logits.argmax(axis=1) == truth
    return [float(hit[truth == k].mean()) for k in np.unique(truth)]


@dataclass(frozen=True)
class Choice:
    """A prior to take off, and what comes of it on the own rows.

    ``sure`` is the accuracy of the most confident ones, ``least`` the recall of the worst emotion.
    """

    power: float
    ceiling: float
    accuracy: float
    sure: float
    recall: float
    least: float


@dataclass(frozen=True)
class Chooser:
    """What chooses: rows of FER+ and photographs that were not trained on, crops of scenes without and with a face."""

    crops: Grey
    truth: Ints
    photo_crops: Grey
    photo_truth: Ints
    negatives: Grey
    scene_faces: Grey

    def score(self, rows: Floats) -> Choice:
        """What logits (N, 7) are worth on FER+'s rows. The photographs are too few of rare emotions."""
        accuracy, recall = accuracy_and_recall(rows, self.truth)
        probs = softmax(rows, temperature=choose_temperature(rows, self.truth))
        curve = risk_coverage(probs.max(axis=1), probs.argmax(axis=1) == self.truth)
        sure = accuracy_at(curve, SURE)
        assert sure is not None, "there are rows"
        return Choice(0.0, 1.0, accuracy, sure, recall, min(recalls(rows, self.truth)))


def choices(rows: Floats, prior: Floats, chooser: Chooser, ceilings: Sequence[float]) -> list[Choice]:
    """A grid of powers and ceilings."""
    powers = [round(float(power), 2) for power in np.arange(0.0, MOST_POWER + 0.01, 0.05)]
    return [
        replace(
            chooser.score(apply_prior(rows, prior=np.minimum(prior, ceiling), power=power)),
            power=power,
            ceiling=ceiling,
        )
        for ceiling in ceilings
        for power in powers
    ]


def best_choice(found: Sequence[Choice], enough: float) -> Choice:
    """The most accurate of those that know ``enough`` of the emotions, of nearly equals the one that knows most.

    Where none knows enough, the one that knows most of all.
    """
    known = [choice for choice in found if choice.recall >= enough and choice.least >= LEAST_RECALL]
    if not known:
        return max(found, key=lambda choice: choice.recall)
    best = max(choice.accuracy + choice.sure for choice in known)
    near = [choice for choice in known if choice.accuracy + choice.sure >= best - 2 * SLACK]
    return max(near, key=lambda choice: choice.recall)


def choose_temperature(logits: Floats, truth: NDArray[np.int64]) -> float:
    """The temperature with the smallest cross-entropy against the top vote (Guo et al. 2017)."""
    rows = np.arange(len(truth))
    grid = np.arange(0.3, 2.51, 0.01)
    loss = [-np.log(softmax(logits, temperature=t)[rows, truth] + 1e-12).mean() for t in grid]
    return round(float(grid[int(np.argmin(loss))]), 2)


def usable_threshold(faces: Sequence[Floats], none: Floats) -> float:
    """Of usable scores, to four decimals: as low as rejects ``REJECTS`` of ``none`` (M,), and lower where it takes that
    to keep ``KEEPS`` of each of ``faces``, (N,) each."""
    least = [float(np.quantile(scores, 1.0 - KEEPS, method="lower")) for scores in faces]
    highest = min(float(np.quantile(none, REJECTS)), *least)
    rounded = round(highest, 4)
    return rounded if rounded <= highest else round(rounded - 1e-4, 4)
