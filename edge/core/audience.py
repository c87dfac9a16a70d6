"""Everyone in view as numbers that point at nobody: only from k people on."""

from __future__ import annotations

from collections.abc import Sequence

from edge.data import Audience, Mood, Person


class AudienceCounter:
    """Remembers, for ``window_s`` seconds, whom it saw and their last mood, by track id alone."""

    def __init__(self, *, k: int, window_s: float) -> None:
        self._k = k
        self._window_s = window_s
        self._seen: dict[int, tuple[float, Mood]] = {}

    def change(self, *, k: int, window_s: float) -> None:
        """Other settings from now on; whom it saw stays."""
        self._k = k
        self._window_s = window_s

    def update(self, people: Sequence[Person], t_s: float) -> Audience | None:
        """The audience of the window that ends at ``t_s``, or None while fewer than ``k`` were seen in it.

        The means are over everyone seen in the window, not over those in view now: of one person left in view the
        mean would be that person's mood.
        """
        for person in people:
            self._seen[person.track.id] = (person.track.last_s, person.mood)
        self._seen = {i: (s, m) for i, (s, m) in self._seen.items() if t_s - s <= self._window_s}
        if len(self._seen) < self._k:
            return None
        moods = [mood for _, mood in self._seen.values() if not mood.abstain]
        # Fewer than k readable moods would single people out again, so they count as unknown: the origin.
        known = len(moods) if len(moods) >= self._k else 0
        looks = [mood.attention for _, mood in self._seen.values() if mood.attention is not None]
        return Audience(
            in_view=len(people),
            seen=len(self._seen),
            window_s=self._window_s,
            valence=sum(m.valence for m in moods) / known if known else 0.0,
            arousal=sum(m.arousal for m in moods) / known if known else 0.0,
            t_s=t_s,
            attention=sum(looks) / len(looks) if len(looks) >= self._k else None,
        )
