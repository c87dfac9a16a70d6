"""From raw outputs to boxes: by hand, in float and int8, and the properties of the suppression."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.core.decode import GEOMETRY, Level, decode, pairwise_iou, suppress


def empty(height: int, width: int, stride: int) -> Level:
    return Level(stride, np.full((height, width), -10.0), np.zeros((height, width, GEOMETRY)))


def with_face(stride: int = 8, *, row: int = 2, column: int = 5, logit: float = 2.0) -> Level:
    """A face 2 strides to the left, 1 up, 3 right, 4 down of a cell's middle; all points 1 right, half a stride up."""
    level = empty(6, 8, stride)
    level.logits[row, column] = logit
    level.geometry[row, column, :4] = 2.0, 1.0, 3.0, 4.0
    level.geometry[row, column, 4:] = np.tile([1.0, -0.5], 5)
    return level


def test_a_cell_by_hand():
    found = decode([with_face()], score_min=0.5)
    x, y = 5.5 * 8, 2.5 * 8
    np.testing.assert_allclose(found.boxes_xywh, [[x - 16, y - 8, 40, 40]])
    np.testing.assert_allclose(found.landmarks, np.tile([[x + 8, y - 4]], (1, 5, 1)))
    np.testing.assert_allclose(found.scores, [1 / (1 + math.exp(-2))])


def test_strides_are_put_together_best_first():
    found = decode([with_face(8, logit=1.0), with_face(16, logit=3.0), empty(2, 2, 32)], score_min=0.5)
    assert found.boxes_xywh[:, 2].tolist() == [80.0, 40.0]
    assert found.scores[0] > found.scores[1]


def test_nothing_found_keeps_its_shape():
    found = decode([empty(6, 8, 8), empty(3, 4, 16)], score_min=0.5)
    assert (found.boxes_xywh.shape, found.landmarks.shape, found.scores.shape) == ((0, 4), (0, 5, 2), (0,))


@pytest.mark.parametrize(("score_min", "count"), [(0.0, 48), (0.87, 1), (0.89, 0), (1.0, 0)])
def test_threshold_is_a_score_also_at_its_ends(score_min, count):
    """The logistic function of 2 is 0.8808; a threshold of 0 lets every cell with an area through."""
    level = with_face()
    level.geometry[..., :4] = np.maximum(level.geometry[..., :4], 0.1)
    assert len(decode([level], score_min=score_min).scores) == count


def test_shift_moves_score_and_threshold_alike():
    level = with_face(logit=-1.0)
    assert len(decode([level], score_min=0.7).scores) == 0
    (score,) = decode([level], score_min=0.7, logit_shift=-2.0).scores
    assert score == pytest.approx(1 / (1 + math.exp(-1.0)))


def test_int8_gives_what_its_scales_say():
    real = with_face()
    stored = Level(
        stride=8,
        logits=np.clip(np.round(real.logits / 0.1) + 20, -128, 127).astype(np.int8),
        geometry=(np.round(real.geometry / 0.05) - 7).astype(np.int8),
        logit_scale=0.1,
        logit_zero=20,
        geometry_scale=0.05,
        geometry_zero=-7,
    )
    one, other = decode([real], score_min=0.5), decode([stored], score_min=0.5)
    np.testing.assert_allclose(one.boxes_xywh, other.boxes_xywh, atol=1e-9)
    np.testing.assert_allclose(one.landmarks, other.landmarks, atol=1e-9)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-9)


def test_boxes_without_area_are_dropped():
    level = with_face()
    level.geometry[2, 5, :4] = -1.0
    assert len(decode([level], score_min=0.5).scores) == 0


def test_of_two_on_one_face_the_better_stays():
    level = with_face(logit=1.0)
    level.logits[2, 6] = 3.0
    level.geometry[2, 6] = level.geometry[2, 5] + np.array([1, 0, -1, 0, *[-1, 0] * 5])  # the same box
    found = decode([level], score_min=0.5)
    assert found.scores == pytest.approx([1 / (1 + math.exp(-3))])


def test_iou_by_hand():
    a = np.array([[0, 0, 10, 10], [0, 0, 0, 10.0]])
    b = np.array([[5, 0, 10, 10], [0, 0, 10, 10], [20, 20, 5, 5.0]])
    np.testing.assert_allclose(pairwise_iou(a, b), [[1 / 3, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert pairwise_iou(a, np.zeros((0, 4))).shape == (2, 0)


boxes = hnp.arrays(np.float64, st.tuples(st.integers(0, 12), st.just(4)), elements=st.floats(0.5, 40.0, width=32))


@settings(max_examples=60, deadline=None)
@given(boxes, st.floats(0.1, 0.9))
def test_suppression_keeps_none_that_overlap_and_drops_none_without_reason(rows, iou_max):
    kept = suppress(rows, iou_max=iou_max)
    overlap = pairwise_iou(rows, rows)
    assert (np.diff(kept) > 0).all()
    for n, row in enumerate(kept):
        assert (overlap[row, kept[:n]] <= iou_max).all()
    for row in set(range(len(rows))) - set(kept.tolist()):
        assert (overlap[row, kept[kept < row]] > iou_max).any()
