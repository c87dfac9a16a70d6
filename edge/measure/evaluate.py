"""``moodcast evaluate``: how right the emotion network is on a labelled set. One pass of the file a face.

The docstrings of `edge.measure.metrics` define the figures; the keys of the reports are kept stable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from edge.data import EMOTIONS, Floats, Readings
from edge.measure import metrics
from edge.measure.face_sets import SIDE, VoteSet
from edge.measure.labelled import Labelled, PhotoCrops, main_truth, read_labelled
from edge.measure.metrics import CalibrationBin, Ints

MIN_FACES_PER_CLASS = 25
"""Classes with fewer photographs stay out of ``macro_recall`` of ``faces.csv``: at 25 faces one face is 4 points."""
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.5)
"""Shares of the faces that are answered, for ``selective``."""
_BATCH = 256
Progress = Callable[[int, int], None]
"""Told ``(done, total)`` faces from time to time."""


class Classifier(Protocol):
    """What is measured: the emotion classifier of the service."""

    def classify_crops(self, crops: NDArray[np.uint8], /) -> Floats: ...


@runtime_checkable
class Reader(Protocol):
    """A classifier that also says which faces are usable."""

    def read_crops(self, crops: NDArray[np.uint8], /) -> Readings: ...


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``report`` is what ``--json`` prints; ``problems`` has a line for each row left out; the rest is for plots.

    ``counts`` is int (T, 7): row ``truths[t]``, column EMOTIONS; ``selective`` is `metrics.risk_coverage`; ``probs``
    (N, 7) are all answers.
    """

    report: dict[str, Any]
    problems: list[str]
    truths: tuple[str, ...]
    counts: Ints
    bins: list[CalibrationBin]
    selective: Floats
    probs: Floats


def evaluate(
    folder: Path,
    classifier: Classifier,
    *,
    split: str | None = None,
    identities: str = "all",
    on_progress: Progress | None = None,
) -> Evaluation:
    """Measure ``classifier`` on the set in ``folder``; its format says what is measured.

    ``split`` chooses a table of votes, ``identities`` (all, held-out, training) the people of ``faces.csv``.
    Raises InputError when there is nothing to measure.
    """
    data = read_labelled(folder, side_px=side_of(classifier), split=split, identities=identities)
    return judge(data, probabilities(classifier, data.crops, on_progress))


def side_of(classifier: object) -> int:
    """Side in px of the faces that a classifier takes; FER2013's where it does not say."""
    return int(getattr(classifier, "side_px", SIDE))


def probabilities(classifier: Classifier, crops: NDArray[np.uint8], on_progress: Progress | None = None) -> Floats:
    """What ``classifier`` answers to ``crops`` uint8 (N, side, side): float64 (N, 7)."""
    return readings(classifier, crops, on_progress).probs


def readings(classifier: Classifier, crops: NDArray[np.uint8], on_progress: Progress | None = None) -> Readings:
    """What ``classifier`` finds in ``crops`` uint8 (N, side, side); all usable where it does not say."""
    found = Readings(np.zeros((len(crops), len(EMOTIONS))), np.ones(len(crops)))
    for start in range(0, len(crops), _BATCH):
        part = slice(start, start + _BATCH)
        if isinstance(classifier, Reader):
            read = classifier.read_crops(crops[part])
            found.probs[part], found.usable[part] = read.probs, read.usable
        else:
            found.probs[part] = classifier.classify_crops(crops[part])
        if on_progress is not None:
            on_progress(min(start + _BATCH, len(crops)), len(crops))
    return found


def judge(data: Labelled, probs: Floats) -> Evaluation:
    """The figures of answers ``probs`` (N, 7) to the faces of ``data``."""
    return _on_votes(data, probs) if isinstance(data, VoteSet) else _on_photos(data, probs)


def leading(data: Labelled) -> str:
    """Key of the figure that leads in a report about ``data``."""
    return "ferplus_all" if isinstance(data, VoteSet) else "accuracy"


