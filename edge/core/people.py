"""The pure middle of the pipeline: faces and readings in, people and their events out.

The daemon, ``replay`` and the tests drive the same object; it knows neither camera, network nor clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge.core.attention import AttentionSettings, attention
from edge.core.main_face import MainFaceSettings, main_face
from edge.core.smooth import Smoother
from edge.core.track import Tracker, single
from edge.core.trigger import Trigger, TriggerSettings, TriggerState
from edge.data import EMOTIONS, UNSURE, EmotionEvent, Face, Floats, Mood, Person, Track


@dataclass(frozen=True, slots=True)
class PeopleSettings:
    """Times in seconds; ``min_face_px`` is the shorter side below which a face is followed but not read."""

    max_lost_s: float = 0.7
    confirm_s: float = 0.25
    min_iou: float = 0.2
    tau_s: float = 0.27
    confidence_min: float = 0.38
    min_face_px: float = 24.0
    trigger: TriggerSettings = field(default_factory=TriggerSettings)
    main_face: MainFaceSettings = field(default_factory=MainFaceSettings)
    attention: AttentionSettings = field(default_factory=AttentionSettings)


@dataclass(slots=True)
class _State:
    smoother: Smoother
    trigger: Trigger
    mood: Mood
    track: Track
    label: str = ""
    """What the last reading said; empty before any."""
    doubted: bool = False
    """The network was shown the face and never yet found anything to read: most likely no face."""


class People:
    """Everyone in view. For each frame that was looked at call ``see`` and then, with the readings, ``read``; for one
    that was not, ``between``."""

    def __init__(self, settings: PeopleSettings) -> None:
        self._set = settings
        self._tracker = Tracker(max_lost_s=settings.max_lost_s, min_iou=settings.min_iou)
        self._states: dict[int, _State] = {}
        self._main_id: int | None = None
        self._frame_px: tuple[int, int] | None = None

    def see(self, faces: Sequence[Face], t_s: float, *, frame_px: tuple[int, int] | None = None) -> tuple[Track, ...]:
        """The tracks of ``faces``, in their order, of a face found twice once. Those for which ``readable`` holds want
        a reading.

        ``frame_px``: width and height of the frame; without it the main face is not chosen by its place.
        """
        self._frame_px = frame_px
        return self._tracker.update(single(faces), t_s)

    def readable(self, track: Track) -> bool:
        """Whether the face is large enough for the network."""
        return min(track.face.box_xywh_px[2:]) >= self._set.min_face_px

    @property
    def anyone(self) -> bool:
        """Whether somebody is followed, the briefly lost and the not yet confirmed included."""
        return self._tracker.anyone

    @property
    def settled(self) -> frozenset[int]:
        """Ids of tracks whose emotion holds and was read again last time: the next reading can wait a little."""
        return frozenset(i for i, s in self._states.items() if s.label and s.label == s.trigger.held)

    def between(self, t_s: float) -> None:
        """The frame of ``t_s`` was not looked at: faces go on as they moved, moods and events wait for a look."""
        for track in self._tracker.ahead(t_s):
            state = self._states.get(track.id)
            if state is not None:
                state.track = track
        self._choose_main()

    def read(self, readings: Mapping[int, Floats | None], t_s: float) -> list[EmotionEvent]:
        """Takes the readings of this look by track id, each float ``(7,)`` summing to 1, or None when the network
        found nothing to read; who was not due is not in it. Returns what happened.

        A track seen without a reading keeps its mood. Ends of people who left come first.
        """
        tracks = {track.id: track for track in self._tracker.tracks}
        events: list[EmotionEvent] = []
        for track_id in [i for i in self._states if i not in tracks]:
            state = self._states.pop(track_id)
            events += state.trigger.end(state.mood, t_s, face_px=_face_px(state.track))
        for track in tracks.values():
            if track.last_s == t_s:
                events += self._advance(track, readings.get(track.id), t_s, due=track.id in readings)
        self._choose_main()
        return events

    def leave(self, t_s: float) -> list[EmotionEvent]:
        """Everyone is gone at once: the camera was closed. Ends what holds; ids go on counting."""
        self._tracker.clear()
        return self.read({}, t_s)

    def change(self, settings: PeopleSettings) -> None:
        """Other settings from now on, without losing a track, a mood or an emotion that holds."""
        self._set = settings
        self._tracker.change(max_lost_s=settings.max_lost_s, min_iou=settings.min_iou)
        for state in self._states.values():
            state.smoother.change(tau_s=settings.tau_s, confidence_min=settings.confidence_min)
            state.trigger.change(settings.trigger)

    def release(self, t_s: float) -> list[EmotionEvent]:
        """Ends every emotion that holds, while the people stay: whoever listened is told no more, or begins now."""
        states = self._states.values()
        return [event for s in states for event in s.trigger.end(s.mood, t_s, face_px=_face_px(s.track))]

    def now(self, t_s: float) -> tuple[Person, ...]:
        """Everyone who counts as present, the briefly lost included, the main person first."""
        people = [self._person(s, t_s) for s in self._states.values() if self._confirmed(s)]
        return tuple(sorted(people, key=lambda p: (p.track.id != self._main_id, p.track.id)))

    def explain(self, track_id: int) -> TriggerState | None:
        """The trigger's inner state, or None for a track without one."""
        state = self._states.get(track_id)
        return None if state is None else state.trigger.state

    def _advance(self, track: Track, reading: Floats | None, t_s: float, *, due: bool) -> list[EmotionEvent]:
        state = self._states.get(track.id)
        if state is None:
            smoother = Smoother(track.id, tau_s=self._set.tau_s, confidence_min=self._set.confidence_min)
            state = _State(smoother, Trigger(self._set.trigger), smoother.update(reading, t_s), track)
            self._states[track.id] = state
        else:
            # A face large enough that was not read was not due: what was read of it before is as good as it was.
            kept = state.mood.usable and not due and self.readable(track)
            state.mood, state.track = state.smoother.update(reading, t_s, usable=kept), track
        if reading is not None:
            state.label, state.doubted = EMOTIONS[int(reading.argmax())], False
        elif due:
            state.doubted = not state.label
        # The track's landmarks are smoothed already, so attention is not smoothed again.
        state.mood = replace(state.mood, attention=attention(track.face.landmarks_px, self._set.attention))
        if not self._confirmed(state):
            return []
        return state.trigger.update(state.mood, t_s, face_px=_face_px(track))

    def _confirmed(self, state: _State) -> bool:
        """Whether this is a person: seen for long enough, and no false alarm as far as the network can tell."""
        return not state.doubted and state.track.last_s - state.track.first_s >= self._set.confirm_s

    def _choose_main(self) -> None:
        tracks = [s.track for s in self._states.values() if self._confirmed(s)]
        self._main_id = main_face(tracks, self._main_id, self._set.main_face, frame_px=self._frame_px)

    @staticmethod
    def _person(state: _State, t_s: float) -> Person:
        trigger = state.trigger
        return Person(state.track, state.mood, trigger.held or UNSURE, trigger.held_s(t_s))


def _face_px(track: Track) -> float:
    return min(track.face.box_xywh_px[2:])
