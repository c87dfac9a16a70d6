"""Where a face points, whether that is this way, and whose mood counts."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.attention import MEAN_FACE, AttentionSettings, attention, head_pose
from edge.core.audience import AudienceCounter
from edge.core.main_face import MainFaceSettings, main_face
from edge.core.people import People, PeopleSettings
from edge.data import Face, Floats, Track
from tests.traces import face_at, reading

MIRRORED = [1, 0, 2, 4, 3]
yaws, pitches = st.floats(-70, 70), st.floats(-60, 60)


def landmarks(
    yaw_deg: float, pitch_deg: float, *, roll_deg: float = 0.0, px: float = 40.0, at: tuple[float, float] = (0.0, 0.0)
) -> Floats:
    """The mean face turned (yaw, then pitch, then tilt), seen from afar, ``px`` between its eyes: float (5, 2)."""
    yaw, pitch, roll = (math.radians(v) for v in (yaw_deg, pitch_deg, roll_deg))
    sideways = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]])
    tilt = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    return px * (MEAN_FACE @ (nod @ sideways).T)[:, :2] @ tilt.T + np.array(at)


def angles(points: Floats) -> tuple[float, float]:
    pose = head_pose(points)
    assert pose is not None
    return pose.yaw_deg, pose.pitch_deg


@given(yaws, st.floats(5, 500), st.floats(-1000, 1000))
def test_a_turned_mean_face_has_that_yaw_wherever_and_however_large(yaw: float, px: float, place: float) -> None:
    assert angles(landmarks(yaw, 0, px=px, at=(place, -place))) == pytest.approx((yaw, 0), abs=1e-6)


@given(pitches)
def test_a_lowered_mean_face_has_that_pitch(pitch: float) -> None:
    assert angles(landmarks(0, pitch)) == pytest.approx((0, pitch), abs=1e-6)


@given(yaws, pitches)
def test_the_mirror_image_looks_the_other_way(yaw: float, pitch: float) -> None:
    points = landmarks(yaw, pitch)
    mirrored = points[MIRRORED] * np.array([-1.0, 1.0])
    here, there = angles(points), angles(mirrored)
    assert there == pytest.approx((-here[0], here[1]), abs=1e-6)


@given(yaws, pitches, st.integers(0, 2**32 - 1))
def test_attention_is_a_fraction_and_none_without_a_face(yaw: float, pitch: float, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 3, (5, 2))
    value = attention(landmarks(yaw, pitch) + noise, AttentionSettings())
    assert value is None or 0.0 <= value <= 1.0
    assert attention(None, AttentionSettings()) is None


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.outer(np.arange(5.0), [1.0, 2.0])])
def test_what_is_no_face_has_no_pose(points: Floats) -> None:
    assert head_pose(points) is None
    assert attention(points, AttentionSettings()) is None


def test_attention_falls_with_the_angle_and_is_one_half_at_the_limits() -> None:
    settings = AttentionSettings(yaw_deg=30.0, pitch_deg=15.0)
    values = [attention(landmarks(yaw, 0), settings) for yaw in range(0, 70, 5)]
    assert all(a is not None and b is not None and a > b for a, b in pairwise(values))
    assert values[0] == pytest.approx(1.0, abs=0.01)
    assert attention(landmarks(30, 0), settings) == pytest.approx(0.5)
    assert attention(landmarks(0, -15), settings) == pytest.approx(0.5)


@pytest.mark.parametrize("yaw", [-40, -20, 0, 20, 40])
def test_noise_of_two_percent_moves_yaw_by_a_few_degrees(yaw: float) -> None:
    rng = np.random.default_rng(3)
    errors = [angles(landmarks(yaw, 0) + rng.normal(0, 0.02 * 40, (5, 2)))[0] - yaw for _ in range(300)]
    assert math.sqrt(np.mean(np.square(errors))) < 5.0


# --- in the pipeline ---------------------------------------------------------------------------------------------


def looking(x: float, yaw_deg: float) -> Face:
    points = landmarks(yaw_deg, 0, at=(x + 50, 150))
    return Face(box_xywh_px=(x, 100.0, 100.0, 100.0), landmarks_px=points, score=0.9)


def test_mood_and_audience_carry_attention() -> None:
    people, counter = People(PeopleSettings()), AudienceCounter(k=3, window_s=10.0)
    for n in range(30):
        tracks = people.see([looking(0, 0), looking(200, 0), looking(400, 60)], n / 30)
        people.read({t.id: reading("happy") for t in tracks}, n / 30)
    values = [p.mood.attention for p in people.now(1.0)]
    assert values == pytest.approx([0.9975, 0.9975, 0.0], abs=0.01)
    audience = counter.update(people.now(1.0), 1.0)
    assert audience is not None
    assert audience.attention == pytest.approx(0.665, abs=0.01)


def test_attention_known_of_fewer_than_k_people_singles_nobody_out() -> None:
    people, counter = People(PeopleSettings()), AudienceCounter(k=3, window_s=10.0)
    for n in range(30):
        people.see([looking(0, 0), looking(200, 0), face_at(400)], n / 30)
        people.read({}, n / 30)
    audience = counter.update(people.now(1.0), 1.0)
    assert audience is not None
    assert audience.attention is None


# --- whose mood counts -------------------------------------------------------------------------------------------


def track(number: int, *, x: float = 270, size: float = 100, age_s: float = 10.0) -> Track:
    return Track(id=number, face=face_at(x, size=size), first_s=0.0, last_s=age_s)


FRAME = (640, 480)
CHOICES = {
    "the larger": ([track(1), track(2, size=140)], 2),
    "of equals the one in the middle": ([track(1, x=0), track(2, x=270)], 2),
    "of equals the one who stays": ([track(1, age_s=0.3), track(2)], 2),
    "of equals the first": ([track(1), track(2)], 1),
    "much larger, at the edge": ([track(1, size=60), track(2, x=0, size=150)], 2),
}


@pytest.mark.parametrize("name", CHOICES)
def test_main_face_is(name: str) -> None:
    tracks, expected = CHOICES[name]
    assert main_face(tracks, None, MainFaceSettings(), frame_px=FRAME) == expected


def test_nobody_has_no_main_face_and_a_main_one_who_left_is_followed_by_another() -> None:
    assert main_face([], 3, MainFaceSettings()) is None
    assert main_face([track(1)], 3, MainFaceSettings()) == 1


def test_weights_are_the_settings() -> None:
    tracks = [track(1, x=0, size=150), track(2, x=270, size=100)]
    assert main_face(tracks, None, MainFaceSettings(), frame_px=FRAME) == 1
    central = MainFaceSettings(size_weight=0.2, centre_weight=0.8, time_weight=0.0)
    assert main_face(tracks, None, central, frame_px=FRAME) == 2
    assert main_face(tracks, None, central) == 1, "without the frame's size the place does not count"


@given(st.lists(st.floats(95, 108), min_size=2, max_size=60))
def test_the_main_face_does_not_jump_between_people_as_large(sizes: list[float]) -> None:
    main, seen = None, set()
    for a, b in pairwise(sizes):
        main = main_face([track(1, size=a), track(2, size=b)], main, MainFaceSettings(), frame_px=FRAME)
        seen.add(main)
    assert len(seen) == 1
