"""What each of the corruptions costs on a labelled set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edge.data import EMOTIONS, Image
from edge.measure.corruptions import CORRUPTIONS, Grey, corrupted
from edge.measure.drawing import Row, contact_sheet
from edge.measure.evaluate import Classifier, Evaluation, judge, leading, readings
from edge.measure.labelled import Labelled, main_truth

SEED = 1
_EXAMPLES = 6


def robustness(
    data: Labelled,
    classifier: Classifier,
    clean: Evaluation,
    *,
    usable_min: float = 0.0,
    on_progress: Callable[[str], None] | None = None,
) -> dict[str, dict[str, Any]]:
    """For each corruption: ``what`` was done, ``accuracy`` (the figure that leads) and ``macro_recall`` (0-1),
    ``cost_points``, how many percent points of the accuracy it takes from ``clean``, and ``kept``, the share of the
    faces that still are usable. The first three count all faces, whether usable or not."""
    key, (_, faces) = leading(data), main_truth(data)
    table: dict[str, dict[str, Any]] = {}
    for number, corruption in enumerate(CORRUPTIONS):
        if on_progress is not None:
            on_progress(corruption.name)
        read = readings(classifier, corrupted(data.crops, number, seed=SEED))
        report = judge(data, read.probs).report
        both_known = report[key] is not None and clean.report[key] is not None
        table[corruption.name] = {
            "what": corruption.what,
            "accuracy": report[key],
            "macro_recall": report["macro_recall"],
            "cost_points": round(100.0 * (clean.report[key] - report[key]), 2) if both_known else None,
            "kept": round(float((read.usable[faces] >= usable_min).mean()), 4) if faces.any() else None,
        }
    return table


def example_sheet(data: Labelled, classifier: Classifier) -> Image:
    """uint8 (H, W, 3) BGR: some faces of ``data`` as they are and hurt by each corruption, with the answers."""
    n = len(data.crops)
    crops: Grey = data.crops[np.sort(np.random.default_rng(SEED).choice(n, min(_EXAMPLES, n), replace=False))]
    rows = [_row("as it is", "", crops, classifier)]
    rows += [
        _row(corruption.name, corruption.what, corrupted(crops, number, seed=SEED), classifier)
        for number, corruption in enumerate(CORRUPTIONS)
    ]
    return contact_sheet(rows, title="Corruptions", columns=_EXAMPLES)


def _row(name: str, what: str, crops: Grey, classifier: Classifier) -> Row:
    probs = classifier.classify_crops(crops)
    captions = [f"{EMOTIONS[int(p.argmax())]} {p.max():.0%}" for p in probs]
    words, label = what.split(), [""]
    for word in words:
        label = [*label[:-1], f"{label[-1]} {word}".strip()] if len(label[-1]) < 28 else [*label, word]
    return Row((name, *label), list(crops), captions)
