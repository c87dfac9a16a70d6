"""The score of the demo, against cases that can be counted by hand."""

from __future__ import annotations

import pytest

from edge.measure.script import Segment, Span, script_accuracy, spans

SCRIPT = [Segment(0, 4, ("neutral",)), Segment(4, 8, ("happy", "sad")), Segment(8, 12, ())]


def test_a_perfect_run() -> None:
    held = [Span("neutral", 0.9, 4.5), Span("happy", 4.9, 8.9), Span("sad", 4.9, 8.9)]
    assert script_accuracy(SCRIPT, held, 12) == 1.0


def test_one_of_two_people_is_half() -> None:
    held = [Span("neutral", 0.9, 4.5), Span("happy", 4.9, 8.9)]
    assert script_accuracy(SCRIPT, held, 12) == pytest.approx((3 + 1.5 + 3) / 9)


def test_somebody_seen_where_nobody_is_counts_as_wrong() -> None:
    held = [Span("neutral", 0, 12), Span("happy", 4.9, 8), Span("sad", 4.9, 8)]
    assert script_accuracy(SCRIPT, held, 12) == pytest.approx((3 + 2 + 0) / 9)


def test_the_script_repeats_with_the_clip() -> None:
    assert script_accuracy(SCRIPT, [Span("neutral", 0, 4), Span("neutral", 12, 16)], 16) == pytest.approx(
        (3 + 0 + 3 + 3) / 12
    )


def test_spans_from_events() -> None:
    events = [
        {"event_type": "start", "track_id": "a-1", "emotion": "happy", "t_s": 1.0},
        {"event_type": "update", "track_id": "a-1", "emotion": "happy", "t_s": 2.0},
        {"event_type": "start", "track_id": "a-2", "emotion": "sad", "t_s": 2.5},
        {"event_type": "end", "track_id": "a-1", "emotion": "happy", "t_s": 3.0},
    ]
    assert spans(events, 9.0) == [Span("happy", 1.0, 3.0), Span("sad", 2.5, 9.0)]
