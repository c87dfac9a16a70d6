"""``moodcast analyze``: every frame of a picture or video with the faces in it and what the network reads in them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np

from edge.core.track import Tracker
from edge.data import EMOTIONS, Face, Floats, Image, Readings
from edge.measure.media import Medium, read_picture
from edge.measure.recording import frames_of

MAX_SEARCHED_PX = 12_000_000
"""Larger pictures are scaled down to so many pixels to find their faces: the Haar cascade takes about 25 bytes and a
microsecond a pixel (119 million pixels: 2.9 GB)."""


class FaceFinder(Protocol):
    """Finds the faces in uint8 (H, W, 3) BGR."""

    def find(self, image_bgr: Image, /) -> list[Face]: ...


class FaceReader(Protocol):
    """Reads ``faces`` of uint8 (H, W, 3) BGR."""

    def read(self, image_bgr: Image, faces: Sequence[Face], /) -> Readings: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """One face of one frame: who, where, and the frame's own probabilities, float (7,), not smoothed over time."""

    track_id: int
    face: Face
    probs: Floats
    usable_score: float = 1.0
    """How sure the network is that there is a face to be read, 0-1."""
    usable: bool = True
    """False: the score is below the threshold, and the daemon would not take this reading."""

    @property
    def emotion(self) -> str:
        return EMOTIONS[int(np.argmax(self.probs))]

    @property
    def confidence(self) -> float:
        return float(np.max(self.probs))


@dataclass(frozen=True, slots=True)
class AnalyzedFrame:
    """One frame: its picture uint8 (H, W, 3) BGR, ``t_s`` in the recording's time, its faces from left to right."""

    image: Image
    t_s: float
    readings: list[Reading]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyzer:
    """What finds, follows and reads faces. Track ids start at 1 in every file."""

    finder: FaceFinder
    reader: FaceReader
    usable_min: float = 0.0
    max_lost_s: float = 0.7
    min_iou: float = 0.2

    def frames(self, medium: Medium) -> Iterator[AnalyzedFrame]:
        """The frames of one file: one of ``t_s`` 0 for a picture.

        Raises InputError, naming the file, when it cannot be read; with a video this may come after some frames.
        """
        tracker = Tracker(max_lost_s=self.max_lost_s, min_iou=self.min_iou)
        if medium.is_video:
            for frame in frames_of(medium.path):
                yield self._analyzed(frame.image, frame.t_s, tracker)
        else:
            yield self._analyzed(read_picture(medium.path), 0.0, tracker)

    def _analyzed(self, image: Image, t_s: float, tracker: Tracker) -> AnalyzedFrame:
        faces = sorted(find_scaled(self.finder, image), key=lambda face: face.box_xywh_px[0])
        tracks = tracker.update(faces, t_s)
        read = self.reader.read(image, faces) if faces else Readings(np.zeros((0, len(EMOTIONS))), np.zeros(0))
        readings = [
            Reading(track.id, track.face, row, float(score), bool(score >= self.usable_min))
            for track, row, score in zip(tracks, read.probs, read.usable, strict=True)
        ]
        return AnalyzedFrame(image, t_s, readings)


def find_scaled(finder: FaceFinder, image: Image, *, max_px: int = MAX_SEARCHED_PX) -> list[Face]:
    """Faces in uint8 (H, W, 3) BGR, searched at ``max_px`` pixels at most; in pixels of ``image`` all the same."""
    height, width = image.shape[:2]
    if height * width <= max_px:
        return finder.find(image)
    shrink = math.sqrt(max_px / (height * width))
    small = cv2.resize(image, (max(1, int(width * shrink)), max(1, int(height * shrink))), interpolation=cv2.INTER_AREA)
    scale = np.array([width / small.shape[1], height / small.shape[0]])
    return [_enlarged(face, scale) for face in finder.find(np.asarray(small, np.uint8))]


def _enlarged(face: Face, scale: Floats) -> Face:
    x, y, box_width, box_height = (float(v) for v in np.array(face.box_xywh_px) * np.tile(scale, 2))
    landmarks = None if face.landmarks_px is None else face.landmarks_px * scale
    return Face(box_xywh_px=(x, y, box_width, box_height), landmarks_px=landmarks, score=face.score)


def as_record(source: str, t_s: float, readings: Sequence[Reading]) -> dict[str, Any]:
    """The frame as ``moodcast analyze --json`` prints it."""
    return {"source": source, "t_s": round(t_s, 3), "faces": [_face_record(reading) for reading in readings]}


def _face_record(reading: Reading) -> dict[str, Any]:
    return {
        "track_id": reading.track_id,
        "box_xywh_px": [round(float(value), 1) for value in reading.face.box_xywh_px],
        "score": round(float(reading.face.score), 4),
        "probs": {emotion: round(float(p), 6) for emotion, p in zip(EMOTIONS, reading.probs, strict=True)},
        "emotion": reading.emotion,
        "confidence": round(reading.confidence, 6),
        "usable": reading.usable,
        "usable_score": round(reading.usable_score, 4),
    }


def as_line(source: str, t_s: float, readings: Sequence[Reading]) -> str:
    """The frame in one readable line."""
    people = [f"{_answer(reading)} (track {reading.track_id}, {_place(reading.face)})" for reading in readings]
    return f"{source} {t_s:.2f} s: {', '.join(people) or 'no face'}"


def _answer(reading: Reading) -> str:
    if not reading.usable:
        return f"not readable, usable {reading.usable_score:.0%}"
    return f"{reading.emotion} {reading.confidence:.0%}"


def _place(face: Face) -> str:
    x, y, width, height = (round(value) for value in face.box_xywh_px)
    return f"{width}x{height} px at {x},{y}"
