"""The emotion classifier: faces in a picture -> seven probabilities, and whether there is a face to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.core.crop import crop_square
from edge.core.probabilities import apply_prior, sigmoid, softmax
from edge.data import EMOTIONS, Face, Floats, Image, Readings
from edge.vision.model import PROBABILITIES, Card, EmotionModel, load_emotion_model

_SMALLEST = 1e-4
"""Below this a probability is taken as this: int8 has no smaller one than 1/256, and 0 has no logarithm."""


class EmotionClassifier:
    """Reads the emotion of faces with one network and its card."""

    def __init__(self, model_path: Path, *, threads: int = 1) -> None:
        """Load ``NAME.tflite`` and the card beside it; ``threads`` is the runtime's. Raises ModelError."""
        self._take(load_emotion_model(model_path, threads=threads))

    @classmethod
    def of(cls, model: EmotionModel) -> EmotionClassifier:
        """With a network that is loaded already."""
        made = cls.__new__(cls)
        made._take(model)
        return made

    def _take(self, model: EmotionModel) -> None:
        self._network, self.card = model.network, model.card
        self.side_px = model.network.input.shape[1]
        """The network sees faces of this many pixels square."""
        self._values = np.empty(model.network.input.shape, model.network.input.dtype)
        self._table = _input_table(model.card)

    def read(self, image_bgr: Image, faces: Sequence[Face]) -> Readings:
        """What stands in ``faces`` of ``image_bgr`` uint8 (H, W, 3); one forward pass a face."""
        return self.read_crops(self.crops(image_bgr, faces))

    def read_crops(self, grey: NDArray[np.uint8]) -> Readings:
        """What stands in faces already cut out, uint8 (N, side, side) grey. Raises ValueError for another shape."""
        outputs = self._outputs(grey)
        probs = softmax(self._adjusted(outputs), temperature=self.card.temperature)
        usable = sigmoid(outputs[:, len(EMOTIONS)]) if self.card.has_usable else np.ones(len(grey))
        return Readings(probs, usable)

    def crops(self, image_bgr: Image, faces: Sequence[Face]) -> NDArray[np.uint8]:
        """``faces`` of ``image_bgr`` uint8 (H, W, 3) as the network sees them, uint8 (N, side, side) grey."""
        crops = np.empty((len(faces), self.side_px, self.side_px), np.uint8)
        for crop, face in zip(crops, faces, strict=True):
            crop[:] = crop_grey(image_bgr, crop_square(face), self.side_px)
        return crops

    def classify(self, image_bgr: Image, faces: Sequence[Face]) -> Floats:
        """Probabilities alone, float64 (N, 7) in the order of EMOTIONS, whether the faces are usable or not.

        Each row sums to 1; no faces give (0, 7).
        """
        return self.read(image_bgr, faces).probs

    def classify_crops(self, grey: NDArray[np.uint8]) -> Floats:
        """As ``classify``, of faces already cut out, uint8 (N, side, side) grey."""
        return self.read_crops(grey).probs

    def logits(self, grey: NDArray[np.uint8]) -> Floats:
        """Logits with the card's prior taken off, before the temperature; float64 (N, 7)."""
        return self._adjusted(self._outputs(grey))

    def _adjusted(self, outputs: Floats) -> Floats:
        return apply_prior(outputs[:, : len(EMOTIONS)], prior=self.card.prior, power=self.card.prior_power)

    def _outputs(self, grey: NDArray[np.uint8]) -> Floats:
        """The network's logits, float64 (N, 7), or (N, 8) with the usable logit; one forward pass a face."""
        if grey.ndim != 3 or grey.shape[1:] != (self.side_px, self.side_px) or grey.dtype != np.uint8:
            raise ValueError(f"expected uint8 (N, {self.side_px}, {self.side_px}), found {grey.dtype} {grey.shape}")
        output = self.card.output
        raw = np.empty((len(grey), output.shape[1]), output.dtype)
        for row, crop in zip(raw, grey, strict=True):
            np.take(self._table, crop, out=self._values[0, :, :, 0], mode="clip")  # "raise" would copy
            row[:] = self._network.run(self._values)[0]
        real = raw.astype(np.float64)
        real = (real - output.zero_point) * output.scale if output.scale else real
        return np.log(np.maximum(real, _SMALLEST)) if self.card.content == PROBABILITIES else real


def _input_table(card: Card) -> NDArray[np.generic]:
    """What the network is fed for each grey level, (256,) in the input's dtype.

    With our own networks' int8 scale of 1/64 and zero point 0 that is just the grey level less 128.
    """
    real = (np.arange(256) - card.subtract) / card.divide
    if card.input.dtype != "int8":
        return np.asarray(real, card.input.dtype)
    stored = np.round(real / card.input.scale) + card.input.zero_point
    return np.asarray(np.clip(stored, -128, 127), np.int8)


def crop_grey(image_bgr: Image, square: tuple[float, float, float], side: int) -> NDArray[np.uint8]:
    """Cut ``square`` ``(x, y, side)`` px out of uint8 (H, W, 3) BGR as uint8 (side, side) grey.

    What lies beyond the picture repeats its edge. Shrinking averages (no aliasing), enlarging interpolates. Training
    on photographs, evaluation and the service all cut here.
    """
    height, width = image_bgr.shape[:2]
    wanted = max(1, round(square[2]))
    left, right, before, after = _overlap(round(square[0]), wanted, width)
    top, bottom, above, below = _overlap(round(square[1]), wanted, height)
    grey = cv2.cvtColor(image_bgr[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    if before or after or above or below:
        grey = cv2.copyMakeBorder(grey, above, below, before, after, cv2.BORDER_REPLICATE)
    how = cv2.INTER_AREA if wanted > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (side, side), interpolation=how), np.uint8)


def _overlap(start: int, wanted: int, size: int) -> tuple[int, int, int, int]:
    """First and end pixel inside ``size`` of ``wanted`` pixels from ``start``, and how many to add before and after.

    At least one pixel, the nearest edge, is always taken.
    """
    first = min(max(start, 0), size - 1)
    end = min(max(start + wanted, first + 1), size)
    before = min(max(-start, 0), wanted - (end - first))
    return first, end, before, wanted - (end - first) - before
