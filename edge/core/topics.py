"""Topic names, and the words of the topics that are plain text instead of JSON."""

from __future__ import annotations

ONLINE, OFFLINE = "online", "offline"
"""Payloads of ``availability``."""
PRIVACY_ON, PRIVACY_PAUSED = "on", "paused"
"""Payloads of ``privacy/state`` and ``privacy/set``."""


class Topics:
    """Every topic of one unit: ``<base>/<unit>/...``."""

    def __init__(self, base: str, unit: str) -> None:
        self.unit = unit
        self.root = f"{base}/{unit}"
        self.availability = f"{self.root}/availability"
        self.state = f"{self.root}/state"
        self.camera = f"{self.root}/camera"
        self.emotion = f"{self.root}/emotion"
        self.event = f"{self.root}/event"
        self.audience = f"{self.root}/audience"
        self.health = f"{self.root}/health"
        self.info = f"{self.root}/info"
        self.privacy_state = f"{self.root}/privacy/state"
        self.privacy_set = f"{self.root}/privacy/set"
        self.requests = f"{self.root}/request/+"
        """Filter that matches every request."""
        self.companion_availability = f"{self.root}/companion/availability"
        self.recommendation = f"{self.root}/recommendation"
        self.now_playing = f"{self.root}/now_playing"
        self.feedback = f"{self.root}/feedback"
        self.player_set = f"{self.root}/player/set"
        self.player_state = f"{self.root}/player/state"

    def request(self, verb: str) -> str:
        """Where ``verb`` is asked for."""
        return f"{self.root}/request/{verb}"

    def response(self, verb: str) -> str:
        """Where ``verb`` is answered."""
        return f"{self.root}/response/{verb}"

    def verb(self, topic: str) -> str | None:
        """The verb of a request's topic; None for any other topic."""
        prefix = f"{self.root}/request/"
        return topic[len(prefix) :] if topic.startswith(prefix) else None


def parse_privacy_set(payload: bytes) -> bool | None:
    """What ``privacy/set`` asks for: True to pause, False to go on, None for anything else (to be ignored)."""
    return {PRIVACY_PAUSED.encode(): True, PRIVACY_ON.encode(): False}.get(payload.strip())
