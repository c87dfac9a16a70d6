"""Small state on disk that survives a power cut: a file is the old one or the new one, never torn."""

from __future__ import annotations

import contextlib
import glob
import json
import logging
import os
import re
import tempfile
from pathlib import Path
from typing import Any

_MAX_BYTES = 1_000_000

_log = logging.getLogger(__name__)


def write_atomic(path: Path, data: bytes) -> None:
    """Replaces the content of ``path`` by ``data``, for this user alone (mode 0600).

    Writes a temporary file in the same folder, syncs it, renames it over ``path`` and syncs the folder, so that the
    order holds on the disk too. Raises OSError when the folder cannot be written or the disk is full: the old content
    then stands untouched. Callers turn that into a warning and go on; the daemon must not end for a full disk.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class StateFile:
    """One JSON object on disk. One process uses it; its threads may save at the same time, the last one counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.doubtful = False
        """Whether ``load`` ever found a file that it could not make sense of. What was switched off is then unknown:
        callers stay on the safe side."""

    def load(self) -> dict[str, Any]:
        """The saved object; ``{}`` when none was saved.

        A torn or foreign file is set aside as ``NAME.corrupt-<n>`` (only the newest is kept) with a warning, and the
        answer is ``{}``; so it is for a file that this user may not read, such as one written by root. Never raises for
        what is on the disk: the daemon must start.
        """
        self._remove_leftovers()
        try:
            with self.path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            self.doubtful = True
            _log.warning("%s: cannot be read (%s); starting without it", self.path, error.strerror)
            return {}
        try:
            state = json.loads(data) if len(data) <= _MAX_BYTES else None
        except (ValueError, RecursionError):
            state = None
        if isinstance(state, dict):
            return state
        self.doubtful = True
        self._set_aside()
        return {}

    def save(self, state: dict[str, Any]) -> None:
        """Replaces the saved object; on disk when it returns. Makes the folder when there is none.

        Raises OSError as ``write_atomic`` does, ValueError for NaN and TypeError for what JSON cannot hold.
        """
        data = json.dumps(state, allow_nan=False, indent=2, sort_keys=True).encode() + b"\n"
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(self.path, data)

    def _set_aside(self) -> None:
        pattern = re.compile(re.escape(self.path.name) + r"\.corrupt-([0-9]{1,9})")
        try:
            older = {p: int(m[1]) for p in self.path.parent.iterdir() if (m := pattern.fullmatch(p.name))}
            kept = self.path.with_name(f"{self.path.name}.corrupt-{max(older.values(), default=0) + 1}")
            self.path.rename(kept)
            for path in older:
                path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("%s: is corrupt and cannot be set aside (%s); starting without it", self.path, error.strerror)
        else:
            _log.warning("%s: is corrupt; kept as %s; starting without it", self.path, kept.name)

    def _remove_leftovers(self) -> None:
        """Removes temporary files of a process that was killed while it wrote."""
        with contextlib.suppress(OSError):  # a folder that may only be read: they do no harm there
            for path in self.path.parent.glob(f".{glob.escape(self.path.name)}.*.tmp"):
                path.unlink(missing_ok=True)
