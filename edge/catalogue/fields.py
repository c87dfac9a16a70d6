"""What an item of the catalogue may hold: one entry a key, with the words that a mistake is answered with."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from edge.catalogue.tree import Node, Scalar, Sequence
from edge.core.suggestion import KINDS

# Control characters, halves of characters, and those that turn the direction of writing around and so disguise a title.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_HOURS = re.compile(r"([0-9]{1,2})\s*-\s*([0-9]{1,2})")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:\S.*")
_RUNS_CODE = ("javascript:", "data:", "vbscript:")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".svg")


class Mistake(Exception):
    """A value that is not allowed. The message says what is wrong with it."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an item: how its value is read, and what is allowed."""

    read: Callable[[Node], Any]
    allowed: str
    needed: tuple[str, ...] = ()
    """Kinds that cannot do without."""


def shown(text: str) -> str:
    """A value as a message quotes it: short and on one line."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def scalar(node: Node) -> str:
    """The text of a single value, with white space made single spaces."""
    if not isinstance(node, Scalar):
        what = "a list or a group of keys" if isinstance(node, Sequence) else "not a single value"
        raise Mistake(node.line, what)
    text = node.text or ""
    if _UNSEEN.search(text):
        raise Mistake(node.line, f"{shown(text)} holds control characters")
    return " ".join(text.split())


def _text(longest: int) -> Callable[[Node], str]:
    def read(node: Node) -> str:
        text = scalar(node)
        if len(text) > longest:
            raise Mistake(node.line, f"{len(text)} characters long")
        return text

    return read


def _number(low: float, high: float, *, whole: bool = False) -> Callable[[Node], float]:
    def read(node: Node) -> float:
        text = scalar(node)
        value = float(text) if _NUMBER.fullmatch(text) and len(text) <= 20 else math.nan
        if not low <= value <= high or (whole and value != int(value)):
            raise Mistake(node.line, shown(text))
        return int(value) if whole else value

    return read


def _matching(pattern: re.Pattern[str], longest: int = 80) -> Callable[[Node], str]:
    def read(node: Node) -> str:
        text = scalar(node)
        if len(text) > longest or not pattern.fullmatch(text):
            raise Mistake(node.line, shown(text))
        return text

    return read


def _list(node: Node) -> list[Node]:
    return node.values if isinstance(node, Sequence) else [node]


def _kind(node: Node) -> str:
    text = scalar(node)
    if text not in KINDS:
        raise Mistake(node.line, shown(text))
    return text


def _tags(node: Node) -> tuple[str, ...]:
    found = tuple(_matching(_SLUG, 30)(entry) for entry in _list(node))
    if len(found) > 12:
        raise Mistake(node.line, f"{len(found)} tags")
    return found


def _hours(node: Node) -> tuple[int, ...]:
    hours: set[int] = set()
    for entry in _list(node):
        text = scalar(entry)
        match = _HOURS.fullmatch(text)
        start, end = (int(match[1]), int(match[2])) if match else (99, 99)
        if start > 23 or end > 24 or start == end:
            raise Mistake(entry.line, shown(text))
        hours |= set(range(start, end)) if start < end else set(range(start, 24)) | set(range(end))
    return tuple(sorted(hours))


def _uri(node: Node) -> str:
    text = _matching(_SCHEME, 500)(node)
    if text.lower().startswith(_RUNS_CODE):
        raise Mistake(node.line, shown(text))
    return text


def _path(suffixes: tuple[str, ...]) -> Callable[[Node], str]:
    def read(node: Node) -> str:
        text = _text(300)(node)
        path = PurePosixPath(text)
        wrong = path.is_absolute() or ".." in path.parts or "\\" in text or ":" in text
        if wrong or (suffixes and path.suffix.lower() not in suffixes):
            raise Mistake(node.line, shown(text))
        return text

    return read


_MADE = ("music", "film", "book")
_WRITTEN = ("meditation", "activity")
KEYS: dict[str, Key] = {
    "id": Key(_matching(_SLUG), "up to 80 of a-z, 0-9 and single hyphens, such as `feeling-good`", KINDS),
    "kind": Key(_kind, "one of " + ", ".join(KINDS), KINDS),
    "title": Key(_text(120), "1 to 120 characters", KINDS),
    "creator": Key(_text(120), "up to 120 characters", _MADE),
    "year": Key(_number(-3000, 2100, whole=True), "a whole number from -3000 to 2100", ("film", "book")),
    "uri": Key(_uri, "`scheme:rest`, such as `mpd:artist/title` or `http://...`; not a script"),
    "file": Key(_path(()), "a path inside the player's music folder, without `..` and not beginning with `/`"),
    "language": Key(
        _matching(re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")), "an ISO 639 code such as `en`; `zxx`: no words", _WRITTEN
    ),
    "minutes": Key(_number(0.1, 10000), "a number from 0.1 to 10000"),
    "valence": Key(_number(-1, 1), "a number from -1 (dark) to 1 (bright)", KINDS),
    "energy": Key(_number(-1, 1), "a number from -1 (calm) to 1 (driving)", KINDS),
    "genre": Key(_matching(_SLUG, 30), "one word or more with hyphens, such as `jazz` or `hip-hop`", ("music",)),
    "tags": Key(_tags, "up to 12 words of a-z, 0-9 and hyphens, such as `[slow, piano]`"),
    "hours": Key(_hours, "from-until in hours 0-24, such as `[6-11, 22-2]`"),
    "minimum_age": Key(_number(0, 21, whole=True), "a whole number from 0 to 21"),
    "image": Key(_path(_PICTURES), "a path beside the catalogue, without `..`, ending in " + " ".join(_PICTURES)),
    "text": Key(_text(800), "1 to 800 characters", _WRITTEN),
}
