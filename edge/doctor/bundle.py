"""A zip file of texts for whoever helps from afar: no secret, no picture, nothing about people."""

from __future__ import annotations

import os
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

MAX_BYTES = 300_000
"""Of one text; the newest lines of a long one."""
_JOURNAL = ("journalctl", "--no-pager", "-o", "short-iso", "-n", "1000", "-u", "moodcast-*")


def write_bundle(path: Path, texts: Mapping[str, str], scrub: Callable[[str], str]) -> None:
    """Writes ``texts`` by file name, each through ``scrub``, readable for this user alone. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in texts.items():
            bundle.writestr(name, scrub(text)[-MAX_BYTES:])


def journal() -> str:
    """The newest lines of the services' log, or why there are none."""
    try:
        done = subprocess.run(_JOURNAL, capture_output=True, text=True, timeout=20.0, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no journal: {error}\n"
    return done.stdout or f"no journal: {done.stderr}\n"


def listing(folders: Mapping[str, Path]) -> str:
    """Names, sizes and modes of the files in ``folders``, never their content."""
    lines = []
    for title, folder in folders.items():
        lines.append(f"{title} {folder}")
        try:
            for path in sorted(folder.iterdir())[:200]:
                found = path.lstat()
                lines.append(f"  {found.st_mode:06o} {found.st_uid}:{found.st_gid} {found.st_size:9} {path.name}")
        except OSError as error:
            lines.append(f"  {error.strerror}")
    return "\n".join(lines) + "\n"


def environment(environ: Mapping[str, str]) -> str:
    """Names of the variables that matter; of no value more than its length."""
    wanted = ("MOODCAST_", "NOTIFY_SOCKET", "INVOCATION_ID", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "PYTHON")
    return "".join(f"{n}: {len(v)} characters\n" for n, v in sorted(environ.items()) if n.startswith(wanted))
