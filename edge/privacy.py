"""The pause switch: survives a restart, and doubt means paused."""

from __future__ import annotations

import logging
from typing import Any

from edge.store import StateFile

_log = logging.getLogger(__name__)


class PauseSwitch:
    """Whether the camera must stay closed. The state on disk is old or new, never torn."""

    def __init__(self, state: StateFile, *, start_paused: bool) -> None:
        self._state = state
        stored = state.load().get("paused")
        self._paused = start_paused if stored is None else stored is not False
        if stored is None and state.doubtful:
            # It may have said `paused`: the stricter reading wins until somebody throws the switch.
            _log.warning("the stored pause switch was unreadable: staying paused; publish `on` to privacy/set to go on")
            self.throw(paused=True)

    @property
    def paused(self) -> bool:
        return self._paused

    def throw(self, *, paused: bool) -> None:
        """Sets the switch, first in memory, then on disk. A disk that cannot be written is logged; the switch holds."""
        self._paused = paused
        save_or_warn(self._state, {**self._state.load(), "paused": paused})


def save_or_warn(state: StateFile, values: dict[str, Any]) -> None:
    """Stores ``values``; a full or read-only disk is a warning, since the service runs on without it."""
    try:
        state.save(values)
    except OSError as error:
        _log.warning("state cannot be stored (%s): the pause switch will not survive a restart", error)
