"""Drawn things that are no face but have something of one: letters and signs in a ring, discs, stripes, grids."""

from __future__ import annotations

import math

import cv2
import numpy as np
from detector_data import Bgr, Floats

FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789&%$#@!?"
SKIN_BGR = np.array([120.0, 150.0, 200.0])


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    """Any colour; a third of the time that of some skin."""
    if rng.random() < 0.33:
        levels = SKIN_BGR * rng.uniform(0.35, 1.25) + rng.normal(0, 12, 3)
    else:
        levels = rng.uniform(0, 256, 3)
    blue, green, red = (int(v) for v in np.clip(levels, 0, 255))
    return blue, green, red


def drawn_thing(under: Bgr, middle: Floats, half: Floats, rng: np.random.Generator) -> Bgr:
    """A copy of ``under`` uint8 (H, W, 3) with a thing of half size ``half`` (2,) px around ``middle`` (2,) px."""
    image = np.ascontiguousarray(under)
    at, axes = (int(middle[0]), int(middle[1])), (max(int(half[0]), 2), max(int(half[1]), 2))
    if rng.random() < 0.7:
        cv2.ellipse(image, at, axes, 0, 0, 360, _colour(rng), cv2.FILLED, cv2.LINE_AA)
    if rng.random() < 0.5:
        ring = max(int(min(axes) * rng.uniform(0.05, 0.25)), 1)
        inner = (max(axes[0] - ring, 1), max(axes[1] - ring, 1))
        cv2.ellipse(image, at, inner, 0, 0, 360, _colour(rng), ring, cv2.LINE_AA)
    draw = (_letters, _letters, _spots, _stripes, _blobs)[int(rng.integers(5))]
    draw(image, at, axes, rng)
    return image


def _letters(image: Bgr, at: tuple[int, int], axes: tuple[int, int], rng: np.random.Generator) -> None:
    """One to three lines of letters."""
    font, colour = FONTS[int(rng.integers(len(FONTS)))], _colour(rng)
    lines = int(rng.integers(1, 4))
    for line in range(lines):
        text = "".join(rng.choice(list(LETTERS), int(rng.integers(1, 7))))
        thick = max(int(min(axes) * rng.uniform(0.03, 0.16)), 1)
        (width, height), _ = cv2.getTextSize(text, font, 1.0, thick)
        scale = min(1.6 * axes[0] / max(width, 1), 1.6 * axes[1] / (lines * max(height, 1)))
        y = at[1] + int((line - (lines - 1) / 2) * 1.3 * height * scale + height * scale / 2)
        cv2.putText(image, text, (at[0] - int(width * scale / 2), y), font, scale, colour, thick, cv2.LINE_AA)


def _spots(image: Bgr, at: tuple[int, int], axes: tuple[int, int], rng: np.random.Generator) -> None:
    """Spots in a ring or a row: buttons, lamps, holes. Never two above one, as eyes and a mouth stand."""
    count, colour = int(rng.integers(4, 9)), _colour(rng)
    radius = max(int(min(axes) * rng.uniform(0.06, 0.2)), 1)
    in_ring, turn = rng.random() < 0.6, rng.uniform(0, math.pi)
    for n in range(count):
        if in_ring:
            angle = turn + 2 * math.pi * n / count
            x, y = 0.6 * math.cos(angle), 0.6 * math.sin(angle)
        else:
            x, y = 1.6 * (n / (count - 1) - 0.5) * math.cos(turn), 1.6 * (n / (count - 1) - 0.5) * math.sin(turn)
        spot = (at[0] + int(x * axes[0]), at[1] + int(y * axes[1]))
        cv2.circle(image, spot, radius, colour, cv2.FILLED, cv2.LINE_AA)


def _stripes(image: Bgr, at: tuple[int, int], axes: tuple[int, int], rng: np.random.Generator) -> None:
    """Parallel lines: grilles, shutters, fingers."""
    count, turn, colour = int(rng.integers(3, 8)), rng.uniform(0, math.pi), _colour(rng)
    thick = max(int(min(axes) * rng.uniform(0.05, 0.3)), 1)
    along = np.array([math.cos(turn), math.sin(turn)])
    across = np.array([-along[1], along[0]])
    for n in range(count):
        offset = 1.4 * (n / (count - 1) - 0.5) * across
        start, end = (np.array(at) + (offset + sign * 0.7 * along) * axes for sign in (-1, 1))
        cv2.line(image, tuple(start.astype(int).tolist()), tuple(end.astype(int).tolist()), colour, thick, cv2.LINE_AA)


def _blobs(image: Bgr, at: tuple[int, int], axes: tuple[int, int], rng: np.random.Generator) -> None:
    """Ellipses of like colour: fists, ears, fruit, folds."""
    base = np.array(_colour(rng), np.float64)
    for _ in range(int(rng.integers(2, 6))):
        place = (int(at[0] + rng.uniform(-0.6, 0.6) * axes[0]), int(at[1] + rng.uniform(-0.6, 0.6) * axes[1]))
        size = (max(int(axes[0] * rng.uniform(0.1, 0.5)), 1), max(int(axes[1] * rng.uniform(0.1, 0.5)), 1))
        colour = tuple(int(v) for v in np.clip(base + rng.normal(0, 25, 3), 0, 255))
        cv2.ellipse(image, place, size, float(rng.uniform(0, 180)), 0, 360, colour, cv2.FILLED, cv2.LINE_AA)