def _on_votes(data: VoteSet, probs: Floats) -> Evaluation:
    predicted, confidence = probs.argmax(axis=1), probs.max(axis=1)
    truth, top = main_truth(data)
    majority_truth, majority = metrics.ferplus_majority(data.votes)
    standard_truth, standard = metrics.ferplus_standard(data.votes)
    known = data.fer2013 >= 0
    counts = metrics.confusion(truth[top], predicted[top], truths=len(metrics.FERPLUS_CLASSES), answers=len(EMOTIONS))
    rates = metrics.class_rates(counts)
    bins = metrics.calibration(confidence[top], (truth == predicted)[top])
    selective = metrics.risk_coverage(confidence[top], (truth == predicted)[top])
    report = {
        "n": len(probs),
        "ferplus_all": metrics.accuracy(truth[top], predicted[top]),
        "ferplus_majority": metrics.accuracy(majority_truth[majority], predicted[majority]),
        "ferplus_standard": metrics.accuracy(standard_truth[standard], predicted[standard]),
        "fer2013": metrics.accuracy(data.fer2013[known], predicted[known]),
        "ece": metrics.expected_calibration_error(bins),
        "macro_recall": metrics.macro_recall(rates),
        "n_ferplus_all": int(top.sum()),
        "n_ferplus_majority": int(majority.sum()),
        "n_ferplus_standard": int(standard.sum()),
        "n_fer2013": int(known.sum()),
        "selective": _selective(selective),
        **_classes(rates, counts, metrics.FERPLUS_CLASSES),
        "files": data.files,
        "problems": len(data.problems),
    }
    return Evaluation(rounded(report), data.problems, metrics.FERPLUS_CLASSES, counts, bins, selective, probs)


def _on_photos(data: PhotoCrops, probs: Floats) -> Evaluation:
    labels = data.labels
    predicted = probs.argmax(axis=1)
    counts = metrics.confusion(labels, predicted, truths=len(EMOTIONS), answers=len(EMOTIONS))
    rates = metrics.class_rates(counts)
    bins = metrics.calibration(probs.max(axis=1), labels == predicted)
    selective = metrics.risk_coverage(probs.max(axis=1), labels == predicted)
    report = {
        "n": len(labels),
        "accuracy": metrics.accuracy(labels, predicted),
        "macro_recall": metrics.macro_recall(rates, min_n=MIN_FACES_PER_CLASS),
        "ece": metrics.expected_calibration_error(bins),
        "selective": _selective(selective),
        **_classes(rates, counts, EMOTIONS),
        "by_person": _by_person(data, predicted, rates),
        "files": data.files,
        "skipped": data.skipped,
        "problems": len(data.problems),
    }
    return Evaluation(rounded(report), data.problems, EMOTIONS, counts, bins, selective, probs)


def _by_person(data: PhotoCrops, predicted: Ints, rates: list[metrics.ClassRates]) -> dict[str, Any]:
    """By emotion how many people its photographs show, and recall when each person counts once.

    Few photographs of an emotion often are many of one person. ``macro_recall`` is of the classes of the report's.
    """
    people = metrics.people_rates(data.labels, predicted, data.people, classes=len(EMOTIONS))
    recalls = [found.recall for found, rate in zip(people, rates, strict=True) if rate.n >= MIN_FACES_PER_CLASS]
    return {
        "macro_recall": float(np.mean([recall for recall in recalls if recall is not None])) if recalls else None,
        "per_class": {
            emotion: {"people": found.n, "most_of_one": found.most, "recall": found.recall}
            for emotion, found in zip(EMOTIONS, people, strict=True)
        },
    }


def _selective(curve: Floats) -> dict[str, float | None]:
    """Accuracy of the most confident, by the share that is answered."""
    return {f"coverage_{share:g}": metrics.accuracy_at(curve, share) for share in COVERAGES}


def _classes(rates: list[metrics.ClassRates], counts: Ints, truths: Sequence[str]) -> dict[str, Any]:
    """``per_class`` by emotion and ``confusion[truth][answer]``."""
    return {
        "per_class": {
            emotion: {"recall": rate.recall, "precision": rate.precision, "n": rate.n}
            for emotion, rate in zip(EMOTIONS, rates, strict=True)
        },
        "confusion": {
            truth: dict(zip(EMOTIONS, (int(count) for count in row), strict=True))
            for truth, row in zip(truths, counts, strict=True)
        },
    }


def rounded(value: Any) -> Any:
    """Rates to 4 decimals: a set of ten thousand faces tells no more."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value
