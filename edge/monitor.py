"""What a person wants to see of a unit, from what it says over MQTT: a screen for a terminal, a line for a pipe."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge.core.topics import OFFLINE, ONLINE
from edge.data import EMOTIONS, NOBODY

TAILS = (
    "availability", "state", "camera", "emotion", "audience", "health", "privacy/state", "companion/availability",
    "recommendation", "now_playing",
)  # fmt: skip
"""Topics of a unit that are shown."""
_BAR = 20
_OLD_S = 15.0
"""An emotion is told again every 5 s; after three of those it is said how old it is."""

Said = str | dict[str, Any]


@dataclass(slots=True)
class UnitView:
    """The newest message of each topic of one unit."""

    unit: str
    said: dict[str, Said] = field(default_factory=dict)
    heard_s: dict[str, float] = field(default_factory=dict)

    @property
    def online(self) -> bool:
        return self.said.get("availability") == ONLINE

    def of(self, tail: str) -> dict[str, Any]:
        """The topic's JSON object; empty when none came."""
        said = self.said.get(tail)
        return said if isinstance(said, dict) else {}


class Board:
    """All units heard under one base topic."""

    def __init__(self, base: str) -> None:
        self._base = base
        self.units: dict[str, UnitView] = {}

    def take(self, topic: str, payload: bytes, now_s: float) -> tuple[UnitView, str] | None:
        """Keeps a message; returns its unit and the rest of its topic, or None for what cannot be read."""
        unit, _, tail = topic.removeprefix(f"{self._base}/").partition("/")
        try:
            text = payload.decode("utf-8")
            said: Said = json.loads(text) if text.startswith("{") else text
        except (ValueError, RecursionError):
            return None
        if tail not in TAILS or not topic.startswith(f"{self._base}/"):
            return None
        view = self.units.setdefault(unit, UnitView(unit))
        view.said[tail], view.heard_s[tail] = said, now_s
        return view, tail


def screen(view: UnitView, now_s: float) -> list[str]:
    """One unit as lines of text."""
    state = view.of("state")
    rows = [("unit", f"{view.unit}  {_text(view.said.get('availability', 'silent'))}")]
    if view.online:
        paused = "  (paused)" if view.said.get("privacy/state") == "paused" else ""
        rows.append(("state", _joined(state.get("state"), state.get("reason")) + paused))
        camera = view.of("camera")
        rows.append(("camera", _joined(camera.get("state"), camera.get("reason"))))
        rows += _people(view, now_s)
        rows.append(("health", _health(view.of("health"))))
    if "companion/availability" in view.said:
        rows.append(("companion", _text(view.said["companion/availability"])))
        if view.said["companion/availability"] != OFFLINE:
            rows += _companion(view)
    return [f"{name:10} {text}".rstrip() for name, text in rows]


def line(view: UnitView, tail: str) -> str:
    """The topic's newest message in one line."""
    said = view.said[tail]
    texts = {
        "emotion": lambda: _emotion(view.of("emotion")),
        "audience": lambda: _audience(view.of("audience")),
        "health": lambda: _health(view.of("health")),
        "recommendation": lambda: "; ".join(text for _, text in _companion_choices(view.of("recommendation"))),
        "now_playing": lambda: _playing(view.of("now_playing")),
    }
    if tail in texts:
        text = texts[tail]()
    elif isinstance(said, str):
        text = _text(said)
    else:
        text = _joined(said.get("state"), said.get("reason"))
    return f"{_text(view.unit)} {tail} {text}".rstrip()


def bar(value: float) -> str:
    """``value`` 0-1 as a bar of characters that every terminal has."""
    filled = round(min(max(value, 0.0), 1.0) * _BAR)
    return "#" * filled + "." * (_BAR - filled)


