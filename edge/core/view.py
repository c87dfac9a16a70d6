"""The records of the kiosk page: what the companion knows (Sight), and what the page shows (View, made of Cards).

``edge.core.presentation`` turns one into the other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from edge.core.suggestion import Choice, Wish
from edge.data import NOBODY

Scene = Literal["idle", "glow", "cards", "paused", "offline"]
MoodDisplay = Literal["colour", "word", "off"]
TouchKind = Literal["like", "skip", "finished", "not_quite", "pause", "resume", "language"]


@dataclass(frozen=True, slots=True)
class PresentationSettings:
    """Times in seconds; the defaults are the shipped behaviour."""

    words_s: float = 1.5
    """A mood must be stable so long before words and cards follow it."""
    unsure_s: float = 4.0
    """Somebody is in view so long and no mood settles: words and cards that suit everyone."""
    hold_s: float = 8.0
    """Cards stay at least so long after they came."""
    touch_hold_s: float = 10.0
    """Cards stay at least so long after a touch."""
    idle_s: float = 6.0
    """Nobody in view for so long ends the scene; so does a unit that is away."""
    wish_s: float = 60.0
    """How long "not quite?" holds."""
    refresh_s: float = 60.0
    """New cards for the same mood after so long."""
    retry_s: float = 5.0
    """Wait after an empty offer."""
    cards_shown: int = 3
    confidence_floor: float = 0.35
    """Below it a mood counts as unsure. With seven classes 0.14 is pure chance; a unit abstains by itself at its own
    floor, so this only guards against units that do not."""
    mood: MoodDisplay = "colour"
    """colour: colours follow the mood; word: and a word does; off: neither, nor the headline."""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Playing:
    """What the player plays at this moment."""

    item_id: str
    """Empty when it was not chosen from the catalogue."""
    title: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What the companion knows of the unit at one moment."""

    connected: bool
    """The broker is connected and the unit's availability says online."""
    paused: bool = False
    """The unit's privacy state."""
    faces: int = 0
    """In view."""
    emotion: str = NOBODY
    """The emotion that holds for the main face: one of EMOTIONS, UNSURE or NOBODY."""
    confidence: float = 0.0
    held_s: float = 0.0
    """How long the unit has held ``emotion``; 0 when it is not known."""
    playing: Playing | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One suggestion as the page shows it."""

    id: str
    kind: str
    title: str
    reason: str
    creator: str = ""
    year: int | None = None
    minutes: float | None = None
    text: str = ""
    """Shown in large letters after Begin. Empty: the card has no Begin."""
    image: str = ""
    """Path of a picture on this device; the server makes it an address or drops it."""
    liked: bool = False

    @classmethod
    def of(cls, choice: Choice) -> Card:
        item = choice.item
        return cls(
            id=item.id,
            kind=item.kind,
            title=item.title,
            reason=choice.reason,
            creator=item.creator,
            year=item.year,
            minutes=item.minutes,
            text=item.text,
            image=item.image,
        )


@dataclass(frozen=True, slots=True)
class View:
    """Everything the page needs to know. Texts are keys of ``edge.core.wording``."""

    scene: Scene
    tone: str = "now"
    """Colour: a value of TONES, or ``all``."""
    headline: str = ""
    """``headline.<this>`` is shown. Empty: no words yet."""
    word: str = ""
    """``word.<this>`` is shown beside the headline. Empty: none."""
    cards: tuple[Card, ...] = ()
    wish: Wish = ""
    language: str = "en"
    playing: Playing | None = None

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)
