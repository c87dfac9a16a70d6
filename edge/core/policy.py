"""Settings of the recommendation policy, and its table of times. All of it can be set in the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from edge.core.suggestion import KINDS

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
WORKDAYS = (0, 1, 2, 3, 4)
WEEKEND = (5, 6)
MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class TimeRule:
    """One row of the table of times. Rows that apply at the same time add up."""

    kind: str
    """One of KINDS, or ``any``."""
    from_hour: int
    until_hour: int
    """Until the start of this hour, 1-24; smaller than ``from_hour``: over midnight."""
    weekdays: tuple[int, ...] = EVERY_DAY
    """0 is Monday; of the day on which the hour lies."""
    bias: float = 0.0
    """-1 to 1: how much less or more a kind fits at this time."""
    energy: float = 0.0
    """-1 to 1: how much the wanted energy of every kind shifts; only read where ``kind`` is ``any``."""

    def applies(self, hour: int, weekday: int) -> bool:
        """Whether the row counts at this local hour (0-23) and weekday (0 is Monday)."""
        if self.from_hour < self.until_hour:
            inside = self.from_hour <= hour < self.until_hour
        else:
            inside = hour >= self.from_hour or hour < self.until_hour
        return inside and weekday in self.weekdays


# Our own editorial judgement, not measured: when a shop, a museum or a living room has time for what.
DEFAULT_TIME_RULES: tuple[TimeRule, ...] = (
    TimeRule("any", 6, 10, WORKDAYS, energy=0.15),
    TimeRule("any", 15, 19, WEEKEND, energy=0.15),
    TimeRule("any", 20, 23, energy=-0.15),
    TimeRule("any", 23, 6, energy=-0.35),
    TimeRule("music", 6, 20, bias=0.3),
    TimeRule("film", 5, 17, WORKDAYS, bias=-0.6),
    TimeRule("film", 5, 12, WEEKEND, bias=-0.4),
    TimeRule("film", 18, 23, bias=0.6),
    TimeRule("book", 5, 9, WORKDAYS, bias=-0.3),
    TimeRule("book", 20, 1, bias=0.4),
    TimeRule("meditation", 6, 9, bias=0.3),
    TimeRule("meditation", 21, 2, bias=0.5),
    TimeRule("activity", 9, 19, bias=0.3),
    TimeRule("activity", 22, 6, bias=-0.6),
    TimeRule("place", 9, 18, bias=0.1),
    TimeRule("place", 9, 18, WEEKEND, bias=0.3),
    TimeRule("place", 20, 7, bias=-0.5),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Weights and widths. The mood's weight is 1; every other weight is read against it."""

    kinds: tuple[str, ...] = KINDS
    """Kinds that may be suggested; a vehicle has ``("music",)``."""
    age_limit: int = 16
    """Items with a higher minimum age are never suggested; 0 for a screen that children pass."""
    confidence_low: float = 0.4
    """At or below this confidence the mood counts nothing: what suits everyone."""
    confidence_full: float = 0.7
    """From this confidence on the mood counts in full; in between its weight grows linearly."""
    crowd_valence: float = 0.5
    crowd_energy: float = 0.0
    """The point that suits everyone: pleasant, neither sleepy nor wild."""
    moderate_energy: float = 0.5
    """Largest absolute energy for several people or an unsure mood."""
    mood_width: float = 0.5
    """Distance from the target at which the mood's part has fallen to 0.61 of its largest value."""
    time_weight: float = 0.3
    genre_weight: float = 0.15
    """Per star (of 0 to 5) of the starting preference of a genre."""
    novelty_weight: float = 0.1
    recency_weight: float = 1.0
    liked_weight: float = 0.3
    finished_weight: float = 0.1
    skipped_weight: float = 0.6
    kind_variety: float = 0.15
    """Taken off for every item of the same kind that stands higher in the list."""
    genre_variety: float = 0.05
    creator_variety: float = 0.5
    shown_s: float = 10 * MINUTE_S
    """Time constants: after this many seconds an influence has fallen to 37 %."""
    played_s: float = 4 * HOUR_S
    novelty_s: float = 3 * DAY_S
    liked_s: float = 30 * DAY_S
    finished_s: float = 7 * DAY_S
    skipped_s: float = 1 * DAY_S
    time_rules: tuple[TimeRule, ...] = DEFAULT_TIME_RULES


DEFAULT_SETTINGS = Settings()
