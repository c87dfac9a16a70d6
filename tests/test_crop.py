"""The square that the emotion network is shown, and probabilities from logits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.crop import crop_from_box, crop_from_landmarks, crop_square
from edge.core.probabilities import apply_prior, softmax
from edge.data import Face
from edge.measure.face_sets import read_photos

# Mean landmarks of FER2013 pictures in parts of the side (tools/fit_crop.py), here on a side of 100 px.
FER_MEAN = np.array([[32.2, 38.4], [67.2, 37.9], [49.4, 58.4], [35.1, 74.4], [64.8, 74.1]])


def test_gives_back_the_whole_picture_for_the_mean_face_of_fer2013():
    x, y, side = crop_from_landmarks(FER_MEAN)
    assert side == pytest.approx(100.0, abs=3.0)
    assert (x + side / 2, y + side / 2) == (pytest.approx(50.0, abs=2.0), pytest.approx(50.0, abs=2.0))


@given(
    factor=st.floats(0.1, 20.0),
    dx=st.floats(-500.0, 500.0),
    dy=st.floats(-500.0, 500.0),
)
def test_moves_and_grows_with_the_face(factor, dx, dy):
    base = np.array(crop_from_landmarks(FER_MEAN))
    moved = np.array(crop_from_landmarks(FER_MEAN * factor + [dx, dy]))
    assert np.allclose(moved, base * factor + [dx, dy, 0.0], atol=1e-6)
    box = np.array(crop_from_box((10.0, 20.0, 60.0, 80.0)))
    scaled = crop_from_box((10.0 * factor + dx, 20.0 * factor + dy, 60.0 * factor, 80.0 * factor))
    assert np.allclose(scaled, box * factor + [dx, dy, 0.0], atol=1e-6)


def test_turned_head_does_not_halve_the_square():
    turned = FER_MEAN.copy()
    turned[:, 0] = 50.0 + (turned[:, 0] - 50.0) * 0.5
    assert crop_from_landmarks(turned)[2] > 0.8 * crop_from_landmarks(FER_MEAN)[2]


def test_takes_the_landmarks_where_there_are_any_and_else_the_box():
    box = (10.0, 10.0, 80.0, 80.0)
    assert crop_square(Face(box, FER_MEAN, 0.9)) == crop_from_landmarks(FER_MEAN)
    assert crop_square(Face(box, None, 0.9)) == crop_from_box(box)


def test_box_rule_agrees_with_the_landmark_rule_on_photographs(shared_data):
    """On photographs that the constants were not fitted on, with YuNet's boxes instead of Haar's: the same place."""
    photos = read_photos(shared_data / "faces" / "faces.csv", identities="held-out").photos[:500]
    squares = np.array([crop_square(photo.face) for photo in photos])
    eyes = np.array([photo.face.landmarks_px[:2].mean(axis=0) for photo in photos])
    place = (eyes - squares[:, :2]) / squares[:, 2:]
    assert np.median(place, axis=0) == pytest.approx([0.5, 0.38], abs=0.03)


@given(st.lists(st.floats(-500.0, 500.0), min_size=7, max_size=7), st.floats(0.05, 10.0))
def test_softmax_stays_on_the_simplex(logits, temperature):
    probs = softmax(logits, temperature=temperature)
    assert probs.dtype == np.float64
    assert np.all(probs >= 0.0)
    assert probs.sum() == pytest.approx(1.0)
    assert probs[int(np.argmax(logits))] == pytest.approx(probs.max())


def test_temperature_above_1_is_less_sure():
    assert softmax([2.0, 0.0], temperature=2.0)[0] < softmax([2.0, 0.0])[0]


def test_no_rows_stay_no_rows():
    assert softmax(np.empty((0, 7))).shape == (0, 7)
    assert apply_prior(np.empty((0, 7)), prior=np.ones(7), power=1.0).shape == (0, 7)


def test_prior_of_power_1_undoes_what_the_network_expects():
    prior = np.array([0.7, 0.2, 0.1])
    assert softmax(apply_prior(np.log(prior), prior=prior, power=1.0)) == pytest.approx([1 / 3] * 3)
    assert apply_prior([1.0, 2.0, 3.0], prior=prior, power=0.0) == pytest.approx([1.0, 2.0, 3.0])


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_refuses_a_temperature_that_is_none(temperature):
    with pytest.raises(ValueError, match="above 0"):
        softmax([1.0, 2.0], temperature=temperature)


def test_refuses_a_prior_of_0():
    with pytest.raises(ValueError, match="above 0"):
        apply_prior([1.0, 2.0], prior=[1.0, 0.0], power=1.0)
