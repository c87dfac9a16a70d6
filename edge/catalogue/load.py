"""Loads catalogue files: every mistake with its line, good items used, nothing raised for what a file holds."""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.catalogue import cache, tree
from edge.catalogue.fields import KEYS, Mistake, scalar, shown
from edge.core.suggestion import Item

MAX_BYTES = 8 * 1024 * 1024
"""Of one file: some 25,000 items. A larger one is a mistake, and would cost the memory of the whole daemon."""
MAX_ITEMS = 20_000
MAX_PROBLEMS = 100
"""Listed for one file; the rest is counted."""


@dataclass(frozen=True, slots=True)
class LoadedCatalogue:
    """What could be read."""

    items: tuple[Item, ...]
    """The good items, in the order of the files."""
    problems: list[str]
    """``file:line: id: problem, allowed``, one line a mistake. Empty: all is well."""
    sha256: str
    """Of all files with their names: the same hash, the same catalogue."""


def load_catalogue(paths: Sequence[Path], *, cache_dir: Path | None) -> LoadedCatalogue:
    """Reads catalogue files, and all ``*.yaml`` and ``*.yml`` of folders, in the order given (folders: by name).

    A missing, unreadable, oversized or broken file is named in ``problems`` and skipped or read as far as it goes; a
    bad item is named and dropped; of items with the same id the first is kept. With ``cache_dir``, the result is kept
    there under the files' hash and used when it fits (5,000 items: seconds become milliseconds); a cache that cannot be
    read or written is done without. Raises nothing for anything that the files hold.
    """
    reading = _Reading()
    sources = [(path, data) for path in _files(paths, reading) if (data := _bytes(path, reading)) is not None]
    digest = hashlib.sha256(f"{cache.VERSION}".encode())
    for path, data in sources:
        digest.update(repr((str(path), len(data))).encode() + data)
    sha256 = digest.hexdigest()
    kept = cache.read(cache_dir, sha256) if cache_dir else None
    if kept is None:
        parsed = _Reading()
        for path, data in sources:
            parsed.take_file(path, data)
        kept = tuple(parsed.items), parsed.problems
        if cache_dir:
            cache.write(cache_dir, sha256, *kept)
    items, problems = kept
    return LoadedCatalogue(items=items, problems=reading.problems + problems, sha256=sha256)


def _files(paths: Sequence[Path], reading: _Reading) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        try:
            found = sorted(p for p in path.iterdir() if p.suffix in (".yaml", ".yml"))
        except OSError as error:
            reading.problems.append(f"{path}: cannot be read ({error.strerror}); check its permissions")
            continue
        if not found:
            reading.problems.append(f"{path}: no catalogue in this folder, allowed: files named *.yaml or *.yml")
        yield from found


def _bytes(path: Path, reading: _Reading) -> bytes | None:
    """The file's content; None, and a problem, where it cannot be used."""
    problem = ""
    try:
        if not path.exists():
            problem = "no such file; create it or correct the path in the configuration"
        elif not path.is_file():
            problem = "not a file that holds text"
        else:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                data = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
            if size <= MAX_BYTES and len(data) <= MAX_BYTES:
                return data
            problem = f"{size / 1e6:.0f} MB, allowed: at most {MAX_BYTES // 1024**2} MiB; split it"
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); check its permissions"
    reading.problems.append(f"{path}: {problem}")
    return None


