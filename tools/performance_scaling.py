"""Measures how a look grows with pixels and faces: ours and the yardstick in turns on the same picture."""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge.camera.demo import CLIP
from edge.compose import face_finder, load_or_default, people_settings
from edge.core.people import People
from edge.data import Frame
from edge.measure.bench import Pipeline, Yardstick
from edge.measure.decoded import decoded_frames
from edge.paths import model_path
from edge.vision.emotion import EmotionClassifier
from edge.vision.finders import FaceFinder

Image = NDArray[np.uint8]
SIZES_PX = ((320, 240), (480, 360), (640, 480), (960, 720), (1280, 960), (1600, 1200))
FACES = (0, 1, 2, 3, 4, 6, 8)
_AT_FRAME = 100
"""8 s into the bundled clip: one person, who does not exist, looks at the camera."""
_CELL_PX = 150
_PLACES = tuple((x, y) for y in (5, 165, 325) for x in (5, 165, 325, 485))
_STEP_S = 0.1


def _frame() -> Image:
    return next(itertools.islice(decoded_frames(CLIP), _AT_FRAME, None)).image


def crowd(image: Image, finder: FaceFinder, faces: int) -> Image:
    """``faces`` copies of the face in ``image`` on an even 640 x 480."""
    x, y, width, height = finder.find(image)[0].box_xywh_px
    side, middle = round(1.6 * max(width, height)), (x + width / 2, y + height / 2)
    left, top = max(round(middle[0] - side / 2), 0), max(round(middle[1] - side / 2), 0)
    cell = cv2.resize(image[top : top + side, left : left + side], (_CELL_PX, _CELL_PX), interpolation=cv2.INTER_AREA)
    canvas = np.full((480, 640, 3), 128, np.uint8)
    for x0, y0 in _PLACES[:faces]:
        canvas[y0 : y0 + _CELL_PX, x0 : x0 + _CELL_PX] = cell
    return canvas


def in_turns(works: list[Callable[[], object]], turns: int) -> list[float]:
    """Median milliseconds of each of ``works``, called in turns."""
    times_s: list[list[float]] = [[] for _ in works]
    for _ in range(turns):
        for work, durations in zip(works, times_s, strict=True):
            begin_s = time.perf_counter()
            work()
            durations.append(time.perf_counter() - begin_s)
    return [1e3 * statistics.median(durations) for durations in times_s]


def scaling(turns: int) -> tuple[list[tuple[float, float, float]], list[tuple[float, float, float, int]]]:
    """Rows (megapixels, ours ms, yardstick ms) and (faces, ours ms, yardstick ms, faces read by ours)."""
    cv2.setNumThreads(1)
    config = load_or_default(None)
    finder = face_finder(config)
    reader = EmotionClassifier(model_path(config.emotion.model))
    yardstick, image = Yardstick(model_path("yardstick")), _frame()
    clock = itertools.count()

    def measured(picture: Image) -> tuple[float, float, int]:
        pipeline = Pipeline(finder, reader, People(people_settings(config)))

        def ours() -> int:
            number = next(clock)
            return pipeline.frame(Frame(picture, number * _STEP_S, number))

        read = [ours() for _ in range(3)][-1]
        ms, yardstick_ms = in_turns([ours, lambda: yardstick.frame(Frame(picture, 0.0, 0))], turns)
        return ms, yardstick_ms, read

    by_pixels = []
    for width, height in SIZES_PX:
        ms, yardstick_ms, _ = measured(np.asarray(cv2.resize(image, (width, height)), np.uint8))
        by_pixels.append((width * height / 1e6, ms, yardstick_ms))
    by_faces = [(float(n), *measured(crowd(image, finder, n))) for n in FACES]
    return by_pixels, by_faces
