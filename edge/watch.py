"""What the daemon does with each frame: look or not, follow, read, and say what happened. Thread-free and clock-free
but for durations; ``moodcast bench`` drives the same object."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from edge.core.people import People
from edge.core.schedule import Schedule
from edge.core.stats import StageTimes
from edge.core.stillness import SIZE_PX, Stillness, Thumbnail
from edge.data import EmotionEvent, Floats, Frame, Image, Track
from edge.vision.emotion import EmotionClassifier
from edge.vision.finders import FaceFinder


@dataclass(slots=True)
class Watch:
    """The parts that a frame passes through, and how often they were used."""

    finder: FaceFinder
    classifier: EmotionClassifier
    people: People
    schedule: Schedule
    usable_min: float = 0.0
    """A face whose usable score is below gives no reading."""
    times: StageTimes = field(default_factory=StageTimes)
    stillness: Stillness = field(default_factory=Stillness)
    looks: int = 0
    """Frames searched for faces."""
    passed: int = 0
    """Frames that the schedule did not search: no drops."""
    reads: int = 0
    """Faces read by the network."""

    def frame(self, frame: Frame, *, late_s: float = 0.0, live: bool = True) -> list[EmotionEvent]:
        """Takes one frame, ``late_s`` seconds old; returns what happened.

        ``live`` False: a recording played faster than it was taken, whose seconds say nothing about our speed.
        """
        if not self._wanted(frame):
            self.passed += 1
            self.people.between(frame.t_s)
            return []
        begin_s = time.perf_counter()
        events = self._look(frame)
        took_s = time.perf_counter() - begin_s
        self.schedule.looked(frame.t_s, took_s=took_s if live else 0.0, late_s=late_s if live else 0.0)
        return events

    def _wanted(self, frame: Frame) -> bool:
        if self.people.anyone:
            self.stillness.forget()
            return self.schedule.look(frame.t_s, anyone=True, moved=True)
        begin_s = time.perf_counter()
        small = thumbnail(frame.image if frame.small is None else frame.small)
        moved = self.stillness.moved(small)
        self.times.add("motion", time.perf_counter() - begin_s)
        wanted = self.schedule.look(frame.t_s, anyone=False, moved=moved)
        if wanted:
            self.stillness.looked(small)
        return wanted

    def _look(self, frame: Frame) -> list[EmotionEvent]:
        people, image, t_s = self.people, frame.image, frame.t_s
        marks_s = [time.perf_counter()]
        small = frame.small
        faces = self.finder.find(image) if small is None else self.finder.find(small, scale=_scale(image, small))
        marks_s.append(time.perf_counter())
        tracks = people.see(faces, t_s, frame_px=(image.shape[1], image.shape[0]))
        readable = [track for track in tracks if people.readable(track)]
        due = self.schedule.due(readable, t_s, settled=people.settled)
        marks_s.append(time.perf_counter())
        rows = self._read(image, due)
        marks_s.append(time.perf_counter())
        events = people.read({track.id: row for track, row in zip(due, rows, strict=True)}, t_s)
        marks_s.append(time.perf_counter())
        self.looks += 1
        self.reads += len(due)
        self._add(marks_s, read=bool(due))
        return events

    def _read(self, image: Image, due: Sequence[Track]) -> Sequence[Floats | None]:
        if not due:
            return ()
        return self.classifier.read(image, [track.face for track in due]).rows(self.usable_min)

    def _add(self, marks_s: Sequence[float], *, read: bool) -> None:
        for stage, start_s, end_s in zip(("find", "track", "classify", "smooth"), marks_s, marks_s[1:], strict=False):
            if stage != "classify" or read:
                self.times.add(stage, end_s - start_s)


def _scale(image: Image, small: Image) -> float:
    """Pixels of ``image`` for each of ``small``."""
    return float(image.shape[1] / small.shape[1])


def thumbnail(image: Image) -> Thumbnail:
    """``image``, uint8 ``(H, W, 3)`` BGR, as tiny uint8 grey ``(24, 32)``: each cell the mean of its part."""
    small = cv2.resize(image, SIZE_PX, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
