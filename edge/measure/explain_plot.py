"""The picture that ``moodcast explain`` writes: the face, the heat over it, and the probabilities as bars."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.data import EMOTIONS, Floats, Image
from edge.measure.drawing import BLUE, GREY, MARGIN, PALE, RED, SMALL, Style, blank, blend, text
from edge.measure.explain import Heat

_FACE, _TOP = 336, 110
_BARS_W, _BAR_H, _NAMES_W = 260, 26, 90


def plot_explained(face: NDArray[np.uint8], heat: Heat, probs: Floats, *, title: str, notes: tuple[str, ...]) -> Image:
    """uint8 (H, W, 3) BGR. ``face`` uint8 (S, S) grey as the network sees it; ``probs`` (7,); ``notes`` stand below."""
    bars_x = MARGIN + 2 * (_FACE + 30) + _NAMES_W
    canvas = blank(bars_x + _BARS_W + 60 + MARGIN, _TOP + _FACE + 60 + 20 * len(notes), title)
    for x, picture in ((MARGIN, face), (MARGIN + _FACE + 30, None)):
        shown = _enlarged(face) if picture is not None else overlay(face, heat)
        canvas[_TOP : _TOP + _FACE, x : x + _FACE] = shown
    text(canvas, "as the network sees it", (MARGIN, _TOP - 14), SMALL)
    text(canvas, f"red speaks for {EMOTIONS[heat.target]}, blue against", (MARGIN + _FACE + 30, _TOP - 14), SMALL)
    for n, (emotion, p) in enumerate(zip(EMOTIONS, probs, strict=True)):
        y = _TOP + 10 + n * (_BAR_H + 18)
        colour = RED if n == heat.target else BLUE
        text(canvas, emotion, (bars_x - 12, y + 18), align="right")
        cv2.rectangle(canvas, (bars_x, y), (bars_x + _BARS_W, y + _BAR_H), PALE, cv2.FILLED)
        cv2.rectangle(canvas, (bars_x, y), (bars_x + round(float(p) * _BARS_W), y + _BAR_H), colour, cv2.FILLED)
        text(canvas, f"{p:.0%}", (bars_x + _BARS_W + 10, y + 18), Style(0.5, GREY))
    for n, note in enumerate(notes):
        text(canvas, note, (MARGIN, _TOP + _FACE + 34 + 20 * n), SMALL)
    return canvas


def overlay(face: NDArray[np.uint8], heat: Heat) -> Image:
    """The enlarged face, uint8 (H, W, 3) BGR, red where the heat is above 0 and blue where it is below."""
    map_large = cv2.resize(heat.map, (_FACE, _FACE), interpolation=cv2.INTER_CUBIC)
    strength = np.clip(np.abs(map_large) / max(float(np.abs(heat.map).max()), 1e-9), 0.0, 1.0)[:, :, None]
    colour = np.where(map_large[:, :, None] > 0.0, np.array(blend(RED, (0, 0, 255), 0.5)), np.array(BLUE))
    mixed = _enlarged(face) * (1.0 - 0.75 * strength) + colour * 0.75 * strength
    return np.asarray(np.rint(mixed), np.uint8)


def _enlarged(face: NDArray[np.uint8]) -> Image:
    large = cv2.resize(face, (_FACE, _FACE), interpolation=cv2.INTER_NEAREST)
    return np.asarray(np.repeat(large[:, :, None], 3, axis=2), np.uint8)
