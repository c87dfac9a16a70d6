"""How right a classifier is. Pure: numpy arrays in, numbers out.

Truths are class indices; predictions are indices into EMOTIONS. Rates are None where there is nothing to divide by, so
that an empty set never looks like a bad one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.data import EMOTIONS, Floats

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

VOTE_COLUMNS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "not_face",
)  # fmt: skip
"""Columns of FER+'s votes in the published order (Barsoum et al. 2016). The first eight are emotions."""
FERPLUS_CLASSES = (*EMOTIONS, "contempt")
"""Truths in FER+: the seven emotions and contempt, which a seven-class answer can only get wrong."""

_CLASS_OF_COLUMN = np.array([6, 3, 5, 4, 0, 1, 2, 7], dtype=np.int64)  # index into FERPLUS_CLASSES, by vote column
_EMOTION_COLUMNS = len(_CLASS_OF_COLUMN)


def ferplus_top(votes: Ints) -> tuple[Ints, Mask]:
    """Truth by the top vote, ties to the first column, from ``votes`` (N, 10).

    Returns the truth (N,) as index into FERPLUS_CLASSES and which rows (N,) have an emotion on top; elsewhere the
    truth is -1. A row without any vote has none.
    """
    return _truth(votes, votes.sum(axis=1) > 0)


def ferplus_majority(votes: Ints) -> tuple[Ints, Mask]:
    """As ``ferplus_top``, for rows whose top vote holds more than half of all votes."""
    return _truth(votes, 2 * votes.max(axis=1, initial=0) > votes.sum(axis=1))


def ferplus_standard(votes: Ints) -> tuple[Ints, Mask]:
    """As ``ferplus_majority`` after single votes were set to 0: the protocol published with FER+."""
    return ferplus_majority(np.where(votes == 1, 0, votes))


def _truth(votes: Ints, keep: Mask) -> tuple[Ints, Mask]:
    top = votes.argmax(axis=1)
    kept = keep & (top < _EMOTION_COLUMNS)
    return np.where(kept, _CLASS_OF_COLUMN[np.minimum(top, _EMOTION_COLUMNS - 1)], -1), kept


def accuracy(truth: Ints, predicted: Ints) -> float | None:
    """Share of ``predicted`` (N,) equal to ``truth`` (N,); None for N = 0."""
    return float(np.mean(truth == predicted)) if len(truth) else None


def confusion(truth: Ints, predicted: Ints, *, truths: int, answers: int) -> Ints:
    """Counts (truths, answers): row is the truth, column the answer."""
    flat = np.bincount(truth * answers + predicted, minlength=truths * answers)
    return flat.astype(np.int64).reshape(truths, answers)


@dataclass(frozen=True, slots=True)
class ClassRates:
    """``recall`` over the ``n`` faces of the class; ``precision`` over the answers that named it."""

    recall: float | None
    precision: float | None
    n: int


def class_rates(counts: Ints) -> list[ClassRates]:
    """One entry for each answer of ``counts`` (T, A), T >= A; the first A truths are the answers' own classes."""
    rates = []
    for k in range(counts.shape[1]):
        hits, n, named = int(counts[k, k]), int(counts[k].sum()), int(counts[:, k].sum())
        rates.append(ClassRates(hits / n if n else None, hits / named if named else None, n))
    return rates


def macro_recall(rates: Sequence[ClassRates], *, min_n: int = 1) -> float | None:
    """Mean recall of the classes with at least ``min_n`` faces; None when there is no such class."""
    recalls = [rate.recall for rate in rates if rate.recall is not None and rate.n >= min_n]
    return float(np.mean(recalls)) if recalls else None


@dataclass(frozen=True, slots=True)
class PeopleRates:
    """Of one class: its ``n`` people, the share ``most`` of its faces that one of them has, and ``recall``.

    ``recall`` is the mean over people of the share of their faces that is right: each counts once, however often seen.
    """

    n: int
    most: float | None
    recall: float | None


def people_rates(truth: Ints, predicted: Ints, people: Ints, *, classes: int) -> list[PeopleRates]:
    """One entry for each of ``classes``, from ``truth``, ``predicted`` and who is seen, ``people``: (N,) each."""
    rates = []
    for k in range(classes):
        chosen = truth == k
        _, seen, counts = np.unique(people[chosen], return_inverse=True, return_counts=True)
        right = np.bincount(seen, weights=predicted[chosen] == k, minlength=len(counts))
        known = len(counts) > 0
        most, recall = (float(counts.max() / counts.sum()), float(np.mean(right / counts))) if known else (None, None)
        rates.append(PeopleRates(len(counts), most, recall))
    return rates


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Answers whose confidence lies in ``(low, high]``: ``n`` of them, mean ``confidence``, ``accuracy``."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def calibration(confidence: Floats, correct: Mask, *, bins: int = 15) -> list[CalibrationBin]:
    """Equally wide bins over 0-1 of ``confidence`` (N,) and ``correct`` (N,); empty bins hold zeros."""
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    table = []
    for k in range(bins):
        inside = index == k
        n = int(inside.sum())
        mean_confidence = float(confidence[inside].mean()) if n else 0.0
        share = float(correct[inside].mean()) if n else 0.0
        table.append(CalibrationBin(k / bins, (k + 1) / bins, n, mean_confidence, share))
    return table


def expected_calibration_error(table: Sequence[CalibrationBin]) -> float | None:
    """Mean gap between confidence and accuracy, weighted by the bins' counts (Guo et al. 2017); None for no answers."""
    total = sum(b.n for b in table)
    if not total:
        return None
    return sum(b.n * abs(b.confidence - b.accuracy) for b in table) / total


def risk_coverage(confidence: Floats, correct: Mask) -> Floats:
    """(N, 2): coverage and accuracy when only the 1, 2, ... N most confident answers are given.

    El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification". ``confidence`` (N,), ties in
    the order of the rows; ``correct`` (N,).
    """
    order = np.argsort(-confidence, kind="stable")
    answered = np.arange(1, len(order) + 1)
    return np.column_stack([answered / max(len(order), 1), np.cumsum(correct[order]) / answered])


def accuracy_at(curve: Floats, coverage: float) -> float | None:
    """Accuracy of ``risk_coverage`` where at least ``coverage`` (0-1) of the rows are answered; None without rows."""
    reached = curve[curve[:, 0] >= coverage - 1e-12]
    return float(reached[0, 1]) if len(reached) else None
