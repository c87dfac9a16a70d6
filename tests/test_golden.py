"""Golden traces: recorded readings and the events they must give, word for word. ``tools/golden`` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.camera.demo import SCRIPT
from edge.core.people import PeopleSettings
from edge.errors import InputError
from edge.measure.replay import read_trace, replay
from edge.measure.script import read_script, script_accuracy, spans

GOLDEN = Path(__file__).parent / "golden"
TRACES = sorted(GOLDEN.glob("*.trace.jsonl"))


@pytest.mark.parametrize("trace", TRACES, ids=lambda p: p.name)
def test_the_events_of(trace: Path) -> None:
    expected = [
        json.loads(line) for line in trace.with_suffix("").with_suffix(".events.jsonl").read_text().splitlines()
    ]
    events = [event for step in replay(read_trace(trace), PeopleSettings()) for event in step.events]
    assert [(e.event_type, e.emotion, e.track_id) for e in events] == [
        (e["event_type"], e["emotion"], e["track_id"]) for e in expected
    ]
    for event, wanted in zip(events, expected, strict=True):
        assert event.t_s == pytest.approx(wanted["t_s"], abs=1e-3)
        assert event.confidence == pytest.approx(wanted["confidence"], abs=1e-3)
        assert event.held_s == pytest.approx(wanted["held_s"], abs=1e-3)


def test_the_bundled_clip_is_told_as_it_is_scripted() -> None:
    """Of the recorded readings; a network that takes one of its faces for something else loses a tenth."""
    script = read_script(SCRIPT)
    told = [json.loads(line) for line in (GOLDEN / "demo.events.jsonl").read_text().splitlines()]
    assert script_accuracy(script, spans(told, script[-1].to_s), script[-1].to_s) >= 0.95
    assert {event["emotion"] for event in told} == {emotion for part in script for emotion in part.emotions}


def test_there_are_golden_traces() -> None:
    assert len(TRACES) >= 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json\n", "trace.jsonl:1"),
        ('{"t_s": 0, "faces": []}\n{"faces": []}\n', "trace.jsonl:2"),
        ('{"t_s": 5, "faces": []}\n{"t_s": 1, "faces": []}\n', "goes back"),
        ('{"t_s": 0, "faces": [{"box_xywh_px": [1, 2]}]}\n', "trace.jsonl:1"),
        ('{"t_s": 0, "faces": [{"box_xywh_px": [1, 2, 3, 4], "probs": {"happy": 1}}]}\n', "trace.jsonl:1"),
    ],
)
def test_what_is_no_trace_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        list(read_trace(path))


def test_a_missing_trace_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl"):
        list(read_trace(tmp_path / "none.jsonl"))
