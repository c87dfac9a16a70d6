"""Prints pip's constraints for an environment that keeps the system's numpy: ``constraints.py LOCK NUMPY_VERSION``.

The lock pins versions with hashes that fit each other, numpy 2 among them. Where apt's picamera2 is used, numpy must
stay the one that picamera2 was compiled against, so the lock cannot be used as it stands: its OpenCV (4.12 and later)
and its ml-dtypes (0.6 and later) require numpy 2. Those three are left to pip, within pyproject's ranges; all else
stays pinned.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

BOUND_TO_NUMPY = ("numpy", "opencv-python-headless", "ml-dtypes")


def constraints(lock: str, numpy: str) -> list[str]:
    """The lock's pins without hashes and without what depends on numpy's version, and the system's numpy."""
    pins = [line.rstrip(" \\") for line in lock.splitlines() if line[:1].isalnum() and "==" in line]
    pins = [re.sub(r"\[[^]]*\]", "", pin) for pin in pins]  # pip takes no extras in constraints
    kept = [pin for pin in pins if pin.partition("==")[0] not in BOUND_TO_NUMPY]
    return [*kept, f"numpy=={numpy}"]


if __name__ == "__main__":
    print("\n".join(constraints(Path(sys.argv[1]).read_text(), sys.argv[2])))
