"""YAML text to a tree in which every value knows its line. Works on the stream of events, not on built objects.

So a file that breaks off in the middle still gives the items before the break, an alias is seen as what it is and
never expanded (an "alias bomb" costs what its text costs), nothing is nested deeper than an item needs, and words such
as `no` (Norwegian) or a title such as `1984` stay the text that stands there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is five times as fast
_DEEPEST = 5
"""file > items > item > hours > range."""


@dataclass(slots=True)
class Scalar:
    """One value as text. ``text`` is None for an empty value, ``~`` or ``null``."""

    line: int
    text: str | None


@dataclass(slots=True)
class Alias:
    """``*name``: not supported, kept so that it can be named."""

    line: int


@dataclass(slots=True)
class Sequence:
    line: int
    values: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    line: int
    keys: list[Node] = field(default_factory=list)
    values: list[Node] = field(default_factory=list)


Node = Scalar | Alias | Sequence | Mapping


@dataclass(slots=True)
class Broken:
    """Why reading ended before the end of the file."""

    line: int
    text: str


def read_tree(text: str) -> tuple[Node | None, Broken | None]:
    """The tree of the first document, without what was still open where reading ended; None for an empty file."""
    root: Node | None = None
    stack: list[Sequence | Mapping] = []
    broken = None
    try:
        events: Any = yaml.parse(text, Loader=_LOADER)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                broken = Broken(_line(event), "a second document begins (`---`); put it in its own file")
                break
            if isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
            elif isinstance(event, yaml.NodeEvent):
                node = _node(event)
                if not stack:
                    root = node
                else:
                    _add(stack[-1], node)
                if isinstance(node, Sequence | Mapping):
                    stack.append(node)
                    if len(stack) > _DEEPEST:
                        broken = Broken(
                            node.line, f"nested deeper than {_DEEPEST} levels; an item is a flat list of keys"
                        )
                        break
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = mark.line + 1 if mark else text.count("\n", 0, getattr(error, "position", 0) or 0) + 1
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
        broken = Broken(line, f"not valid YAML ({what}); what follows is not read. Text with `:` or `#` needs quotes")
    if broken and len(stack) > 2 and isinstance(stack[1], Sequence):
        stack[1].values.pop()  # the item that was still open
    return root, broken


def _line(event: Any) -> int:
    line: int = event.start_mark.line + 1
    return line


def _node(event: Any) -> Node:
    line = _line(event)
    if isinstance(event, yaml.AliasEvent):
        return Alias(line)
    if isinstance(event, yaml.SequenceStartEvent):
        return Sequence(line)
    if isinstance(event, yaml.MappingStartEvent):
        return Mapping(line)
    empty = event.style in (None, "") and event.value in ("", "~", "null")
    return Scalar(line, None if empty else event.value)


def _add(parent: Sequence | Mapping, node: Node) -> None:
    if isinstance(parent, Mapping) and len(parent.keys) == len(parent.values):
        parent.keys.append(node)
    else:
        parent.values.append(node)
