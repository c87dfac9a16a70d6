"""Keeps what was read from the catalogue under the hash of its files: start-up need not parse YAML again.

JSON, not pickle: a cache that was tampered with can at worst hold other items. It carries the hash of its own content,
so a torn or edited one is not used; it is written beside and moved over, so it is never torn by us.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from edge.core.suggestion import Item

VERSION = 1
"""Raised whenever the same file would be read differently."""
NAME = "catalogue-cache.json"
_MAX_BYTES = 64 * 1024 * 1024
_FIELDS = tuple(f.name for f in fields(Item))
_LISTS = tuple(_FIELDS.index(name) for name in ("tags", "hours"))

Kept = tuple[tuple[Item, ...], list[str]]


def read(folder: Path, sha256: str) -> Kept | None:
    """Items and problems kept for this hash; None where there are none or they cannot be trusted."""
    path = folder / NAME
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return None
        head, _, body = path.read_bytes().partition(b"\n")
        if head != _head(sha256, body):
            return None
        content = json.loads(body)
        return tuple(_item(row) for row in content["items"]), [str(line) for line in content["problems"]]
    except (OSError, ValueError, KeyError, TypeError):  # whatever is wrong with it, it is read anew from the catalogue
        return None


def write(folder: Path, sha256: str, items: tuple[Item, ...], problems: list[str]) -> bool:
    """Keeps them in place of what was kept before. False where the folder cannot be written."""
    rows = [[getattr(item, name) for name in _FIELDS] for item in items]
    body = json.dumps({"items": rows, "problems": problems}, ensure_ascii=False, separators=(",", ":")).encode()
    beside = folder / f"{NAME}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(_head(sha256, body) + b"\n" + body)
        beside.replace(folder / NAME)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        return False
    return True


def _head(sha256: str, body: bytes) -> bytes:
    return f"{','.join(_FIELDS)} {sha256} {hashlib.sha256(body).hexdigest()}".encode()


def _item(row: list[Any]) -> Item:
    for position in _LISTS:
        row[position] = tuple(row[position])
    return Item(*row)
