"""``moodcast evaluate``: how right the emotion network is on a labelled set. One forward pass, no flip.

The docstrings of `edge.measure.metrics` define the figures; the keys of the reports are kept stable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.data import EMOTIONS, Face, Floats, Image
from edge.errors import InputError
from edge.measure import metrics
from edge.measure.face_sets import PhotoSet, VoteSet, read_photos, read_votes, split_files
from edge.measure.media import read_picture
from edge.measure.metrics import CalibrationBin, Ints

MIN_FACES_PER_CLASS = 25
"""Classes with fewer photographs stay out of ``macro_recall`` of ``faces.csv``: at 25 faces one face is 4 points."""
_BATCH = 256
Progress = Callable[[int, int], None]
"""Told ``(done, total)`` faces from time to time."""


class Classifier(Protocol):
    """What is measured: the emotion classifier of the service."""

    def classify(self, image_bgr: Image, faces: Sequence[Face], /) -> Floats: ...

    def classify_crops(self, crops: NDArray[np.uint8], /) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``report`` is what ``--json`` prints; ``problems`` has a line for each row left out; the rest is for plots.

    ``counts`` is int (T, 7): row ``truths[t]``, column EMOTIONS.
    """

    report: dict[str, Any]
    problems: list[str]
    truths: tuple[str, ...]
    counts: Ints
    bins: list[CalibrationBin]


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
    if not folder.is_dir():
        raise InputError(f"{folder}: {'is not a' if folder.exists() else 'no such'} folder; name the folder of a set")
    if (folder / "faces.csv").is_file():
        photos = read_photos(folder / "faces.csv", identities=identities)
        return _on_photos(photos, classifier, folder / "faces.csv", on_progress)
    if (folder / "boxes.csv").is_file():
        raise InputError(f"{folder}: holds boxes.csv, a set for face detection; this version measures emotions only")
    tables = split_files(folder, split)
    if not tables:
        raise InputError(f"{folder}: holds neither faces.csv nor tables of FER+ votes (*.csv beside *.webp sheets)")
    return _on_votes(read_votes(tables), classifier, on_progress)


def _on_votes(data: VoteSet, classifier: Classifier, on_progress: Progress | None) -> Evaluation:
    if not len(data.crops):
        raise InputError("\n".join([*data.problems, f"{', '.join(data.files)}: no row that can be used"]))
    probs = np.zeros((len(data.crops), len(EMOTIONS)))
    for start in range(0, len(probs), _BATCH):
        probs[start : start + _BATCH] = classifier.classify_crops(data.crops[start : start + _BATCH])
        if on_progress is not None:
            on_progress(min(start + _BATCH, len(probs)), len(probs))
    predicted, confidence = probs.argmax(axis=1), probs.max(axis=1)
    truth, top = metrics.ferplus_top(data.votes)
    majority_truth, majority = metrics.ferplus_majority(data.votes)
    standard_truth, standard = metrics.ferplus_standard(data.votes)
    known = data.fer2013 >= 0
    counts = metrics.confusion(truth[top], predicted[top], truths=len(metrics.FERPLUS_CLASSES), answers=len(EMOTIONS))
    rates = metrics.class_rates(counts)
    bins = metrics.calibration(confidence[top], (truth == predicted)[top])
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
        **_classes(rates, counts, metrics.FERPLUS_CLASSES),
        "files": data.files,
        "problems": len(data.problems),
    }
    return Evaluation(_rounded(report), data.problems, metrics.FERPLUS_CLASSES, counts, bins)


def _on_photos(data: PhotoSet, classifier: Classifier, table: Path, on_progress: Progress | None) -> Evaluation:
    problems = list(data.problems)
    truth: list[int] = []
    rows: list[Floats] = []
    for done, photo in enumerate(data.photos, start=1):
        try:
            image = read_picture(photo.path)
        except InputError as error:
            problems.append(f"{photo.place}: {error}")
            continue
        rows.append(classifier.classify(image, [photo.face])[0])
        truth.append(photo.label)
        if on_progress is not None and done % _BATCH == 0:
            on_progress(done, len(data.photos))
    if not rows:
        raise InputError("\n".join([*problems, f"{table}: no row that can be used"]))
    probs, labels = np.stack(rows), np.array(truth, np.int64)
    predicted = probs.argmax(axis=1)
    counts = metrics.confusion(labels, predicted, truths=len(EMOTIONS), answers=len(EMOTIONS))
    rates = metrics.class_rates(counts)
    bins = metrics.calibration(probs.max(axis=1), labels == predicted)
    report = {
        "n": len(labels),
        "accuracy": metrics.accuracy(labels, predicted),
        "macro_recall": metrics.macro_recall(rates, min_n=MIN_FACES_PER_CLASS),
        "ece": metrics.expected_calibration_error(bins),
        **_classes(rates, counts, EMOTIONS),
        "files": [str(table)],
        "skipped": data.skipped,
        "problems": len(problems),
    }
    return Evaluation(_rounded(report), problems, EMOTIONS, counts, bins)


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


def _rounded(value: Any) -> Any:
    """Rates to 4 decimals: a set of ten thousand faces tells no more."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value
