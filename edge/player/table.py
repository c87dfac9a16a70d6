"""Every player by its name in the configuration. A new player is one file and one line here."""

from __future__ import annotations

import importlib
from typing import cast

from edge.errors import ConfigError
from edge.player.player import MqttPort, Player, PlayerSettings

PLAYERS = {
    "mpd": "edge.player.mpd",
    "mqtt": "edge.player.remote",
    "none": "edge.player.none",
    "fake": "edge.player.fake",
}
"""Name -> module whose ``make(settings, port)`` returns a Player. Imported on use: its library may be absent."""


def make_player(settings: PlayerSettings, port: MqttPort | None = None) -> Player:
    """The player that ``settings`` ask for, already connecting. ``port``: needed by ``mqtt`` alone.

    Raises ConfigError when the name is unknown, a library is missing, or ``mqtt`` got no port.
    """
    if settings.kind not in PLAYERS:
        raise ConfigError([f"player `{settings.kind}` is unknown; there are {', '.join(PLAYERS)}"])
    module = importlib.import_module(PLAYERS[settings.kind])
    return cast(Player, module.make(settings, port))
