"""``moodcast replay TRACE``: events of a recorded trace, and with ``--explain`` why they came."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from edge.compose import load_or_default, people_settings
from edge.core.people import PeopleSettings
from edge.data import EMOTIONS, EmotionEvent
from edge.measure.replay import Replayed, read_trace, replay


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace", type=Path, help="file of JSON lines as `moodcast analyze --json` prints them")
    parser.add_argument("--config", type=Path, help="thresholds and times from this file instead of the defaults")
    parser.add_argument("--explain", action="store_true", help="show probabilities, thresholds and dwell of every step")
    parser.add_argument("--json", action="store_true", help="one JSON object per event")


def run(args: argparse.Namespace) -> int:
    settings = people_settings(load_or_default(args.config))
    for replayed in replay(read_trace(args.trace), settings):
        if args.explain:
            for line in _explained(replayed, settings):
                print(line)
        for event in replayed.events:
            print(_as_json(event) if args.json else _as_text(event))
    return 0


def _as_text(event: EmotionEvent) -> str:
    return (
        f"{event.t_s:9.3f} s  track {event.track_id:<3d} {event.event_type:6s} {event.emotion:8s} "
        f"confidence {event.confidence:.2f}  held {event.held_s:.2f} s"
    )


def _as_json(event: EmotionEvent) -> str:
    return json.dumps(
        {
            "t_s": round(event.t_s, 3),
            "track_id": event.track_id,
            "event_type": event.event_type,
            "emotion": event.emotion,
            "confidence": round(event.confidence, 4),
            "held_s": round(event.held_s, 3),
        }
    )


def _explained(replayed: Replayed, settings: PeopleSettings) -> list[str]:
    trigger, t_s = settings.trigger, replayed.step.t_s
    lines = []
    for person, state in zip(replayed.people, replayed.states, strict=True):
        mood = person.mood
        ranked = sorted(zip(mood.probs, EMOTIONS, strict=True), reverse=True)[:3]
        probs = " ".join(f"{emotion} {p:.2f}" for p, emotion in ranked)
        why = "abstains" if mood.abstain else f"enter {trigger.enter:.2f} leave {trigger.leave:.2f}"
        if state is not None and state.candidate is not None:
            why += f"; {state.candidate} waits {t_s - state.candidate_since_s:.2f} of {trigger.dwell_s:.2f} s"
        if state is not None and state.fading_since_s is not None:
            why += f"; {state.held} fades {t_s - state.fading_since_s:.2f} of {trigger.release_s:.2f} s"
        lines.append(f"{t_s:9.3f} s  track {person.track.id:<3d} holds {person.emotion:8s} [{probs}] {why}")
    return lines
