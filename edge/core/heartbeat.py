"""When to tell the current emotion: at a change, and now and then although nothing changed."""

from __future__ import annotations

from collections.abc import Sequence

from edge.data import NOBODY, Person


class Heartbeat:
    """Says when the main person's emotion is due for publishing."""

    def __init__(self, *, every_s: float) -> None:
        self._every_s = every_s
        self._last: tuple[int, str, int] | None = None
        self._last_s = 0.0

    def due(self, people: Sequence[Person], t_s: float) -> bool:
        """True at the first call, when the main person (the first), the emotion or the number of people changed, and
        ``every_s`` after the last time."""
        main = (people[0].track.id, people[0].emotion) if people else (0, NOBODY)
        now = (*main, len(people))
        if now == self._last and t_s - self._last_s < self._every_s:
            return False
        self._last, self._last_s = now, t_s
        return True

    def reset(self) -> None:
        """The next call is due: somebody new is listening."""
        self._last = None