@dataclass(slots=True)
class _Reading:
    """Items and problems found so far."""

    items: list[Item] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    """``file:line`` of every id."""
    in_file: int = 0

    def complain(self, path: Path, line: int, text: str) -> None:
        """Notes a mistake; beyond MAX_PROBLEMS in a file it is only counted."""
        self.in_file += 1
        if self.in_file <= MAX_PROBLEMS:
            self.problems.append(f"{path}:{line}: {text}")

    def take_file(self, path: Path, data: bytes) -> None:
        """Reads one file's content."""
        self.in_file = 0
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self.complain(path, line, f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8")
            return
        root, broken = tree.read_tree(text)
        for number, node in enumerate(self._item_nodes(path, root, complete=broken is None), 1):
            if len(self.items) >= MAX_ITEMS:
                self.complain(path, node.line, f"more than {MAX_ITEMS} items; the rest is not read")
                break
            self._take_item(path, node, f"item {number}")
        if broken:
            self.complain(path, broken.line, broken.text)
        if self.in_file > MAX_PROBLEMS:
            self.problems.append(f"{path}: {self.in_file - MAX_PROBLEMS} more mistakes, not listed")

    def _item_nodes(self, path: Path, root: tree.Node | None, *, complete: bool) -> list[tree.Node]:
        if not isinstance(root, tree.Mapping):
            if root is not None or complete:
                self.complain(path, root.line if root else 1, "not a catalogue, allowed: `items:` and a list below it")
            return []
        nodes: list[tree.Node] = []
        seen = False
        for key, value in zip(root.keys, root.values, strict=False):
            if not isinstance(key, tree.Scalar) or key.text != "items":
                name = shown(key.text or "") if isinstance(key, tree.Scalar) else "a key that is not a word"
                self.complain(path, key.line, f"{name} is not known, allowed: `items`")
            elif isinstance(value, tree.Sequence):
                nodes, seen = nodes + value.values, True
            else:
                self.complain(path, value.line, "items: not a list, allowed: entries beginning with `- id:`")
                seen = True
        if not seen and complete:
            self.complain(path, root.line, "`items:` is missing, allowed: `items:` and a list below it")
        return nodes

    def _take_item(self, path: Path, node: tree.Node, number: str) -> None:
        if not isinstance(node, tree.Mapping):
            what = "an alias (`*name`)" if isinstance(node, tree.Alias) else "not an item"
            self.complain(path, node.line, f"{number}: {what}, allowed: keys such as `id:`, `kind:`, `title:`")
            return
        mistakes: list[tuple[int, str]] = []
        values = _values(node, mistakes)
        name = values.get("id") or number
        if "kind" in values:
            mistakes += [
                (node.line, f"{key} is missing, allowed: {entry.allowed}")
                for key, entry in KEYS.items()
                if values["kind"] in entry.needed and key not in values and key not in _named(node)
            ]
        elif "kind" not in _named(node):
            mistakes.append((node.line, f"kind is missing, allowed: {KEYS['kind'].allowed}"))
        place = f"{path}:{node.line}"
        if name in self.places and "id" in values:
            mistakes.append((node.line, f"the id stands already at {self.places[name]}, allowed: each id once"))
        self.places.setdefault(name, place)  # also where the item is dropped: both places are named, then
        for line, text in mistakes:
            self.complain(path, line, f"{name}: {text}")
        if not mistakes:
            if values.get("image"):
                values["image"] = str(path.parent / values["image"])
            self.items.append(Item(**values))


def _named(node: tree.Mapping) -> set[str | None]:
    """Keys that have a value, right or wrong."""
    pairs = zip(node.keys, node.values, strict=False)
    return {k.text for k, v in pairs if isinstance(k, tree.Scalar) and not (isinstance(v, tree.Scalar) and not v.text)}


def _values(node: tree.Mapping, mistakes: list[tuple[int, str]]) -> dict[str, Any]:
    """The values of an item that could be read; everything else goes into ``mistakes`` as (line, text)."""
    values: dict[str, Any] = {}
    seen: set[str] = set()
    for key, value in zip(node.keys, node.values, strict=False):
        name = key.text if isinstance(key, tree.Scalar) else None
        if name not in KEYS:
            close = difflib.get_close_matches((name or "")[:40], KEYS, 1)
            guess = f"; did you mean `{close[0]}`" if close else ""
            what = shown(name) if name else "a key that is not a word"
            mistakes.append((key.line, f"{what} is not known, allowed: {', '.join(KEYS)}{guess}"))
        elif name in seen:
            mistakes.append((key.line, f"{name} stands twice, allowed: each key once"))
        elif isinstance(value, tree.Alias):
            mistakes.append((value.line, f"{name} is an alias (`*name`), allowed: the value written out"))
        else:
            seen.add(name)
            try:
                if not isinstance(value, tree.Scalar) or scalar(value):
                    values[name] = KEYS[name].read(value)
            except Mistake as mistake:
                mistakes.append((mistake.line, f"{name} is {mistake}, allowed: {KEYS[name].allowed}"))
    return values
