"""How loud our music is: a limit, quiet hours, and never louder by itself in a vehicle. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from edge.core.music import NowPlaying, SetVolume

_AGAIN_S = 30.0
"""A player that does not follow (no mixer, a person at the knob) is asked only so often."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the night, or of a museum's reading room, in which music is softer or silent."""

    from_hour: int
    until_hour: int
    """Until the start of this local hour; smaller than ``from_hour``: over midnight."""
    volume_percent: int
    """Upper limit of the volume. 0: no song begins; one that plays may end."""

    def covers(self, hour: int) -> bool:
        """Whether the local hour (0-23) is quiet."""
        if self.from_hour <= self.until_hour:
            return self.from_hour <= hour < self.until_hour
        return hour >= self.from_hour or hour < self.until_hour


class Loudness:
    """Lowers what is too loud, and sets the usual volume when music starts. A person who turns the knob below the limit
    is left alone."""

    def __init__(
        self, *, usual_percent: int | None, limit_percent: int, quiet: Quiet | None, never_louder: bool
    ) -> None:
        """``usual_percent``: when music starts; None: leave it. ``never_louder``: only ever lower."""
        self._usual = usual_percent
        self._limit = limit_percent
        self._quiet = quiet
        self._never_louder = never_louder
        self._before: int | None = None
        """The volume to return to after quiet hours."""
        self._wait_until_s = -1e9

    def silent(self, hour: int) -> bool:
        """No song may begin."""
        return self._quiet is not None and self._quiet.volume_percent <= 0 and self._quiet.covers(hour)

    def step(self, hour: int, now: NowPlaying, t_s: float, *, starting: bool) -> list[SetVolume]:
        """What to do about the volume. ``starting``: a song of ours is about to begin after silence."""
        volume = now.volume_percent
        if volume is None or not (starting or (now.by_us and now.state == "playing")):
            return []
        wanted = self._wanted(volume, hour, starting=starting)
        if self._never_louder:
            wanted = min(wanted, volume)
        if wanted == volume or (t_s < self._wait_until_s and not starting):
            return []
        self._wait_until_s = t_s + _AGAIN_S
        return [SetVolume(wanted)]

    def _wanted(self, volume: int, hour: int, *, starting: bool) -> int:
        usual = self._usual if starting and self._usual is not None else volume
        open_limit = min(usual, self._limit)
        if self._quiet is not None and self._quiet.volume_percent > 0 and self._quiet.covers(hour):
            if usual > self._quiet.volume_percent:
                self._before = open_limit
            return min(open_limit, self._quiet.volume_percent)
        before, self._before = self._before, None
        untouched = self._quiet is not None and volume == self._quiet.volume_percent
        return before if before is not None and untouched and not starting else open_limit
