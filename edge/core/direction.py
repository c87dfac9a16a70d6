"""What the director of the music is set to, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.core.loudness import Quiet
from edge.core.music import Song

NIGHT = Quiet(from_hour=22, until_hour=7, volume_percent=20)
"""The quiet hours of most house rules, and a volume that does not pass a wall."""

Ask = Literal["skip", "pause", "resume"]
"""What a visitor asks for by touch."""
TENSE = ("angry", "disgust", "fear")
"""Moods for which music gets no faster in a vehicle: anger, and what the policy, too, calms instead of feeding."""


@dataclass(frozen=True, slots=True)
class DirectorSettings:
    """Times in seconds; the defaults are the shipped behaviour."""

    stable_s: float = 20.0
    """A mood must hold so long before music follows it: a glance or a laugh is no mood."""
    change_s: float = 90.0
    """Music follows another mood at most so often: half a song, so that nobody hears a jukebox."""
    confidence_floor: float = 0.35
    """Moods below it do not settle; as on the page."""
    list_songs: int = 3
    """With nobody in view, or the mood not known, a programme ends once so many of its songs have begun."""
    alone: Literal["stop", "list", "neutral"] = "list"
    """Nobody in view, after the present track. stop: silence; list: silence once ``list_songs`` of the programme have
    begun; neutral: music goes on, from the songs ranked for nobody in particular."""
    alone_s: float = 20.0
    """Nobody in view for so long counts as nobody: people turn their heads."""
    hands_off_s: float = 900.0
    """Music that a person stopped or paused stays so for so long, unless a visitor asks for it."""
    retry_s: float = 5.0
    """Wait after a command whose effect is not seen."""
    failed_s: float = 600.0
    """A song that could not be played is left out for so long."""
    volume_percent: int | None = None
    """Set when music starts. None: as it is."""
    volume_limit_percent: int = 70
    """Our music is never louder."""
    quiet: Quiet | None = NIGHT
    """None: no quiet hours. With a volume of 0, no song begins in them."""
    vehicle: bool = False
    """Never louder by itself; never faster music for a tense mood: louder and faster music makes faster drivers
    (W. Brodsky, "The effects of music tempo on simulated driving performance and vehicular control", Transportation
    Research Part F 4, 2001)."""
    tense_energy_max: float = 0.0
    """In a vehicle, energy of music for a tense mood: nothing above the middle of the scale."""


@dataclass(frozen=True, slots=True)
class MoodNow:
    """The mood as heard."""

    emotion: str | None = None
    """One of EMOTIONS, UNSURE, NOBODY; None: not known (paused, unit away, too old)."""
    confidence: float = 0.0
    since_s: float = 0.0
    """Monotonic seconds since when ``emotion`` has held."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One song that the policy suggests for this moment and the player can play."""

    song: Song
    energy: float
    """-1 calm to 1 driving."""
