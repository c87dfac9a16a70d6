"""Rotation, mirror and region against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.camera.geometry import FittedCamera, fit, region_px
from edge.camera.source import WHOLE
from edge.data import Frame

fractions = st.floats(0.0, 1.0)


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), np.uint8)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    rotation_deg=st.sampled_from([0, 90, 180, 270]),
    mirror=st.booleans(),
    corners=st.tuples(fractions, fractions, fractions, fractions),
)
def test_fit_equals_numpy(height, width, rotation_deg, mirror, corners):
    (x0, x1), (y0, y1) = sorted(corners[:2]), sorted(corners[2:])
    region = (x0, y0, x1 - x0, y1 - y0)
    image = picture(height, width)
    before = image.copy()

    expected = np.rot90(image, -rotation_deg // 90)
    if mirror:
        expected = expected[:, ::-1]
    x, y, w, h = region_px((expected.shape[1], expected.shape[0]), region)
    expected = expected[y : y + h, x : x + w]

    got = fit(image, rotation_deg=rotation_deg, mirror=mirror, region=region)
    np.testing.assert_array_equal(got, expected)
    assert got.flags.c_contiguous
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


@given(size=st.tuples(st.integers(1, 5000), st.integers(1, 5000)), x=fractions, y=fractions, w=fractions, h=fractions)
def test_region_lies_inside_and_is_never_empty(size, x, y, w, h):
    left, top, width, height = region_px(size, (x, y, min(w, 1.0 - x), min(h, 1.0 - y)))
    assert width >= 1
    assert height >= 1
    assert 0 <= left <= left + width <= size[0]
    assert 0 <= top <= top + height <= size[1]


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (WHOLE, (0, 0, 640, 480)),
        ((0.25, 0.5, 0.5, 0.5), (160, 240, 320, 240)),
        ((0.9999, 0.0, 0.0001, 1.0), (639, 0, 1, 480)),
    ],
)
def test_region_in_pixels(region, expected):
    assert region_px((640, 480), region) == expected


def test_halves_meet_without_gap_or_overlap():
    left = region_px((641, 481), (0.0, 0.0, 0.5, 1.0))
    right = region_px((641, 481), (0.5, 0.0, 0.5, 1.0))
    assert left[0] + left[2] == right[0]
    assert right[0] + right[2] == 641


def test_rotation_is_clockwise():
    image = np.zeros((2, 4, 3), np.uint8)
    image[0, 0] = 255  # top left
    assert fit(image, rotation_deg=90)[0, 1].all(), "goes to the top right"


def test_other_angle_is_refused():
    with pytest.raises(ValueError, match="rotation_deg is 45; allowed are 0, 90, 180 and 270"):
        fit(picture(4, 4), rotation_deg=45)


class OneFrame:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def open(self) -> None: ...

    def read(self, *, every_s: float = 0.0) -> Frame:
        return self.frame

    def close(self) -> None: ...


def test_nothing_to_do_copies_nothing():
    frame = Frame(image=picture(8, 8), t_s=1.0, seq=3)
    camera = FittedCamera(OneFrame(frame), rotation_deg=0, mirror=False, region=WHOLE)
    assert camera.read() is frame


def test_time_and_number_of_the_frame_are_kept():
    frame = Frame(image=picture(8, 4), t_s=1.5, seq=3)
    fitted = FittedCamera(OneFrame(frame), rotation_deg=90, mirror=True, region=(0.0, 0.0, 0.5, 1.0)).read()
    assert (fitted.t_s, fitted.seq, fitted.image.shape) == (1.5, 3, (4, 4, 3))
