"""Valence and arousal of a distribution over the seven emotions."""

from __future__ import annotations

import numpy as np

from edge.data import Floats

# Mean pleasure and arousal ratings of the emotion terms angry, disgusted, fearful, happy, sad, surprised: J. A. Russell
# and A. Mehrabian, "Evidence for a three-factor theory of emotions", Journal of Research in Personality 11 (1977),
# table of 151 terms, scale -1 to 1. Neutral is the origin of the plane by definition. Order of edge.data.EMOTIONS.
VALENCE_AROUSAL: Floats = np.array(
    [[-0.51, 0.59], [-0.60, 0.35], [-0.64, 0.60], [0.81, 0.51], [-0.63, -0.27], [0.40, 0.67], [0.0, 0.0]]
)


def valence_arousal(probs: Floats) -> tuple[float, float]:
    """Expected valence and arousal, each -1 to 1, under ``probs`` float ``(7,)`` summing to 1."""
    valence, arousal = probs @ VALENCE_AROUSAL
    return float(valence), float(arousal)
