"""No player: everything is shown, nothing is played."""

from __future__ import annotations

from edge.core.music import Command, Heard
from edge.player.player import MqttPort, PlayerSettings


def make(settings: PlayerSettings, port: MqttPort | None = None) -> NoPlayer:  # noqa: ARG001 - same for all players
    """Needs nothing."""
    return NoPlayer()


class NoPlayer:
    """Always away, so that nobody asks it to play, and able to play nothing."""

    def command(self, command: Command) -> None:
        """Does nothing."""

    def poll(self, now_s: float) -> Heard:  # noqa: ARG002
        """Away."""
        return Heard()

    def close(self) -> None:
        """Does nothing."""
