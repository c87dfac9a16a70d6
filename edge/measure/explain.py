"""``moodcast explain``: which parts of a face an answer rests on, found by asking the network about changed faces.

Nothing inside the network is looked at, so that it works on the int8 file as it is shipped. Two methods:

- RISE (Petsiuk, Das and Saenko 2018, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC):
  many random soft masks; a place's heat is the mean answer where it was shown less the mean where it was hidden. (The
  paper takes the first mean alone; the difference is 0 where a place does not matter.)
- Occlusion (Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", ECCV): a square slides over
  the face; the heat is how much the answer falls while it covers the place.

What is hidden is blurred until no expression is left, which keeps the face's light and looks like a face to the network
more than the black of the papers does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.data import Floats

Grey = NDArray[np.uint8]
Answers = Callable[[Grey], Floats]
"""Probabilities, float64 (N, 7), of faces uint8 (N, S, S)."""

_CELLS = 7
"""RISE's grid, as in the paper: a cell is a seventh of the face, about an eye."""
_SHOWN = 0.5
"""Probability that a cell is shown, as in the paper."""
_HIDING_BLUR = 0.25
"""Sigma of what stands for a hidden place, in sides: a smile is a tenth of the face high."""
_SQUARE, _STEP = 0.22, 1 / 24
"""Side and step of occlusion's square, in sides."""
_BATCH = 250


@dataclass(frozen=True, slots=True)
class Heat:
    """``map`` float64 (S, S): by how much (in probability) showing a place raises the answer ``target``, an index into
    EMOTIONS; below 0 where it speaks against it."""

    map: Floats
    target: int

    @property
    def peak_xy(self) -> tuple[float, float]:
        """The place that speaks most for the answer: x and y in parts of the side, from the top left."""
        y, x = np.unravel_index(int(self.map.argmax()), self.map.shape)
        return (float(x) + 0.5) / self.map.shape[1], (float(y) + 0.5) / self.map.shape[0]


def rise(answers: Answers, face: Grey, target: int, *, masks: int, seed: int) -> Heat:
    """RISE on ``face`` uint8 (S, S) for ``target``, with ``masks`` random masks. Raises ValueError for no masks."""
    if masks < 2:
        raise ValueError(f"masks is {masks}, expected at least 2")
    rng, hidden = np.random.default_rng(seed), _hidden(face)
    seen, unseen = np.zeros(face.shape), np.zeros(face.shape)
    seen_weight, unseen_weight = np.zeros(face.shape), np.zeros(face.shape)
    for start in range(0, masks, _BATCH):
        shown = np.stack([_mask(len(face), rng) for _ in range(min(_BATCH, masks - start))])
        p = answers(_mixed(face, hidden, shown))[:, target]
        seen += np.tensordot(p, shown, 1)
        seen_weight += shown.sum(axis=0)
        unseen += np.tensordot(p, 1.0 - shown, 1)
        unseen_weight += (1.0 - shown).sum(axis=0)
    return Heat(seen / np.maximum(seen_weight, 1e-9) - unseen / np.maximum(unseen_weight, 1e-9), target)


def occlusion(answers: Answers, face: Grey, target: int) -> Heat:
    """Occlusion on ``face`` uint8 (S, S) for ``target``; no chance in it."""
    side, hidden = len(face), _hidden(face)
    square, step = max(2, round(_SQUARE * side)), max(1, round(_STEP * side))
    # From beyond the edge to beyond the edge, so that the corners are covered as often as the middle.
    starts = range(step - square, side, step)
    places = [(y, x) for y in starts for x in starts]
    masks = np.ones((len(places), side, side))
    for mask, (y, x) in zip(masks, places, strict=True):
        mask[max(y, 0) : y + square, max(x, 0) : x + square] = 0.0
    whole = float(answers(face[None])[0, target])
    p = np.concatenate(
        [answers(_mixed(face, hidden, masks[s : s + _BATCH]))[:, target] for s in range(0, len(masks), _BATCH)]
    )
    covered = 1.0 - masks
    fall = np.tensordot(whole - p, covered, 1)
    return Heat(fall / np.maximum(covered.sum(axis=0), 1e-9), target)


def _mask(side: int, rng: np.random.Generator) -> Floats:
    """A soft random mask (side, side), 0 hidden to 1 shown: a coarse grid enlarged and shifted by part of a cell."""
    cell = -(-side // _CELLS)
    grid = (rng.random((_CELLS + 1, _CELLS + 1)) < _SHOWN).astype(np.float64)
    large = cv2.resize(grid, ((_CELLS + 1) * cell, (_CELLS + 1) * cell), interpolation=cv2.INTER_LINEAR)
    y, x = rng.integers(0, cell, 2)
    return np.asarray(large[y : y + side, x : x + side], np.float64)


def _hidden(face: Grey) -> Floats:
    sigma = _HIDING_BLUR * len(face)
    blurred = cv2.GaussianBlur(face.astype(np.float64), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float64)


def _mixed(face: Grey, hidden: Floats, shown: Floats) -> Grey:
    return np.asarray(np.rint(shown * face + (1.0 - shown) * hidden), np.uint8)
