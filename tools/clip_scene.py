"""Paints head and shoulders around an average face, a blurred moving background, and puts both into frames.

The photographs are grey almost throughout, so the colours of skin, lips, hair and clothes are painted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from clip_faces import EYES_PX, HEIGHT_PX, WIDTH_PX
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Colour = tuple[int, int, int]

HEAD_PX = (480, 640)
"""Width and height of the canvas of a head with its shoulders."""
OFFSET_PX = (120, 90)
"""Where the top left corner of the face template stands on it."""
FRAME_PX = (640, 480)
_GRID = np.stack(np.meshgrid(np.arange(HEAD_PX[0]), np.arange(HEAD_PX[1])), axis=-1).astype(np.float32)


@dataclass(frozen=True)
class Look:
    """Painted colours (BGR) and the shape of the hair."""

    skin: tuple[Colour, Colour, Colour]
    """Shadow, middle, light."""
    hair: Colour
    clothes: Colour
    long_hair: bool
    neck_px: float
    """Half the width of the neck in the template."""


@dataclass(frozen=True)
class Pose:
    """Where a head stands in a frame and how the light falls."""

    x_px: float
    y_px: float
    scale: float
    roll_deg: float
    yaw_px: float
    """How far the middle of the face shifts to the side: a hint of turning the head."""
    gain: float
    opacity: float


def _ellipse(centre: tuple[float, float], radii: tuple[float, float], soft_px: float, size: tuple[int, int]) -> Floats:
    """A soft-edged filled ellipse, 0-1, ``(height, width)`` for ``size`` = (width, height)."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    distance = np.hypot((x - centre[0]) / radii[0], (y - centre[1]) / radii[1])
    return np.clip((1 - distance) * min(radii) / soft_px + 0.5, 0, 1).astype(np.float32)


