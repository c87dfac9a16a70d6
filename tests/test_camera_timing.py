"""Time of frames: the driver's stamp, and the positions of a recording laid end to end."""

from __future__ import annotations

import pytest

from edge.camera.timing import Timeline, capture_time_s


@pytest.mark.parametrize(
    ("stamp_s", "last_s", "expected"),
    [
        (99.98, 99.9, 99.98),
        (0.0, 99.9, 100.0),  # the driver gives no stamp
        (1e9, 99.9, 100.0),  # another clock
        (100.01, 99.9, 100.0),  # from the future
        (99.9, 99.9, 100.0),  # the same as the last one
        (98.0, 97.0, 100.0),  # too old to be believed
        (float("nan"), 99.9, 100.0),
    ],
)
def test_only_a_believable_stamp_is_taken(stamp_s, last_s, expected):
    assert capture_time_s(stamp_s=stamp_s, now_s=100.0, last_s=last_s) == expected


def test_recording_as_fast_as_possible_goes_on_over_passes_and_reopening():
    timeline = Timeline(realtime=False)
    times = []
    for restart in (timeline.begin, timeline.begin_pass, timeline.begin):
        restart()
        times += [timeline.t_s(position_s=p, interval_s=0.5, now_s=1e6) for p in (0.0, 0.5, 1.0)]
    assert times == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]


def test_real_time_starts_at_the_first_frame_and_passes_follow_without_a_gap():
    timeline = Timeline(realtime=True)
    timeline.begin()
    assert timeline.t_s(position_s=0.0, interval_s=0.5, now_s=70.0) == 70.0
    assert timeline.t_s(position_s=0.5, interval_s=0.5, now_s=75.0) == 70.5
    timeline.begin_pass()
    assert timeline.t_s(position_s=0.0, interval_s=0.5, now_s=76.0) == 71.0


def test_real_time_starts_anew_when_reopened():
    timeline = Timeline(realtime=True)
    timeline.begin()
    timeline.t_s(position_s=3.0, interval_s=0.5, now_s=70.0)
    timeline.begin()
    assert timeline.t_s(position_s=0.0, interval_s=0.5, now_s=90.0) == 90.0
