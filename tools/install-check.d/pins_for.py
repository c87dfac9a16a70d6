"""Prints the lock's pins that hold for another Python on Linux: ``pins_for.py LOCK 3.13``.

pip download evaluates the markers of a lock for the Python that it runs on, whatever ``--python-version`` says. Without
hashes: tools/install checks them when it installs.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement


def pins(lock: str, python: str) -> list[str]:
    there = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    lines = [line.rstrip(" \\") for line in lock.splitlines() if line[:1].isalnum() and "==" in line]
    wanted = [Requirement(line) for line in lines]
    return [f"{r.name}{r.specifier}" for r in wanted if r.marker is None or r.marker.evaluate(there)]


if __name__ == "__main__":
    print("\n".join(pins(Path(sys.argv[1]).read_text(), sys.argv[2])))
