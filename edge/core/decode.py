"""From the raw outputs of an anchor-free face detector to boxes, and non-maximum suppression. Vectorised numpy.

Each stride gives a logit and 14 numbers a cell: distances from the cell's middle to left, top, right and bottom, then
five points x, y, all in strides (as FCOS, Tian et al. 2019). Outputs may be int8; only cells above the threshold are
turned into real numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.data import Floats

GEOMETRY = 14
"""Numbers of a cell beside its logit."""
_LEAST_SCORE = 1e-6
"""A score of exactly 0 or 1 has no logit."""
_MOST = 300
"""Best cells that go on to suppression: about nine cells answer for each face."""


@dataclass(frozen=True, slots=True)
class Level:
    """The outputs at one stride: ``logits`` (h, w) and ``geometry`` (h, w, 14), int8 or float.

    Real value = scale * (stored value - zero).
    """

    stride: int
    logits: NDArray[Any]
    geometry: NDArray[Any]
    logit_scale: float = 1.0
    logit_zero: int = 0
    geometry_scale: float = 1.0
    geometry_zero: int = 0


@dataclass(frozen=True, slots=True)
class Detections:
    """Best first: ``boxes_xywh`` (N, 4), ``landmarks`` (N, 5, 2), ``scores`` (N,), float64, in the network's pixels."""

    boxes_xywh: Floats
    landmarks: Floats
    scores: Floats


def decode(levels: Sequence[Level], *, score_min: float, logit_shift: float = 0.0, iou_max: float = 0.4) -> Detections:
    """Faces with a score of at least ``score_min``, 0-1; of two that overlap by more than ``iou_max`` the better stays.

    The score is the logistic function of the logit less ``logit_shift``. Nothing found: arrays of length 0.
    """
    score_min = min(max(score_min, _LEAST_SCORE), 1.0 - _LEAST_SCORE)
    logit_min = math.log(score_min / (1.0 - score_min)) + logit_shift
    parts = [_cells(level, logit_min) for level in levels]
    scores, distances, middles = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(-scores, kind="stable")[:_MOST]
    scores, distances, middles = scores[order], distances[order], middles[order]
    low, high = middles - distances[:, :2], middles + distances[:, 2:4]
    boxes = np.concatenate([low, high - low], axis=1)
    kept = suppress(boxes, iou_max=iou_max)
    kept = kept[(boxes[kept, 2:] > 0.0).all(axis=1)]
    landmarks = distances[kept, 4:].reshape(-1, 5, 2) + middles[kept, None]
    return Detections(boxes[kept], landmarks, 1.0 / (1.0 + np.exp(logit_shift - scores[kept])))


def _cells(level: Level, logit_min: float) -> tuple[Floats, Floats, Floats]:
    """Logits (N,), geometry in pixels (N, 14) and middles (N, 2) of the cells with at least ``logit_min``."""
    raw = level.logits.reshape(-1)
    width = level.logits.shape[1]
    least = logit_min / level.logit_scale + level.logit_zero
    (found,) = np.nonzero(raw >= least)
    logits = (raw[found].astype(np.float64) - level.logit_zero) * level.logit_scale
    geometry = level.geometry.reshape(-1, GEOMETRY)[found].astype(np.float64) - level.geometry_zero
    middles = (np.stack([found % width, found // width], axis=1) + 0.5) * level.stride
    return logits, geometry * (level.geometry_scale * level.stride), middles


def suppress(boxes_xywh: Floats, *, iou_max: float) -> NDArray[np.int64]:
    """Rows to keep of boxes (N, 4) that come best first: greedy non-maximum suppression."""
    overlap = pairwise_iou(boxes_xywh, boxes_xywh) > iou_max
    gone = np.zeros(len(boxes_xywh), np.bool_)
    kept = []
    for row in range(len(boxes_xywh)):
        if not gone[row]:
            kept.append(row)
            gone |= overlap[row]
    return np.array(kept, np.int64)


def pairwise_iou(a_xywh: Floats, b_xywh: Floats) -> Floats:
    """Intersection over union (N, M) of boxes (N, 4) with boxes (M, 4); boxes without area meet nothing."""
    low = np.maximum(a_xywh[:, None, :2], b_xywh[None, :, :2])
    high = np.minimum(a_xywh[:, None, :2] + a_xywh[:, None, 2:], b_xywh[None, :, :2] + b_xywh[None, :, 2:])
    both = np.prod(np.clip(high - low, 0.0, None), axis=2)
    areas = np.prod(np.clip(a_xywh[:, 2:], 0.0, None), axis=1), np.prod(np.clip(b_xywh[:, 2:], 0.0, None), axis=1)
    union = areas[0][:, None] + areas[1][None] - both
    return np.asarray(both / np.maximum(union, 1e-9), np.float64)
