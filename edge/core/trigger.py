"""From a mood to events: an emotion starts, goes on and ends once.

Two thresholds (`enter` above `leave`: a Schmitt trigger) and two times (`dwell_s` before it starts, `release_s` before
it ends) keep a flickering reading from becoming a flickering event.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.data import EMOTIONS, EmotionEvent, EventType, Mood


@dataclass(frozen=True, slots=True)
class TriggerSettings:
    """Thresholds are probabilities 0-1, times are seconds. ``leave`` < ``enter``."""

    # Chosen with the smoother's time constant on sequences of labelled faces with known truth, checked on others:
    # docs/smoothing.md, 2026-11. A low `leave` with a long `release_s` lets a new emotion take over from the old one
    # without a moment of none between them; `dwell_s` is what keeps single wrong readings out at few frames a second.
    enter: float = 0.4
    leave: float = 0.12
    dwell_s: float = 0.3
    release_s: float = 1.2
    update_s: float = 5.0


@dataclass(frozen=True, slots=True)
class TriggerState:
    """Why the trigger does what it does, for ``moodcast replay --explain``."""

    held: str | None
    held_since_s: float
    candidate: str | None
    """The emotion above `enter` that waits for its dwell."""
    candidate_since_s: float
    fading_since_s: float | None
    """Since when the held emotion is below `leave`; None while it is not."""


class Trigger:
    """The state of one track. Times must not decrease."""

    def __init__(self, settings: TriggerSettings) -> None:
        self._set = settings
        self._held: int | None = None
        self._held_since_s = 0.0
        self._updates = 0
        self._candidate: int | None = None
        self._candidate_since_s = 0.0
        self._fading_since_s: float | None = None

    @property
    def held(self) -> str | None:
        """The emotion that holds, or None."""
        return None if self._held is None else EMOTIONS[self._held]

    def held_s(self, t_s: float) -> float:
        """Seconds since the held emotion was first seen; 0 while none holds."""
        return 0.0 if self._held is None else t_s - self._held_since_s

    @property
    def state(self) -> TriggerState:
        candidate = None if self._candidate is None else EMOTIONS[self._candidate]
        return TriggerState(self.held, self._held_since_s, candidate, self._candidate_since_s, self._fading_since_s)

    def change(self, settings: TriggerSettings) -> None:
        """Other thresholds and times from now on; what holds goes on."""
        if settings.update_s != self._set.update_s:
            self._updates = 0
        self._set = settings

    def update(self, mood: Mood, t_s: float, *, face_px: float) -> list[EmotionEvent]:
        """Takes the mood of ``t_s``; returns what happened, in order: at most an end and a start, or one update."""
        self._watch_candidate(mood, t_s)
        self._watch_held(mood, t_s)
        events: list[EmotionEvent] = []
        ripe = self._candidate is not None and t_s - self._candidate_since_s >= self._set.dwell_s
        faded = self._fading_since_s is not None and t_s - self._fading_since_s >= self._set.release_s
        if self._held is not None and (ripe or faded):
            events += self.end(mood, t_s, face_px=face_px)
        if ripe:
            self._held, self._held_since_s, self._updates = self._candidate, self._candidate_since_s, 0
            self._candidate, self._fading_since_s = None, None
            events.append(self._event("start", mood, t_s, face_px))
        elif self._held is not None and self.held_s(t_s) >= (self._updates + 1) * self._set.update_s:
            self._updates = int(self.held_s(t_s) / self._set.update_s)
            events.append(self._event("update", mood, t_s, face_px))
        return events

    def end(self, mood: Mood, t_s: float, *, face_px: float) -> list[EmotionEvent]:
        """The person is gone, or the emotion is: the end of what holds, if anything does."""
        if self._held is None:
            return []
        event = self._event("end", mood, t_s, face_px)
        self._held, self._fading_since_s = None, None
        return [event]

    def _watch_candidate(self, mood: Mood, t_s: float) -> None:
        top = int(mood.probs.argmax())
        if mood.abstain or mood.probs[top] < self._set.enter or top == self._held:
            self._candidate = None
        elif top != self._candidate:
            self._candidate, self._candidate_since_s = top, t_s

    def _watch_held(self, mood: Mood, t_s: float) -> None:
        if self._held is None or mood.probs[self._held] >= self._set.leave:
            self._fading_since_s = None
        elif self._fading_since_s is None:
            self._fading_since_s = t_s

    def _event(self, event_type: EventType, mood: Mood, t_s: float, face_px: float) -> EmotionEvent:
        assert self._held is not None
        return EmotionEvent(
            event_type=event_type,
            track_id=mood.track_id,
            emotion=EMOTIONS[self._held],
            confidence=float(mood.probs[self._held]),
            held_s=self.held_s(t_s),
            mood=mood,
            face_px=face_px,
            t_s=t_s,
        )
