"""``moodcast bench``: our pipeline against what a user would otherwise take, on the same frames, one thread each.

The yardstick is OpenCV's Haar cascade (scale 1.1, 5 neighbours, 50 px) and a float network of mini-Xception's size in
the same runtime. Both take turns on short chunks of decoded frames and the ratio is the median over the chunks, so
that whatever else the machine does hits both.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.core.people import People
from edge.core.stats import latency
from edge.data import Floats, Frame, Image
from edge.errors import InputError
from edge.machine import rss_mb
from edge.measure.analyze import FaceFinder, FaceReader
from edge.measure.recording import frames_of
from edge.vision.haar import CASCADE
from edge.vision.runtime import load_network

CHUNK_FRAMES = 10
"""Frames per turn: a fraction of a second, short beside what disturbs a machine."""
_YARDSTICK_FACE_PX = 50


@dataclass(slots=True)
class Pipeline:
    """Find, track, classify and smooth, as the service does, with the duration of each stage in ``stages_s``."""

    finder: FaceFinder
    reader: FaceReader
    people: People
    usable_min: float = 0.0
    stages_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def frame(self, frame: Frame) -> int:
        """Takes one frame; returns how many faces were read."""
        marks = [time.perf_counter()]
        faces = self.finder.find(frame.image)
        marks.append(time.perf_counter())
        tracks = [t for t in self.people.see(faces, frame.t_s) if self.people.readable(t)]
        marks.append(time.perf_counter())
        rows: Sequence[Floats | None] = []
        if tracks:
            rows = self.reader.read(frame.image, [track.face for track in tracks]).rows(self.usable_min)
        marks.append(time.perf_counter())
        self.people.read({track.id: row for track, row in zip(tracks, rows, strict=True)}, frame.t_s)
        marks.append(time.perf_counter())
        for stage, start, end in zip(("find", "track", "classify", "smooth"), marks, marks[1:], strict=False):
            if stage != "classify" or tracks:
                self.stages_s[stage].append(end - start)
        self.stages_s["frame"].append(marks[-1] - marks[0])
        return len(tracks)


class Yardstick:
    """Haar on the whole frame, then the float network ``model`` on each face."""

    def __init__(self, model: Path) -> None:
        self._cascade = cv2.CascadeClassifier(cv2.data.haarcascades + CASCADE)
        self._network = load_network(model, threads=1)
        _, self._height, self._width, _ = self._network.input.shape

    def frame(self, frame: Frame) -> int:
        """Takes one frame; returns how many faces were read."""
        grey = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
        smallest = (_YARDSTICK_FACE_PX, _YARDSTICK_FACE_PX)
        boxes = self._cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=smallest)
        for x, y, width, height in boxes:
            self._read(grey[y : y + height, x : x + width])
        return len(boxes)

    def _read(self, crop: NDArray[Any]) -> None:
        resized = cv2.resize(crop, (self._width, self._height)).astype(np.float32)
        self._network.run((resized / 127.5 - 1.0)[None, :, :, None])


@dataclass(slots=True)
class _Turns:
    """Seconds of each chunk, ours and the yardstick's, and the faces each one read."""

    frames: int = 0
    ours_s: list[float] = field(default_factory=list)
    yardstick_s: list[float] = field(default_factory=list)
    ours_faces: int = 0
    yardstick_faces: int = 0


def bench(
    clip: Path,
    make_pipeline: Callable[[], Pipeline],
    *,
    yardstick_model: Path,
    max_frames: int = 600,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Measure on the first ``max_frames`` of ``clip``; the dictionary is what ``--json`` prints.

    ``rss_mb`` is the memory of this process after our pipeline worked, taken before the yardstick is loaded and while
    two frames are held, about as many as the service holds. Decoding is not timed. Sets OpenCV to one thread.

    Raises InputError for a clip that cannot be read or is too short.
    """
    cv2.setNumThreads(1)
    frames = itertools.islice(frames_of(clip), max_frames)
    start = list(itertools.islice(frames, 2))
    if len(start) < 2:
        raise InputError(f"{clip}: too short; give a clip of at least 2 frames")
    _seconds(make_pipeline().frame, start)
    memory_mb = rss_mb()
    ours, yardstick = make_pipeline(), Yardstick(yardstick_model)
    chunks = _chunks(itertools.chain(start, frames))
    first = next(chunks)
    for work in (make_pipeline().frame, yardstick.frame):  # warms caches; what it finds and takes is dropped
        _seconds(work, first)
    turns = _Turns()
    for number, chunk in enumerate(itertools.chain([first], chunks)):
        _take_turns(turns, chunk, ours, yardstick, ours_first=number % 2 == 0)
        if on_progress is not None:
            on_progress(turns.frames)
    return _report(clip, turns, ours, memory_mb, first[0].image)


def _take_turns(turns: _Turns, chunk: list[Frame], ours: Pipeline, yardstick: Yardstick, *, ours_first: bool) -> None:
    """Both on ``chunk``; who goes first changes from chunk to chunk, as the second finds warmer caches."""
    for is_ours in (ours_first, not ours_first):
        duration_s, faces = _seconds(ours.frame if is_ours else yardstick.frame, chunk)
        if is_ours:
            turns.ours_s.append(duration_s)
            turns.ours_faces += faces
        else:
            turns.yardstick_s.append(duration_s)
            turns.yardstick_faces += faces
    turns.frames += len(chunk)


def _seconds(work: Callable[[Frame], int], chunk: list[Frame]) -> tuple[float, int]:
    start = time.perf_counter()
    faces = sum(work(frame) for frame in chunk)
    return time.perf_counter() - start, faces


def _chunks(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    """Decoded frames in turns of CHUNK_FRAMES; a short rest joins no turn, as its ratio would count as much."""
    first = True
    while chunk := list(itertools.islice(frames, CHUNK_FRAMES)):
        if first or len(chunk) == CHUNK_FRAMES:
            yield chunk
        first = False


def _report(clip: Path, turns: _Turns, ours: Pipeline, memory_mb: float, image: Image) -> dict[str, Any]:
    stages = {stage: latency(durations) for stage, durations in ours.stages_s.items()}
    ratios = [theirs / mine for mine, theirs in zip(turns.ours_s, turns.yardstick_s, strict=True)]
    return {
        "clip": str(clip),
        "frames": turns.frames,
        "width_px": image.shape[1],
        "height_px": image.shape[0],
        "frames_per_s": round(turns.frames / sum(turns.ours_s), 2),
        "yardstick_frames_per_s": round(turns.frames / sum(turns.yardstick_s), 2),
        "ratio": round(statistics.median(ratios), 3),
        "faces": turns.ours_faces,
        "yardstick_faces": turns.yardstick_faces,
        "rss_mb": round(memory_mb, 1),
        "stages_ms": {stage: {"p50": value.p50_ms, "p95": value.p95_ms} for stage, value in stages.items()},
    }
