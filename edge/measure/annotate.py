"""Copies of pictures and videos with the readings drawn in. Inputs are never written to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from edge.data import Image
from edge.errors import InputError
from edge.measure.analyze import AnalyzedFrame, Reading
from edge.measure.media import Medium

BOX_BGR = (50, 140, 20)
TEXT_BGR = (255, 255, 255)
_SAVED_AS = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_FALLBACK_RATE_HZ = 25.0
"""Of a video with a single frame: no two times to take the rate from."""


class Copies:
    """Chooses where the annotated copies go: ``OUT/<place below the named folder>/<stem>-annotated<suffix>``.

    A place that is an input or was already given in this run gets a number; copies of earlier runs are replaced.
    Raises InputError when ``folder`` is a file.
    """

    def __init__(self, folder: Path, inputs: Iterable[Path]) -> None:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder}: is not a folder; name a folder for the annotated copies")
        self._folder = folder
        self._taken = {path.resolve() for path in inputs}

    def place(self, medium: Medium) -> Path:
        """Path of the copy of ``medium``; its folder exists afterwards."""
        suffix = ".mp4" if medium.is_video else medium.path.suffix.lower()
        if not medium.is_video and suffix not in _SAVED_AS:
            suffix = ".png"
        stem = self._folder / medium.relative.parent / f"{medium.relative.stem}-annotated"
        target, number = stem.with_name(stem.name + suffix), 2
        while target.resolve() in self._taken:
            target, number = stem.with_name(f"{stem.name}-{number}{suffix}"), number + 1
        self._taken.add(target.resolve())
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{target.parent}: cannot be created: {error.strerror}") from error
        return target


def annotated(frames: Iterable[AnalyzedFrame], medium: Medium, copies: Copies) -> Iterator[AnalyzedFrame]:
    """Passes ``frames`` of ``medium`` on and writes their annotated copy. Raises InputError when that fails."""
    if medium.is_video:
        with VideoCopy(copies.place(medium)) as copy:
            for frame in frames:
                copy.add(draw(frame.image, frame.readings), frame.t_s)
                yield frame
    else:
        for frame in frames:
            save_picture(copies.place(medium), draw(frame.image, frame.readings))
            yield frame


def save_picture(path: Path, image: Image) -> None:
    """Encode by the suffix of ``path`` and write. Raises InputError when that fails."""
    done, data = cv2.imencode(path.suffix, image)
    if not done:
        raise InputError(f"{path}: cannot be encoded")
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


class VideoCopy:
    """Writes frames as mp4. The rate comes from the first two times, so the first frame waits for the second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: tuple[Image, float] | None = None
        self._writer: cv2.VideoWriter | None = None

    def __enter__(self) -> VideoCopy:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._writer is None and self._waiting is not None and error is None:
            self._open(self._waiting[0], _FALLBACK_RATE_HZ)
        if self._writer is not None:
            self._writer.release()

    def add(self, image: Image, t_s: float) -> None:
        """Append uint8 (H, W, 3) BGR of the recording's time ``t_s``."""
        if self._writer is not None:
            self._writer.write(image)
        elif self._waiting is None:
            self._waiting = (image, t_s)
        else:
            first, first_s = self._waiting
            self._open(first, float(np.clip(1.0 / max(t_s - first_s, 1e-3), 1.0, 120.0))).write(image)

    def _open(self, first: Image, rate_hz: float) -> cv2.VideoWriter:
        fourcc = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(self._path), fourcc, rate_hz, (first.shape[1], first.shape[0]))
        if not self._writer.isOpened():
            raise InputError(f"{self._path}: cannot be written as mp4; is the folder writable?")
        self._writer.write(first)
        return self._writer


def draw(image: Image, readings: Sequence[Reading]) -> Image:
    """A copy of uint8 (H, W, 3) BGR with box, track id, emotion and confidence of every reading."""
    canvas = image.copy()
    scale = max(0.35, min(image.shape[:2]) / 900.0)
    thickness = max(1, round(2 * scale))
    for reading in readings:
        x, y, width, height = (round(value) for value in reading.face.box_xywh_px)
        cv2.rectangle(canvas, (x, y), (x + width, y + height), BOX_BGR, thickness, cv2.LINE_AA)
        answer = f"{reading.emotion} {reading.confidence:.0%}" if reading.usable else "not readable"
        text = f"{reading.track_id} {answer}"
        _label(canvas, text, (x, y), scale)
    return canvas


def _label(canvas: Image, text: str, corner: tuple[int, int], scale: float) -> None:
    """White text on a filled bar above ``corner``, moved inside the picture where it would leave it."""
    font, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(1.5 * scale))
    (width, height), below = cv2.getTextSize(text, font, scale, thickness)
    pad = max(2, round(6 * scale))
    full = height + below + 2 * pad
    left = max(0, min(corner[0], canvas.shape[1] - width - 2 * pad))
    top = max(0, corner[1] - full)
    cv2.rectangle(canvas, (left, top), (left + width + 2 * pad, top + full), BOX_BGR, cv2.FILLED)
    cv2.putText(canvas, text, (left + pad, top + pad + height), font, scale, TEXT_BGR, thickness, cv2.LINE_AA)