def _noise(size: tuple[int, int], cell: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Smooth noise of about -1 to 1, ``(height, width)``; ``cell`` is the size of a blob in pixels."""
    small = rng.uniform(-1, 1, (size[1] // cell[1] + 3, size[0] // cell[0] + 3)).astype(np.float32)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), np.float32)


def _face_mask() -> Floats:
    """Opacity of the face in the template: an oval that narrows to the chin."""
    x, y = np.meshgrid(np.arange(WIDTH_PX), np.arange(HEIGHT_PX))
    height = np.where(y < 150, (150 - y) / 112.0, (y - 150) / 105.0)
    half = 90 * np.sqrt(np.clip(1 - height ** np.where(y < 150, 2.4, 2.0), 0, None))
    inside = (half > np.abs(x - EYES_PX[:, 0].mean())).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), 6), np.float32)


def colourise(face: Floats, look: Look, mouth_y_px: float) -> Floats:
    """Skin colours by brightness, redder lips, paler eyes and teeth: ``(H, W, 3)`` BGR 0-255."""
    grey = np.clip(0.56 + 0.185 * face, 0, 1)
    stops = np.array([(14, 14, 18), *look.skin, (235, 240, 248)], np.float32)
    places = (0.0, 0.28, 0.6, 0.86, 1.0)
    colour = np.stack([np.interp(grey, places, stops[:, c]) for c in range(3)], axis=-1).astype(np.float32)
    plain = np.repeat(grey[..., None] * 225, 3, axis=2)
    size = (WIDTH_PX, HEIGHT_PX)
    mouth = _ellipse((120, mouth_y_px), (38, 22), 10, size)
    lips = mouth * np.clip((0.66 - grey) / 0.2, 0, 1) * np.clip((grey - 0.12) / 0.2, 0, 1)
    colour += (lips * 13)[..., None] * np.array([-0.1, -0.7, 0.75], np.float32)
    pale = 0.7 * mouth * np.clip((grey - 0.66) / 0.15, 0, 1)
    for eye in EYES_PX:
        pale = np.maximum(pale, 0.6 * _ellipse((eye[0], eye[1]), (19, 9), 6, size))
    return np.asarray(colour + (plain - colour) * pale[..., None], np.float32)


def _blend(canvas: Floats, colour: Floats | Colour, opacity: Floats) -> None:
    """Paints ``colour`` onto the four-channel ``canvas`` in place (colour, then opacity 0-1)."""
    canvas[..., :3] += (np.asarray(colour, np.float32) - canvas[..., :3]) * opacity[..., None]
    canvas[..., 3] = np.maximum(canvas[..., 3], opacity)


def paint_head(face: Floats, look: Look, mouth_y_px: float, seed: int) -> Floats:
    """A face with hair, neck and shoulders: ``(640, 480, 4)`` BGR 0-255 and opacity 0-1."""
    rng = np.random.default_rng(seed)
    left, top = OFFSET_PX
    middle = left + 120
    canvas = np.zeros((HEAD_PX[1], HEAD_PX[0], 4), np.float32)
    canvas[..., :3] = look.hair
    strands = _noise(HEAD_PX, (4, 60), rng) * 0.25 + _noise(HEAD_PX, (24, 40), rng) * 0.2
    hair = np.array(look.hair, np.float32) * (1 + strands)[..., None]
    weave = 1 + 0.06 * _noise(HEAD_PX, (5, 5), rng) + 0.12 * _noise(HEAD_PX, (60, 30), rng)
    if look.long_hair:
        _blend(canvas, hair, _ellipse((middle, top + 180), (122, 200), 8, HEAD_PX))
    clothes = np.array(look.clothes, np.float32) * weave[..., None]
    _blend(canvas, clothes, _ellipse((middle, top + 500), (215, 210), 5, HEAD_PX))
    neck = np.array(look.skin[1], np.float32) * np.linspace(0.8, 0.95, HEAD_PX[1], dtype=np.float32)[:, None, None]
    shade = 1 - 0.3 * _ellipse((middle, top + 232), (80, 58), 40, HEAD_PX)
    neck = neck * (shade + 0.04 * _noise(HEAD_PX, (30, 30), rng))[..., None]
    _blend(canvas, neck, _ellipse((middle, top + 250), (look.neck_px, 78), 6, HEAD_PX))
    _blend(canvas, hair, _ellipse((middle, top + 118), (101, 118), 6, HEAD_PX) * (_GRID[..., 1] < top + 190))
    mask = np.zeros(canvas.shape[:2], np.float32)
    skin = np.zeros((*canvas.shape[:2], 3), np.float32)
    here = np.s_[top : top + HEIGHT_PX, left : left + WIDTH_PX]
    mask[here], skin[here] = _face_mask(), colourise(face, look, mouth_y_px)
    _blend(canvas, skin, mask)
    return canvas


def paint_background(seed: int) -> Floats:
    """A room out of focus, larger than a frame ``(560, 800, 3)``: walls, shelves, lamps, grain of a surface."""
    rng = np.random.default_rng(seed)
    size = (800, 560)
    room = np.empty((size[1], size[0], 3), np.float32)
    room[:] = (96, 104, 108)
    room += (np.linspace(18, -22, size[1], dtype=np.float32)[:, None] + 16 * _noise(size, (160, 120), rng))[..., None]
    for _ in range(26):
        x, y = rng.integers(0, size[0]), rng.integers(0, size[1])
        w, h = rng.integers(30, 130), rng.integers(40, 190)
        colour = [int(c) for c in rng.integers(50, 140) + rng.integers(-18, 19, 3)]
        cv2.rectangle(room, (int(x), int(y)), (int(x + w), int(y + h)), colour, -1)
    room = cv2.GaussianBlur(room, (0, 0), 13)
    for _ in range(14):
        spot = _ellipse((rng.uniform(0, 800), rng.uniform(0, 260)), (r := rng.uniform(6, 16), r), 3, size)
        room += spot[..., None] * np.array([70, 95, 110], np.float32) * np.float32(rng.uniform(0.3, 0.8))
    return room + (3 * _noise(size, (6, 6), rng))[..., None]


def _turned(head: Floats, yaw_px: float) -> Floats:
    x, y = _GRID[..., 0] - OFFSET_PX[0] - 120, _GRID[..., 1] - OFFSET_PX[1] - 150
    places = _GRID.copy()
    places[..., 0] -= yaw_px * np.exp(-((x / 75) ** 2) - (y / 110) ** 2)
    return np.asarray(cv2.remap(head, places, None, cv2.INTER_LINEAR), np.float32)


def put_head(frame: Floats, head: Floats, pose: Pose) -> None:
    """Draws a head in place; ``pose`` gives where the middle between nose and eyes comes to stand."""
    centre = (OFFSET_PX[0] + 120.0, OFFSET_PX[1] + 145.0)
    move = cv2.getRotationMatrix2D(centre, pose.roll_deg, pose.scale)
    move[:, 2] += np.array([pose.x_px, pose.y_px]) - centre
    drawn = cv2.warpAffine(_turned(head, pose.yaw_px), move, FRAME_PX, flags=cv2.INTER_LINEAR)
    opacity = drawn[..., 3:] * np.float32(pose.opacity)
    frame += (drawn[..., :3] * np.float32(pose.gain) - frame) * opacity


def background_at(room: Floats, t_s: float) -> Floats:
    """The part of the room that a slowly swaying camera sees at a time ``(480, 640, 3)``."""
    x = 80 + 60 * np.sin(2 * np.pi * t_s / 20)
    y = 40 + 25 * np.sin(2 * np.pi * t_s / 13.333)
    move = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
    return np.asarray(cv2.warpAffine(room, move, FRAME_PX, flags=cv2.INTER_LINEAR), np.float32)


def sensor(frame: Floats, gain: float, rng: np.random.Generator, noise: float = 2.0) -> NDArray[np.uint8]:
    """Brightness change and sensor noise of about ``noise`` grey levels; returns uint8."""
    speckle = rng.normal(0, noise, frame.shape[:2]).astype(np.float32)
    return np.clip(frame * np.float32(gain) + speckle[..., None], 0, 255).astype(np.uint8)


def mix(heads: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """The cross-fade of heads that share their eyes' places."""
    return np.asarray(sum(h * np.float32(w) for h, w in zip(heads, weights, strict=True)), np.float32)
