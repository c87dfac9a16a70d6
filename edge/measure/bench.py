"""``moodcast bench``: our pipeline against what a user would otherwise take, on the same frames, one thread each.

The yardstick is OpenCV's Haar cascade (scale 1.1, 5 neighbours, 50 px) and a float network of mini-Xception's size in
the same runtime, on every frame. Beside it run our pipeline on every frame, and as the service does it: by the
schedule, the frames taken for a stream of 30 a second. All take turns on short chunks of decoded frames and a ratio is
the median over the chunks, so that whatever else the machine does hits all.
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
from edge.data import Floats, Frame
from edge.errors import InputError
from edge.machine import return_free_memory, rss_mb
from edge.measure.analyze import FaceFinder, FaceReader
from edge.measure.decoded import decoded_frames
from edge.vision.haar import CASCADE
from edge.vision.runtime import load_network
from edge.watch import Watch

CHUNK_FRAMES = 10
"""Frames per turn: a fraction of a second, short beside what disturbs a machine."""
_YARDSTICK_FACE_PX = 50
STREAM_HZ = 30.0
"""The scheduled mode takes the frames for a stream of so many a second."""
_CHUNKS_PER_RATIO = 3
"""Chunks for one scheduled ratio: a second of the stream, so that each holds the same number of looks."""
_HELD_FRAMES = 60
"""Decoded frames kept for the measurement of growth."""
Work = Callable[[Frame], int]


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


class Scheduled:
    """The service's own way with a frame (``edge.watch``), its frames taken for a stream of STREAM_HZ."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._seq = 0

    def frame(self, frame: Frame) -> int:
        """Takes one frame; returns how many faces were read."""
        reads = self.watch.reads
        self.watch.frame(Frame(frame.image, self._seq / STREAM_HZ, self._seq), live=False)
        self._seq += 1
        return self.watch.reads - reads


@dataclass(slots=True)
class _Turn:
    """What one of those who take turns did: seconds of each chunk, CPU seconds and faces read in all."""

    work: Work
    chunks_s: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    faces: int = 0

    def take(self, chunk: list[Frame]) -> None:
        cpu_s, start_s = time.process_time(), time.perf_counter()
        self.faces += sum(self.work(frame) for frame in chunk)
        self.chunks_s.append(time.perf_counter() - start_s)
        self.cpu_s += time.process_time() - cpu_s


def bench(  # noqa: PLR0913 - the last three by keyword
    clip: Path,
    make_pipeline: Callable[[], Pipeline],
    make_watch: Callable[[], Watch],
    *,
    yardstick_model: Path,
    max_frames: int = 600,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Measure on the first ``max_frames`` of ``clip``; the dictionary is what ``--json`` prints.

    ``rss_mb`` is the memory of this process after our pipeline worked, taken before the yardstick is loaded and while
    two frames are held, about as many as the service holds. Another process decodes, and decoding is not timed. Sets
    OpenCV to one thread.

    Raises InputError for a clip that cannot be read or is too short.
    """
    cv2.setNumThreads(1)
    frames = itertools.islice(decoded_frames(clip), max_frames)
    start = list(itertools.islice(frames, 2))
    if len(start) < 2:
        raise InputError(f"{clip}: too short; give a clip of at least 2 frames")
    _Turn(make_pipeline().frame).take(start)
    return_free_memory()  # as the service does when it has started
    memory_mb = rss_mb()
    pipeline, scheduled, yardstick = make_pipeline(), Scheduled(make_watch()), Yardstick(yardstick_model)
    chunks = _chunks(itertools.chain(start, frames))
    first = next(chunks)
    for work in (make_pipeline().frame, yardstick.frame):  # warms caches; what it finds and takes is dropped
        _Turn(work).take(first)
    turns = [_Turn(pipeline.frame), _Turn(yardstick.frame), _Turn(scheduled.frame)]
    done = 0
    for number, chunk in enumerate(itertools.chain([first], chunks)):
        for place in range(len(turns)):  # who goes first changes: the next ones find warmer caches
            turns[(number + place) % len(turns)].take(chunk)
        done += len(chunk)
        if on_progress is not None:
            on_progress(done)
    return {
        "clip": str(clip),
        "frames": done,
        "width_px": first[0].image.shape[1],
        "height_px": first[0].image.shape[0],
        **_ratios(done, *turns),
        **_scheduled(done, scheduled.watch, turns[2]),
        "rss_mb": round(memory_mb, 1),
        "stages_ms": _stages_ms(pipeline),
    }


def _chunks(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    """Decoded frames in turns of CHUNK_FRAMES; a short rest joins no turn, as its ratio would count as much."""
    first = True
    while chunk := list(itertools.islice(frames, CHUNK_FRAMES)):
        if first or len(chunk) == CHUNK_FRAMES:
            yield chunk
        first = False


def _ratios(frames: int, ours: _Turn, yardstick: _Turn, scheduled: _Turn) -> dict[str, Any]:
    seconds = list(zip(ours.chunks_s, yardstick.chunks_s, scheduled.chunks_s, strict=True))
    whole = [seconds[n : n + _CHUNKS_PER_RATIO] for n in range(0, len(seconds), _CHUNKS_PER_RATIO)]
    whole = [chunks for chunks in whole if len(chunks) == _CHUNKS_PER_RATIO] or whole
    by_second = [[sum(times) for times in zip(*chunks, strict=True)] for chunks in whole]
    return {
        "frames_per_s": round(frames / sum(ours.chunks_s), 2),
        "yardstick_frames_per_s": round(frames / sum(yardstick.chunks_s), 2),
        "ratio": round(statistics.median(theirs / mine for mine, theirs, _ in seconds), 3),
        "scheduled_ratio": round(statistics.median(theirs / mine for _, theirs, mine in by_second), 3),
        "faces": ours.faces,
        "yardstick_faces": yardstick.faces,
    }


def _scheduled(frames: int, watch: Watch, turn: _Turn) -> dict[str, Any]:
    """What watching a stream by the schedule cost, decoding left out."""
    video_s = frames / STREAM_HZ
    return {
        "scheduled_stream_hz": STREAM_HZ,
        "scheduled_looks_per_s": round(watch.looks / video_s, 2),
        "scheduled_reads_per_s": round(watch.reads / video_s, 2),
        "cpu_s_per_video_hour": round(3600.0 * turn.cpu_s / video_s, 1),
    }


def _stages_ms(ours: Pipeline) -> dict[str, dict[str, float]]:
    stages = {stage: latency(durations) for stage, durations in ours.stages_s.items()}
    return {stage: {"p50": value.p50_ms, "p95": value.p95_ms} for stage, value in stages.items()}


def growth(make_watch: Callable[[], Watch], clip: Path, *, frames: int, warm_frames: int = 500) -> dict[str, Any]:
    """Memory before and after ``frames`` frames of ``clip``, over and over, every one of them looked at by the schedule
    as often as it allows, after ``warm_frames`` others. Raises InputError for a clip that cannot be read."""
    held = list(itertools.islice(decoded_frames(clip), _HELD_FRAMES))
    if not held:
        raise InputError(f"{clip}: holds no frame")
    work = Scheduled(make_watch())
    turn = _Turn(work.frame)
    turn.take([held[n % len(held)] for n in range(warm_frames)])
    before_mb = rss_mb()
    for n in range(frames):
        work.frame(held[n % len(held)])
    after_mb = rss_mb()
    return {
        "growth_frames": frames,
        "growth_mb": round(after_mb - before_mb, 2),
        "growth_mb_per_20000_frames": round((after_mb - before_mb) * 20_000 / frames, 2),
    }
