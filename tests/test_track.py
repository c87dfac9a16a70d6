"""Ids survive what happens in front of a shop window."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.track import Tracker, iou
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
    (again,) = tracker.update([face_at(100)], 0.8)
    assert again.id == first.id + 1


@pytest.mark.parametrize("rate_hz", [5, 10, 30])
def test_two_people_who_cross_keep_their_ids(rate_hz: int) -> None:
    tracker = Tracker()
    ids: list[tuple[int, int]] = []
    for n in range(4 * rate_hz):
        t_s = n / rate_hz
        left, right = face_at(100 + 120 * t_s, 100), face_at(580 - 120 * t_s, 150)
        tracks = tracker.update([left, right] if n % 2 else [right, left], t_s)
        by_face = {track.face: track.id for track in tracks}
        ids.append((by_face[left], by_face[right]))
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
        assert [track.face for track in tracks] == faces
        assert len(set(ids)) == len(ids)
        living = {track.id for track in tracker.tracks}
        assert set(ids) <= living
        dead |= alive - living
        assert not (living & dead)
        alive = living
        assert all(math.isfinite(v) for track in tracker.tracks for v in track.face.box_xywh_px)
