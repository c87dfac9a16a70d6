"""What the kiosk page shows at each moment: one state machine over faces, mood, touches, pause and connection.

    idle --a face: at once--> glow --words_s of stable mood--> cards --nobody for idle_s, hold over--> idle
    paused (at once) and offline (the unit away for idle_s) win over all of them.

The companion's loop, time as monotonic seconds that never run backwards::

    view = presenter.update(sight, t_s)
    if presenter.wants_new_cards(t_s):
        presenter.offer([Card.of(choice) for choice in recommend(...)], t_s)  # presenter.wish(t_s), presenter.language
        view = presenter.view(t_s)
    for feedback in server.poll():
        presenter.touch(feedback.kind, feedback.what, t_s)

Records are in ``edge.core.view``. Offer more cards than ``cards_shown``: the rest step in where one is skipped. A View
names tones, never emotions, so that neither the page nor its traffic says anything about a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edge.core.suggestion import Wish
from edge.core.view import Card, PresentationSettings, Scene, Sight, TouchKind, View
from edge.core.wording import LANGUAGES, TONES
from edge.data import UNSURE

WISH_TONES: dict[str, str] = {"brighter": "bright", "calmer": "gentle", "surprise": "new"}
"""Colour of each wish; its headline is ``wish_<name>``."""
_NEVER_S = -float("inf")
_KEPT_SKIPS = 200


class Presenter:
    """Holds the state between updates. Not for use from several threads."""

    def __init__(self, settings: PresentationSettings) -> None:
        self._set = settings
        self.language = settings.language
        self._language_s = _NEVER_S
        self._sight = Sight(connected=False)
        self._scene: Scene = "offline"
        self._paused_here = False
        self._connected_s = self._seen_s = self._arrived_s = self._mood_s = _NEVER_S
        self._mood = ""
        self._skipped: dict[str, None] = {}
        self._clear()

    def _clear(self) -> None:
        """Nothing of anyone remains."""
        self._cards: list[Card] = []
        self._headline = ""
        self._shown_s = self._touch_s = self._wish_s = self._retry_s = _NEVER_S
        self._wish: Wish = ""
        self._asked = False
        self._skipped.clear()

    # --- inputs ------------------------------------------------------------------------------------------------------

    def update(self, sight: Sight, t_s: float) -> View:
        """Takes in what is known now and returns what to show. Call it at least every 0.2 s: a glow must come within
        0.3 s of a face."""
        self._sight = sight
        if sight.connected:
            self._connected_s = t_s
        self._follow_mood(sight, t_s)
        if sight.paused or self._paused_here:
            self._leave("paused", t_s)
        elif t_s - self._seen_s >= self._set.idle_s and not self._held(t_s):
            gone = not sight.connected and t_s - self._connected_s >= self._set.idle_s
            self._leave("offline" if gone else "idle", t_s)
        else:
            self._scene = "cards" if self._cards else "glow"
        return self.view(t_s)

    def offer(self, cards: Sequence[Card], t_s: float) -> None:
        """New cards, best first. Those that were skipped since people came are left out; an empty offer changes
        nothing and is asked for again after ``retry_s``."""
        if self._scene not in ("glow", "cards"):
            return
        self._asked = False
        liked = {card.id for card in self._cards if card.liked}
        unique = {card.id: replace(card, liked=card.id in liked) for card in cards if card.id not in self._skipped}
        if not unique:
            self._retry_s = t_s + self._set.retry_s
            return
        self._headline = self._due(t_s) or self._headline or "now"
        self._cards = list(unique.values())
        self._shown_s = t_s
        self._scene = "cards"

    def touch(self, kind: TouchKind, what: str, t_s: float) -> None:
        """A visitor touched the page. ``what``: the item's id, the wish of ``not_quite``, or the language."""
        touched_cards = bool(self._cards)
        if kind == "language":
            if what in LANGUAGES and what != self.language:
                self.language, self._language_s = what, t_s
                self._asked = True  # the reasons are in the old language
        elif kind in ("pause", "resume"):
            self._paused_here = kind == "pause"
        elif kind == "not_quite":
            self._choose(what, t_s)
        elif kind == "like":
            self._cards = [replace(c, liked=True) if c.id == what else c for c in self._cards]
        elif kind == "skip":
            self._cards = [c for c in self._cards if c.id != what]
            self._skipped[what] = None
            while len(self._skipped) > _KEPT_SKIPS:
                del self._skipped[next(iter(self._skipped))]
        if touched_cards:
            self._touch_s = t_s

    # --- outputs -----------------------------------------------------------------------------------------------------

    def view(self, t_s: float) -> View:
        """What to show, as of the last ``update``, ``offer`` and ``touch``."""
        if self._scene not in ("glow", "cards"):
            return View(self._scene, language=self.language)
        headline = self._headline if self._cards else ""
        tone = self._headline if self._cards else self._stable(t_s) or "now"
        if self._set.mood == "off" and not headline.startswith("wish_"):
            tone = "all" if tone == "all" else "now"
            headline = headline and tone
        wish = headline.removeprefix("wish_") if headline.startswith("wish_") else ""
        tone = WISH_TONES.get(wish, tone)
        return View(
            scene=self._scene,
            tone=tone,
            headline=headline,
            word=tone if self._set.mood == "word" and headline else "",
            cards=tuple(self._cards[: self._set.cards_shown]),
            wish=self.wish(t_s),
            language=self.language,
            playing=self._sight.playing,
        )

    def wish(self, t_s: float) -> Wish:
        """What a visitor asked for by "not quite?", while it holds."""
        return self._wish if t_s - self._wish_s < self._set.wish_s else ""

    def wants_new_cards(self, t_s: float) -> bool:
        """Ask after ``update``: whether the companion should recommend afresh and ``offer``."""
        due = self._due(t_s)
        if self._scene not in ("glow", "cards") or t_s < self._retry_s:
            return False
        if not self._cards or self._asked:
            return due is not None or bool(self._cards)
        if self._held(t_s):
            return False
        few = len(self._cards) < self._set.cards_shown
        return due is not None and (few or due != self._headline or t_s - self._shown_s >= self._set.refresh_s)

    # --- rules -------------------------------------------------------------------------------------------------------

    def _follow_mood(self, sight: Sight, t_s: float) -> None:
        present = sight.connected and sight.faces > 0
        mood = self._mood_of(sight) if present else ""
        if present:
            if t_s - self._seen_s >= self._set.idle_s:
                self._arrived_s = t_s
            self._seen_s = t_s
        if mood != self._mood:
            self._mood, self._mood_s = mood, t_s
        if mood in TONES:
            self._mood_s = min(self._mood_s, t_s - sight.held_s)

    def _mood_of(self, sight: Sight) -> str:
        if sight.faces >= 2:
            return "all"
        return sight.emotion if sight.emotion in TONES and sight.confidence >= self._set.confidence_floor else UNSURE

    def _stable(self, t_s: float) -> str | None:
        """Tone of the mood when it has been stable long enough; unsure never is."""
        if self._mood in ("", UNSURE) or t_s - self._mood_s < self._set.words_s:
            return None
        return TONES.get(self._mood, "all")

    def _due(self, t_s: float) -> str | None:
        """The headline that should stand now; None: no reason to change."""
        wish = self.wish(t_s)
        if wish:
            return f"wish_{wish}"
        stable = self._stable(t_s)
        if stable is not None:
            return stable
        wordless = not self._cards or self._headline.startswith("wish_")
        return "now" if wordless and self._mood and t_s - self._arrived_s >= self._set.unsure_s else None

    def _held(self, t_s: float) -> bool:
        """Cards just came, or somebody just touched the page: nothing changes by itself."""
        fresh = bool(self._cards) and t_s - self._shown_s < self._set.hold_s
        return fresh or t_s - self._touch_s < self._set.touch_hold_s

    def _choose(self, wish: str, t_s: float) -> None:
        if wish not in WISH_TONES or self._scene in ("paused", "offline"):
            return
        self._wish = "brighter" if wish == "brighter" else "calmer" if wish == "calmer" else "surprise"
        self._wish_s = self._touch_s = t_s
        self._retry_s = _NEVER_S
        self._asked = True
        self._scene = "cards" if self._cards else "glow"

    def _leave(self, scene: Scene, t_s: float) -> None:
        if scene == "paused":
            self._mood, self._seen_s = "", _NEVER_S
        if scene != self._scene:
            self._clear()
            self._scene = scene
            self.language = self._set.language if t_s - self._language_s >= self._set.wish_s else self.language
        elif self.language != self._set.language and t_s - self._language_s >= self._set.wish_s:
            self.language = self._set.language
