"""What visitors and players did with items: bounded, told as ages, kept over restarts by whoever owns it."""

from __future__ import annotations

from typing import get_args

from edge.core.suggestion import Action, Past

MAX_ENTRIES = 2000
"""Newest (item, action) pairs kept: four for each of 500 items, far more than a screen shows in the time they count."""
_KEPT_ON_DISK: tuple[Action, ...] = ("finished", "liked", "skipped")
"""What somebody did on purpose. What was only shown is forgotten at a restart, so that the disk is not written to for
every card."""


class History:
    """The newest time of each (item, action). Times are wall-clock seconds, since they outlive the process."""

    def __init__(self, stored: object = None) -> None:
        """``stored``: what ``as_json`` gave; anything else counts as nothing, entry by entry."""
        self._at_s: dict[tuple[str, Action], float] = {}
        for entry in stored if isinstance(stored, list) else []:
            if (
                isinstance(entry, list)
                and len(entry) == 3
                and isinstance(entry[0], str)
                and entry[1] in get_args(Action)
                and isinstance(entry[2], (int, float))
            ):
                self.add(entry[0], entry[1], float(entry[2]))

    def add(self, item_id: str, action: Action, wall_s: float) -> None:
        """Notes that ``action`` happened to the item now."""
        self._at_s.pop((item_id, action), None)
        self._at_s[(item_id, action)] = wall_s
        while len(self._at_s) > MAX_ENTRIES:
            del self._at_s[next(iter(self._at_s))]

    def pasts(self, wall_s: float) -> list[Past]:
        """All entries with their ages at ``wall_s``. An entry from the future (the clock was wrong) counts as new."""
        return [Past(item, action, max(wall_s - at_s, 0.0)) for (item, action), at_s in self._at_s.items()]

    def as_json(self) -> list[list[str | float]]:
        """What is worth keeping over a restart."""
        return [[item, action, round(at_s)] for (item, action), at_s in self._at_s.items() if action in _KEPT_ON_DISK]
