"""What a changed configuration means for the running daemon: which keys apply at once, which need a restart.

Pure: compares two sets of effective values, nested by section as ``info`` publishes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LIVE = (
    "unit.name", "camera.stall_s", "faces.", "emotion.min_face_px", "emotion.usable_min", "tracking.", "mood.",
    "schedule.", "privacy.events", "privacy.audience_k", "privacy.audience_window_s", "mqtt.outbox_age_s",
    "mqtt.heartbeat_s", "mqtt.emotion_expiry_s", "mqtt.health_s", "home_assistant.discovery", "daemon.log_level",
)  # fmt: skip
"""Keys that a running daemon takes over. A name that ends in a point is a whole section. All others need a restart:
what is opened once (camera, network, connection, state folder), and what counts at the first start alone."""
COMPANION = ("companion.", "kiosk.", "display.", "speaker.", "deployment.context")
"""Keys that the daemon with the camera does not use: the companion takes them at its own start."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Dotted names of the keys whose values differ, in the order of the file."""

    live: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    companion: tuple[str, ...] = ()


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values by dotted name."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def compare(running: Mapping[str, Any], wanted: Mapping[str, Any]) -> Changes:
    """What differs between what runs and what the file wants. Both nested by section, with the same keys."""
    old = flat(running)
    changed = [key for key, value in flat(wanted).items() if old.get(key) != value]
    live = tuple(key for key in changed if matches(key, LIVE))
    companion = tuple(key for key in changed if matches(key, COMPANION))
    return Changes(live, tuple(key for key in changed if key not in live + companion), companion)


def merged(running: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """What runs after the reload: ``wanted``, but for keys that need a restart, which stay as in ``running``."""
    found: dict[str, Any] = {}
    for name, value in wanted.items():
        old = running.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            found[name] = merged(old, value, f"{prefix}{name}.")
        else:
            found[name] = value if matches(f"{prefix}{name}", LIVE + COMPANION) else old
    return found


def matches(key: str, names: Iterable[str]) -> bool:
    """Whether ``key`` is one of ``names`` or lies in a section among them."""
    return any(key == name or (name.endswith(".") and key.startswith(name)) for name in names)


def numbered(lines: Iterable[str]) -> dict[str, str]:
    """Lines as a dictionary by number from "1": no list goes over the wire."""
    return {str(number): line for number, line in enumerate(lines, start=1)}
