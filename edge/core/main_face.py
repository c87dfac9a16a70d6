"""Whose mood counts when several people are in view: large, central and there for a while, and no jumping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edge.data import Track

_KNOWN_S = 5.0
"""Time in view counts up to here: whoever has stood there for five seconds is no passer-by."""


@dataclass(frozen=True, slots=True)
class MainFaceSettings:
    """Weights of what makes a face the main one; only their proportions matter."""

    size_weight: float = 0.6
    """Size first: it says who stands nearest, which the box tells within some per cent."""
    centre_weight: float = 0.25
    time_weight: float = 0.15
    margin: float = 0.1
    """Another face takes over when its score, 0-1, is so much higher: with the defaults and the rest alike, a fifth
    larger. Two people at the same distance differ by less."""


def main_face(
    tracks: Sequence[Track], before: int | None, settings: MainFaceSettings, *, frame_px: tuple[int, int] | None = None
) -> int | None:
    """Id of the main one of ``tracks``, None when there are none; ``before``: id of the main one so far.

    ``frame_px``: width and height of the frame; without it the place in the picture does not count.
    """
    if not tracks:
        return None
    largest_px = max(_side_px(t) for t in tracks)
    scores = {t.id: _score(t, largest_px, settings, frame_px) for t in tracks}
    best = max(scores, key=lambda i: (scores[i], -i))
    if before not in scores or scores[best] > scores[before] + settings.margin:
        return best
    return before


def _score(track: Track, largest_px: float, settings: MainFaceSettings, frame_px: tuple[int, int] | None) -> float:
    parts = [
        (settings.size_weight, _side_px(track) / max(largest_px, 1e-9)),
        (settings.time_weight, min((track.last_s - track.first_s) / _KNOWN_S, 1.0)),
    ]
    if frame_px is not None:
        parts.append((settings.centre_weight, _centrality(track, frame_px)))
    whole = sum(weight for weight, _ in parts)
    return sum(weight * value for weight, value in parts) / whole if whole > 0 else 0.0


def _side_px(track: Track) -> float:
    _, _, width, height = track.face.box_xywh_px
    return math.sqrt(max(width * height, 0.0))


def _centrality(track: Track, frame_px: tuple[int, int]) -> float:
    """1 in the middle of the picture, 0 at its left and right edge. Height does not count: people differ in it."""
    x, _, width, _ = track.face.box_xywh_px
    half = frame_px[0] / 2
    return max(1.0 - abs(x + width / 2 - half) / half, 0.0)
