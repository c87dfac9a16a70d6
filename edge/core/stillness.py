"""Whether anything moved in view, from a tiny grey picture: cheaper by far than looking for faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIZE_PX = (32, 24)
"""Width and height of the thumbnail. A cell stands for 20 x 20 px of a picture of 640 x 480: the smallest face that is
searched for by default (40 px) covers four."""
_LEVELS = 8.0
"""Grey levels by which a cell must have changed ..."""
_CELLS = 3
"""... and so many cells. Walking people change 5 to 186 cells by more than 8 levels in half a second (clip of three
people). Of 50 pictures, each against itself with other sensor noise of sd 5 to 30, JPEG and 5 % more exposure, 2 or 3
pass; by more than 6 levels 23 or more would (2026-11). One that passes costs a look, one missed waits for the next."""

Thumbnail = NDArray[np.uint8]


class Stillness:
    """Compares with the picture of the last look, so that slow movement adds up and what was looked at is known."""

    def __init__(self) -> None:
        self._seen: NDArray[np.int16] | None = None

    def moved(self, thumbnail: Thumbnail) -> bool:
        """Whether ``thumbnail``, uint8 grey ``(24, 32)``, differs from that of the last look; True without one.

        A change of the light that hits every cell alike is no movement: the median of the differences is taken off.
        """
        if self._seen is None or self._seen.shape != thumbnail.shape:
            return True
        difference = thumbnail - self._seen  # int16
        difference -= np.int16(np.median(difference))
        return int(np.count_nonzero(np.abs(difference) > _LEVELS)) >= _CELLS

    def looked(self, thumbnail: Thumbnail) -> None:
        """A look was taken at this picture."""
        self._seen = thumbnail.astype(np.int16)

    def forget(self) -> None:
        """Somebody is in view: the next comparison starts anew."""
        self._seen = None
