"""Files: who may read the secrets, whether state can be written, whether the catalogue is whole."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edge.catalogue import load_catalogue
from edge.doctor.check import Check, green, red

_SHOWN = 3


def secrets_check(paths: Sequence[Path]) -> Check:
    """``paths``: files that hold secrets. Missing ones are red too: the service would not start."""
    problems, remedies = [], []
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
            remedies.append(f"write the secret into {path}, readable for the service's user alone")
            continue
        if mode & stat.S_IRWXO:
            problems.append(f"{path}: every user of this machine may read it ({stat.filemode(mode)})")
            remedies.append(f"chmod o-rwx {path}")
    if problems:
        return red("secrets", "; ".join(problems), "; ".join(remedies))
    names = ", ".join(path.name for path in paths)
    return green("secrets", f"closed to other users: {names}" if paths else "no file holds one")


def state_check(folder: Path) -> Check:
    """Whether the pause switch would survive a restart."""
    user = f"user id {os.geteuid()}"
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x" * 4096)
    except OSError as error:
        remedy = f"sudo chown -R moodcast: {folder} (the service's user), or name another folder in daemon.state_dir"
        return red("state", f"{folder} cannot be written by {user}: {error.strerror}", remedy)
    return green("state", f"{folder} can be written by {user}")


def is_paused(folder: Path) -> bool:
    """Whether the privacy switch kept in ``folder`` is thrown; doubt counts as paused. Changes nothing there."""
    try:
        kept = json.loads((folder / "sense.json").read_bytes())
        return bool(kept.get("paused", False) is not False)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, AttributeError):
        return True


def catalogue_check(paths: Sequence[Path]) -> Check:
    """The shipped catalogue and the installer's."""
    found = load_catalogue(paths, cache_dir=None)
    if found.problems:
        more = len(found.problems) - _SHOWN
        listed = "; ".join(found.problems[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        remedy = "correct these lines (docs/catalogue.md); the good items are used meanwhile"
        if not found.items:
            remedy = "correct companion.catalogue, or install Moodcast again: no item can be recommended"
        return red("catalogue", listed, remedy)
    return green("catalogue", f"{len(found.items)} items")