def _people(view: UnitView, now_s: float) -> list[tuple[str, str]]:
    told = view.of("emotion")
    rows = []
    if told:
        age_s = now_s - view.heard_s["emotion"]
        old = f"  ({age_s:.0f} s ago)" if age_s > _OLD_S else ""
        rows.append(("people", f"{_number(told.get('in_view'), 0)} in view{old}"))
        rows.append(("emotion", _emotion(told)))
        probs = told.get("probs")
        if isinstance(probs, dict):
            rows += [
                ("", f"{name:9} {bar(_float(probs.get(name)))} {_number(probs.get(name), 2)}") for name in EMOTIONS
            ]
    if "audience" in view.said:
        rows.append(("audience", _audience(view.of("audience"))))
    return rows


def _emotion(told: Mapping[str, Any]) -> str:
    emotion = _text(told.get("emotion", "?"))
    if emotion == NOBODY:
        return "none: nobody in view"
    sure = ", unsure" if told.get("abstain") else ""
    confidence = told.get("confidence")
    return (
        f"{emotion:9} {bar(_float(confidence))} {_number(confidence, 2)} for {_number(told.get('held_s'), 1)} s{sure}, "
        f"face {_number(told.get('face_px'), 0)} px, {_number(told.get('in_view'), 0)} in view"
    )


def _audience(told: Mapping[str, Any]) -> str:
    return (
        f"{_number(told.get('seen'), 0)} seen in {_number(told.get('window_s'), 0)} s, valence "
        f"{_number(told.get('valence'), 2)}, arousal {_number(told.get('arousal'), 2)}"
    )


def _health(told: Mapping[str, Any]) -> str:
    if not told:
        return "not told yet"
    heat = "" if told.get("temperature_c") is None else f", {_number(told['temperature_c'], 0)} degrees Celsius"
    slow = ", THROTTLED" if told.get("throttled") else ""
    shed = "" if told.get("shed", "none") == "none" else f" (fewer: {told['shed']})"

    def whole(name: str) -> str:
        return _number(told.get(name), 0)

    rates = f"{_number(told.get('frames_per_s'), 1)} frames/s, {_number(told.get('looks_per_s'), 1)} looks/s{shed}"
    return (
        f"{rates}, age {whole('frame_age_ms')} ms, CPU {whole('cpu_percent')} %, {whole('rss_mb')} MB{heat}{slow}, "
        f"outbox {whole('outbox_depth')}, dropped {whole('outbox_dropped')}, reconnects {whole('reconnects')}"
    )


def _companion(view: UnitView) -> list[tuple[str, str]]:
    rows = [(f"suggests {rank}", text) for rank, text in _companion_choices(view.of("recommendation"))]
    if "now_playing" in view.said:
        rows.append(("player", _playing(view.of("now_playing"))))
    return rows


def _companion_choices(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    choices = told.get("choices")
    rows = []
    for rank, choice in choices.items() if isinstance(choices, dict) else ():
        if isinstance(choice, dict):
            title, kind, reason = (_text(choice.get(name, "")) for name in ("title", "kind", "reason"))
            rows.append((_text(rank), f'{kind} "{title}": {reason}'))
    return rows


def _playing(told: Mapping[str, Any]) -> str:
    if not told.get("title"):
        return _text(told.get("state") or "nothing plays")
    by = f" by {_text(told['artist'])}" if told.get("artist") else ""
    volume = "" if told.get("volume") is None else f", volume {_number(told['volume'], 0)} %"
    return f'{_text(told.get("state"))}: "{_text(told["title"])}"{by}{volume}'


def _joined(state: object, reason: object) -> str:
    return f"{_text(state)}: {_text(reason)}" if reason else _text("?" if state is None else state)


def _text(value: object) -> str:
    """Printable, one line: what a stranger publishes must not command the terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(value))[:200]


def _float(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _number(value: object, decimals: int) -> str:
    return f"{value:.{decimals}f}" if isinstance(value, (int, float)) else "?"


def boards(units: Sequence[UnitView], now_s: float) -> list[str]:
    """All units, one below the other."""
    lines: list[str] = []
    for view in units:
        lines += [*screen(view, now_s), ""]
    return lines[:-1]
