"""When to tell the current emotion: at a change, and now and then although nothing changed."""

from __future__ import annotations

from edge.data import NOBODY, Person


class Heartbeat:
    """Says when the main person's emotion is due for publishing."""

    def __init__(self, *, every_s: float) -> None:
        self._every_s = every_s
        self._last: tuple[int, str] | None = None
        self._last_s = 0.0

    def due(self, main: Person | None, t_s: float) -> bool:
        """True at the first call, when the person or the emotion changed, and ``every_s`` after the last time."""
        now = (0, NOBODY) if main is None else (main.track.id, main.emotion)
        if now == self._last and t_s - self._last_s < self._every_s:
            return False
        self._last, self._last_s = now, t_s
        return True

    def reset(self) -> None:
        """The next call is due: somebody new is listening."""
        self._last = None
