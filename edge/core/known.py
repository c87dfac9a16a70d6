"""What the companion knows of its unit, as it heard it: who is there, with which mood, and whether that still holds."""

from __future__ import annotations

from edge.core.direction import MoodNow
from edge.core.heard_records import Heard, HeardAvailability, HeardMood, HeardPrivacy
from edge.core.suggestion import Situation
from edge.core.view import Playing, Sight
from edge.data import EMOTIONS, NOBODY, UNSURE


class Known:
    """Of one unit. Times are monotonic seconds of the caller's clock."""

    def __init__(self, *, stale_s: float) -> None:
        """``stale_s``: a mood not heard again for so long counts as gone."""
        self._stale_s = stale_s
        self._mood: HeardMood | None = None  # never of a unit that is not online
        self._mood_s = 0.0
        self._since_s = 0.0
        self.online = False
        """As the unit's availability, or a mood, last said."""
        self.paused = False
        """As the unit's privacy state last said."""

    def hear(self, heard: Heard | None, now_s: float) -> None:
        """Takes a mood, an availability or a privacy state; anything else says nothing of these."""
        if isinstance(heard, HeardMood):
            before = None if self._mood is None else (self._mood.track_id, self._mood.emotion)
            if before != (heard.track_id, heard.emotion):
                self._since_s = now_s - heard.held_s
            self._mood, self._mood_s, self.online = heard, now_s, True
        elif isinstance(heard, HeardAvailability):
            self.online = heard.online
            self._mood = self._mood if heard.online else None
        elif isinstance(heard, HeardPrivacy):
            self.paused = heard.paused

    def forget(self, now_s: float) -> None:
        """Drops a mood that is too old: the unit fell silent without a word."""
        if self._mood is not None and now_s - self._mood_s > self._stale_s:
            self._mood = None

    @property
    def people(self) -> int:
        """In view; 0 where that is not known."""
        return 0 if self._mood is None else self._mood.in_view

    @property
    def emotion(self) -> str:
        """One of EMOTIONS, UNSURE or NOBODY; UNSURE where it is not known."""
        return UNSURE if self._mood is None else self._mood.emotion

    def sight(self, now_s: float, *, connected: bool, playing: Playing | None) -> Sight:
        """For the page. ``connected``: to the broker."""
        mood = self._mood
        return Sight(
            connected=connected and self.online,
            paused=self.paused,
            faces=0 if mood is None else mood.in_view,
            emotion=NOBODY if mood is None else mood.emotion,
            confidence=0.0 if mood is None else mood.confidence,
            held_s=now_s - self._since_s if mood is not None and mood.emotion in EMOTIONS else 0.0,
            playing=playing,
        )

    def situation(self) -> Situation:
        """For choices, without clock and wishes: a mood that is no emotion, or not sure enough, does not count."""
        mood = self._mood
        if mood is None or mood.abstain or mood.emotion not in EMOTIONS:
            return Situation(people=max(1, self.people))
        return Situation(
            valence=mood.valence,
            arousal=mood.arousal,
            confidence=mood.confidence,
            emotion=mood.emotion,
            people=max(1, mood.in_view),
        )

    def mood_now(self) -> MoodNow:
        """For music. Emotion None where the mood is not known: then music plays on and only choices stop."""
        if self._mood is None or self.paused:
            return MoodNow(None, 0.0, self._since_s)
        return MoodNow(self._mood.emotion, self._mood.confidence, self._since_s)
