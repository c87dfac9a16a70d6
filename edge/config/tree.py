"""From the bytes of a YAML file to a tree of nodes that know their lines, whatever the bytes are.

The tree is composed, never constructed: no tag can create an object, no alias can multiply (each is a mistake), depth
and number of nodes are limited, since this parser is slow (5,000 items in about a second and a half).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from edge.errors import ConfigError

MAX_BYTES = 1_000_000
_MAX_NODES = 5_000
_MAX_DEPTH = 20
_TAG = "tag:yaml.org,2002:"

# What the parser says, by a part of its text, and what an installer can do about it.
_HINTS = {
    "'\\t'": "a tab stands where only spaces may: indent with spaces",
    "mapping values are not allowed": "a `:` stands where none may: check the indentation and the line above, and put "
    "a value that itself holds `: ` in quotes",
    "could not find expected ':'": "a key without its `:`: write `key: value`",
    "expected <block end>": "the indentation does not fit the lines above: keys of one section begin in one column",
    "quoted scalar": "a quote is opened and not closed, or has an unknown `\\` escape: use single quotes around a `\\`",
    "cannot start any token": "a value cannot begin with this character: put the value in quotes",
    "expected alphabetic or numeric": "a value cannot begin with `*` or `&`: put the value in quotes",
    "expected ',' or": "a `{` or `[` is not closed, or has no comma between its values",
    "but found another document": "a second `---`: only one document may stand in the file",
}


REFUSED = "refused"
"""Tag of a node that stands in the place of something already complained about."""


class _Composer(yaml.SafeLoader):
    """Composes nodes; refuses what no configuration needs and what would take the program down."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.refused: list[tuple[int, str]] = []
        self._nodes = self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark: Any = event.start_mark
        line = mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            self.refused.append((line, f"`*{event.anchor}`: aliases are not supported: write the value out"))
            self.get_event()  # type: ignore[no-untyped-call]
            return yaml.ScalarNode(REFUSED, "", mark, mark)
        if getattr(event, "tag", None) is not None:
            self.refused.append((line, "tags are not supported: quote a text that begins with `!`"))
            event.tag, event.implicit = None, (True, False)
        self._nodes += 1
        self._depth += 1
        if self._nodes > _MAX_NODES or self._depth > _MAX_DEPTH:
            text = f"more than {_MAX_NODES} values or {_MAX_DEPTH} levels: this is no configuration of Moodcast"
            raise _Refused(None, None, text, mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Refused(yaml.MarkedYAMLError):
    """What the YAML standard allows and Moodcast does not."""


def read(path: Path) -> bytes:
    """The bytes of ``path``. Raises ConfigError that says why there are none, and what to do."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError([f"{path}: no such file; copy the shipped config/moodcast.yaml there and edit it"]) from None
    except IsADirectoryError:
        raise ConfigError([f"{path}: is a folder; name the YAML file in it"]) from None
    except PermissionError:
        raise ConfigError(
            [f"{path}: this user may not read it; give its group or user the right to (chgrp, chmod g+r)"]
        ) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}; check the path and the disk"]) from error
    if len(data) > MAX_BYTES:
        raise ConfigError([f"{path}: larger than 1 MB: this is no configuration file of Moodcast"])
    return data


def compose(data: bytes, name: str) -> tuple[yaml.MappingNode, list[tuple[int, str]]]:
    """The top-level mapping in ``data``, UTF-8, and what was refused in it as (line, problem).

    ``name``: the file, for complaints. Raises ConfigError with one problem when there is no such
    mapping: what does not parse has no further mistakes to report.
    """
    text = _decode(data, name)
    try:
        loader = _Composer(text)
        node = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError([f"{name}:{line}: holds the character U+{_ordinal(error):04X}; remove it"]) from error
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_explained(error, name)]) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML lets some of these out of its own conversions, such as "\UFFFFFFFF".
        line = loader.line + 1
        raise ConfigError([f"{name}:{line}: not valid YAML: an escape or directive has an impossible value"]) from error
    if node is None:
        raise ConfigError([f"{name}:1: is empty; copy the shipped config/moodcast.yaml and edit it"])
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(
            [f"{name}:{line_of(node)}: must begin with sections such as `camera:`, with indented keys below them"]
        )
    return node, loader.refused


def line_of(node: yaml.Node) -> int:
    """Line of the node's beginning, from 1."""
    return int(node.start_mark.line) + 1


def short_tag(node: yaml.Node) -> str:
    """``str``, ``int``, ``bool``, ``null`` and so on: what YAML 1.1 takes a value for."""
    return str(node.tag).removeprefix(_TAG)


def plain_tag(text: str) -> str:
    """What YAML 1.1 takes ``text`` for when it stands without quotes."""
    resolved = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return str(resolved).removeprefix(_TAG)


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{name}:{line}: is not UTF-8 text; save the file with the encoding UTF-8"]) from None


def _ordinal(error: yaml.reader.ReaderError) -> int:
    character = error.character
    return ord(character) if isinstance(character, str) else int(character)


def _explained(error: yaml.MarkedYAMLError, name: str) -> str:
    problem = error.problem or "cannot be parsed"
    mark = error.problem_mark or error.context_mark
    if isinstance(error, _Refused):
        return f"{name}:{mark.line + 1}: {problem}" if mark else f"{name}: {problem}"
    both = f"{error.context or ''} {problem}"
    hint = next((hint for part, hint in _HINTS.items() if part in both), f"{problem}; check quotes and indentation")
    if "quoted scalar" in (error.context or "") and error.context_mark:
        mark = error.context_mark  # where the quote was opened; the parser noticed at the end of the file
    if mark is None:
        return f"{name}: not valid YAML: {hint}"
    return f"{name}:{mark.line + 1}: not valid YAML at column {mark.column + 1}: {hint}"
