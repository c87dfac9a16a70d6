"""Ids survive what happens in front of a shop window."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.motion import Steady
from edge.core.track import Tracker, iou, single
from edge.data import Face
from tests.traces import face_at


def test_iou_of_known_boxes() -> None:
    assert iou((0, 0, 2, 2), (0, 0, 2, 2)) == 1.0
    assert iou((0, 0, 2, 2), (1, 0, 2, 2)) == pytest.approx(2 / 6)
    assert iou((0, 0, 2, 2), (5, 5, 2, 2)) == 0.0
    assert iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0.0


def test_a_person_keeps_the_id_through_a_short_loss() -> None:
    tracker = Tracker(max_lost_s=0.7)
    (first,) = tracker.update([face_at(100)], 0.0)
    for n in range(1, 6):
        assert tracker.update([], n * 0.1) == ()
    (again,) = tracker.update([face_at(104)], 0.65)
    assert again.id == first.id
    assert again.first_s == 0.0


def test_a_person_gone_for_longer_gets_a_new_id() -> None:
    tracker = Tracker(max_lost_s=0.7)
    (first,) = tracker.update([face_at(100)], 0.0)
    for n in range(1, 10):
        tracker.update([], n * 0.1)
    (again,) = tracker.update([face_at(100)], 1.0)
    assert again.id == first.id + 1


@pytest.mark.parametrize("rate_hz", [2, 5, 8, 15, 30])
@pytest.mark.parametrize("begin_s", [2.0, 2.07, 2.13])
def test_who_is_away_for_0_7_s_keeps_the_id_at_every_rate(rate_hz: int, begin_s: float) -> None:
    tracker = Tracker(max_lost_s=0.7)
    ids = set()
    for n in range(5 * rate_hz):
        away = begin_s < n / rate_hz < begin_s + 0.7
        ids |= {t.id for t in tracker.update([] if away else [face_at(100)], n / rate_hz)}
    assert ids == {1}


def test_after_a_hole_in_the_video_everyone_is_new() -> None:
    tracker = Tracker(max_lost_s=0.7)
    tracker.update([face_at(100)], 0.0)
    assert [t.id for t in tracker.update([face_at(100)], 60.0)] == [2]


@pytest.mark.parametrize("rate_hz", [5, 10, 30])
def test_two_people_who_cross_keep_their_ids(rate_hz: int) -> None:
    tracker = Tracker()
    ids: list[tuple[int, int]] = []
    for n in range(4 * rate_hz):
        t_s = n / rate_hz
        left, right = face_at(100 + 120 * t_s, 100), face_at(580 - 120 * t_s, 150)
        tracks = tracker.update([left, right] if n % 2 else [right, left], t_s)
        a, b = tracks if n % 2 else reversed(tracks)
        ids.append((a.id, b.id))
    assert set(ids) == {ids[0]}


def test_a_person_who_walks_behind_a_pillar_is_expected_on_the_other_side() -> None:
    tracker = Tracker()
    for n in range(20):
        (track,) = tracker.update([face_at(100 + 200 * n / 20)], n / 20)
    (again,) = tracker.update([face_at(100 + 200 * 1.5)], 1.5)
    assert again.id == track.id


def test_a_far_smaller_face_beside_a_lost_one_is_another_person() -> None:
    tracker = Tracker()
    (first,) = tracker.update([face_at(100, size=120)], 0.0)
    (other,) = tracker.update([face_at(150, 140, size=40)], 0.1)
    assert other.id != first.id


def test_after_clear_ids_go_on_counting() -> None:
    tracker = Tracker()
    (first,) = tracker.update([face_at(100)], 0.0)
    tracker.clear()
    (second,) = tracker.update([face_at(100)], 0.1)
    assert second.id == first.id + 1


boxes = st.builds(
    lambda x, y, size: Face(box_xywh_px=(x, y, size, size), landmarks_px=None, score=0.5),
    st.floats(-50, 700),
    st.floats(-50, 500),
    st.floats(1, 300),
)


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.lists(boxes, max_size=5)), max_size=30))
def test_ids_are_never_reused_nor_given_twice_in_a_frame(frames: list[tuple[float, list[Face]]]) -> None:
    tracker, t_s, alive, dead = Tracker(), 0.0, set[int](), set[int]()
    for gap_s, faces in frames:
        t_s += gap_s
        tracks = tracker.update(faces, t_s)
        ids = [track.id for track in tracks]
        assert len(tracks) == len(faces)
        assert [track.face.score for track in tracks] == [face.score for face in faces]
        assert len(set(ids)) == len(ids)
        living = {track.id for track in tracker.tracks}
        assert set(ids) <= living
        dead |= alive - living
        assert not (living & dead)
        alive = living
        assert all(math.isfinite(v) for track in tracker.tracks for v in track.face.box_xywh_px)


def test_a_newcomer_who_walks_fast_is_expected_ahead_at_once() -> None:
    tracker = Tracker()
    for n in range(4):
        tracks = tracker.update([face_at(50 * n)], n / 10)
        tracker.update([], n / 10 + 0.01)
    (track,) = tracker.update([face_at(50 * 8)], 0.8)
    assert track.id == tracks[0].id


def test_a_face_found_twice_is_one() -> None:
    better, worse, other = face_at(100), Face((100, 134, 96, 96), None, 0.6), face_at(180)
    assert single([worse, better, other]) == [better, other]
    assert single([]) == []


# --- what is told of a face: smoothed, in seconds -----------------------------------------------------------------


def with_points(x: float, size: float = 100.0) -> Face:
    points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]) * size + [x, 100.0]
    return Face(box_xywh_px=(x, 100.0, size, size), landmarks_px=points, score=0.9)


def told_x(rate_hz: float, *, speed_px_s: float) -> float:
    """Where the box is told to be after two seconds of steady motion."""
    steady, told = Steady(with_points(0.0), 0.0), 0.0
    for n in range(1, int(2 * rate_hz) + 1):
        face = steady.take(with_points(speed_px_s * n / rate_hz), n / rate_hz)
        told = face.box_xywh_px[0]
    return told


@given(st.floats(5, 60), st.floats(5, 60), st.floats(-300, 300))
def test_the_lag_in_motion_hardly_depends_on_the_frame_rate(one_hz: float, other_hz: float, speed_px_s: float) -> None:
    lags = []
    for rate_hz in (one_hz, other_hz):
        steps = int(2 * rate_hz)
        lags.append(speed_px_s * steps / rate_hz - told_x(rate_hz, speed_px_s=speed_px_s))
    assert all(abs(lag) <= 6.0 for lag in lags), "at most 5 % of 100 px, and a little for the speed estimate"
    assert abs(lags[0] - lags[1]) <= 5.5


def test_noise_of_a_still_face_is_smaller_in_what_is_told() -> None:
    rng, steady = np.random.default_rng(1), Steady(with_points(0.0), 0.0)
    found = rng.normal(0, 3, 600)
    told = [steady.take(with_points(float(x)), (n + 1) / 30).box_xywh_px[0] for n, x in enumerate(found)]
    assert np.std(np.diff(told)) < 0.5 * np.std(np.diff(found))


@given(st.lists(st.tuples(st.floats(0.002, 1.0), st.floats(-500, 500), st.floats(20, 300)), min_size=1, max_size=30))
def test_what_is_told_lies_between_what_was_found(path: list[tuple[float, float, float]]) -> None:
    steady, t_s, found = Steady(with_points(0.0), 0.0), 0.0, [with_points(0.0)]
    for gap_s, x, size in path:
        t_s += gap_s
        found.append(with_points(x, size))
        told = steady.take(found[-1], t_s)
        for axis in range(4):
            values = [f.box_xywh_px[axis] for f in found]
            assert min(values) - 1e-6 <= told.box_xywh_px[axis] <= max(values) + 1e-6
        assert told.landmarks_px is not None
        # One weight for all coordinates: the points keep their places in the box.
        left, top, width, _ = told.box_xywh_px
        assert (told.landmarks_px[0] - [left, top]) / width == pytest.approx([0.3, 0.4], abs=1e-6)


def test_landmarks_that_come_and_go_are_told_as_found() -> None:
    steady = Steady(face_at(0.0), 0.0)
    assert steady.take(with_points(5.0), 0.1).landmarks_px is not None
    assert steady.take(face_at(7.0), 0.2) == face_at(7.0)
