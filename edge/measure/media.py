"""Pictures and videos named on the command line: finding them and reading pictures."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.data import Image
from edge.errors import InputError

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".mpg", ".mpeg", ".gif"})
MAX_PICTURE_PX = 64_000_000
"""Largest picture taken, in pixels: most phones stop at 50 million. One of this size took 723 MB in all, annotated copy
included (2026-11), which a board with 1 GB just bears; a few kilobytes of PNG can claim a thousand times as much."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG, _JPEG_END, _JPEG_SCAN = b"\xff\xd8", b"\xff\xd9", 0xDA
# JPEG start-of-frame markers: C0-CF without DHT (C4), JPG (C8) and DAC (CC).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Medium:
    """One file to look at. ``relative`` is its place below the folder that was named, or its file name."""

    path: Path
    relative: Path
    is_video: bool


def find_media(paths: Iterable[Path], *, leave_out: Path | None = None) -> tuple[list[Medium], list[str]]:
    """The files behind ``paths``: files as they are, folders with everything below them, sorted by name.

    ``leave_out`` is a folder that is not searched (where annotated copies go). Returns the files, each once, and a
    line for each path that leads nowhere. A named file without a known suffix is tried as a picture.
    """
    found: dict[Path, Medium] = {}
    problems: list[str] = []
    for path in paths:
        if path.is_dir():
            files = [p for p in sorted(path.rglob("*")) if _wanted(p, path, leave_out)]
            if not files:
                problems.append(f"{path}: no pictures or videos in this folder")
        elif path.is_file():
            files = [path]
        else:
            problems.append(
                f"{path}: no such file or folder" if not path.exists() else f"{path}: is neither a file nor a folder"
            )
            continue
        for file in files:
            relative = file.relative_to(path) if file != path else Path(file.name)
            found.setdefault(file.resolve(), Medium(file, relative, file.suffix.lower() in VIDEO_SUFFIXES))
    return list(found.values()), problems


def _wanted(path: Path, folder: Path, leave_out: Path | None) -> bool:
    if path.suffix.lower() not in PICTURE_SUFFIXES | VIDEO_SUFFIXES or not path.is_file():
        return False
    if any(part.startswith(".") for part in path.relative_to(folder).parts):
        return False
    return leave_out is None or leave_out.resolve() not in path.resolve().parents


def read_picture(path: Path) -> Image:
    """Decode a picture as uint8 (H, W, 3) BGR, upright as its EXIF says; grey, 16-bit and alpha become plain BGR.

    Raises InputError, naming the file, for what is no picture, is damaged or cut short, or is too large.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not data:
        raise InputError(f"{path}: is empty")
    size = claimed_size(data)
    _refuse_huge(path, size)
    if _cut_short(data):
        raise InputError(f"{path}: is damaged or cut short")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise InputError(f"{path}: cannot be decoded: {error.err}") from error
    if image is None:
        known = "is damaged or cut short" if size else "is not a picture (JPEG, PNG, WebP, BMP or TIFF)"
        raise InputError(f"{path}: {known}")
    _refuse_huge(path, (image.shape[1], image.shape[0]))
    return np.asarray(image, np.uint8)


def _refuse_huge(path: Path, size: tuple[int, int] | None) -> None:
    if size and size[0] * size[1] > MAX_PICTURE_PX:
        limit = MAX_PICTURE_PX // 1_000_000
        raise InputError(f"{path}: {size[0]} x {size[1]} px is too large (limit {limit} million); scale it down first")


def claimed_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) that a PNG's or JPEG's header claims, before anything is decoded; None for other data."""
    if data.startswith(_PNG) and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    for marker, at in _jpeg_segments(data):
        if marker in _JPEG_FRAMES and at + 9 <= len(data):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
    return None


def _cut_short(data: bytes) -> bool:
    """Whether ``data`` is a JPEG whose picture has no end. OpenCV 4.10 decodes that without a word."""
    scans = [at for marker, at in _jpeg_segments(data) if marker == _JPEG_SCAN]
    return data.startswith(_JPEG) and (not scans or data.find(_JPEG_END, scans[0]) < 0)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and offset of each segment of a JPEG up to its first scan (ITU-T T.81, B.1.1); nothing for other data."""
    at = len(_JPEG) if data.startswith(_JPEG) else len(data)
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        yield marker, at
        if marker == _JPEG_SCAN:
            return
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
