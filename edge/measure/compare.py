"""Two networks on the same faces, such as the float and the int8 form of one."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge.measure.evaluate import Evaluation, rounded

RATES = ("ferplus_all", "ferplus_majority", "ferplus_standard", "fer2013", "accuracy", "macro_recall", "ece")


def compare(ours: Evaluation, other: Evaluation) -> dict[str, Any]:
    """What ``--json`` says about another network: its own rates, and how ours differs from it.

    ``difference_points``: ours less the other's, in percent points. ``same_answer``: share of the faces.
    ``probs_difference``: mean over faces and emotions of the distance of the probabilities.
    """
    keys = [key for key in RATES if ours.report.get(key) is not None and other.report.get(key) is not None]
    return {
        "report": {
            **{key: other.report[key] for key in keys},
            "selective": other.report["selective"],
            "recall": {emotion: rates["recall"] for emotion, rates in other.report["per_class"].items()},
        },
        "difference_points": {key: round(100.0 * (ours.report[key] - other.report[key]), 2) for key in keys},
        **rounded(
            {
                "same_answer": float((ours.probs.argmax(axis=1) == other.probs.argmax(axis=1)).mean()),
                "probs_difference": float(np.abs(ours.probs - other.probs).mean()),
            }
        ),
    }
