"""A configuration on its way from text to ``Config``: collects every mistake, each with its line."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edge.config.keys import Scalar, convert, did_you_mean, keys, printable, sections, shown
from edge.config.schema import Config
from edge.config.tree import REFUSED, line_of, plain_tag, short_tag

_KEYS = keys()
_SECTIONS = sections()
_PATHS = {
    "camera.path",
    "faces.yunet_file",
    "emotion.model",
    "mqtt.password_file",
    "mqtt.ca_file",
    "companion.catalogue",
    "companion.times",
    "kiosk.brand_dir",
    "kiosk.images_dir",
    "daemon.state_dir",
}
_SECRETS = {"password", "passwd", "pass", "secret", "token"}


class Draft:
    """Takes the file's mapping, then the command line's overrides; ``finish`` gives the configuration."""

    def __init__(self, name: str, folder: Path) -> None:
        """``name``: the file, for complaints. ``folder``: what relative paths in it are relative to."""
        self._name = name
        self._folder = folder
        self._scalars: dict[str, Scalar] = {}
        self._lines: dict[str, int] = {}
        self._bad: set[str] = set()
        self._problems: dict[str, float] = {}  # a set that keeps its order, with the line to sort by

    @property
    def problems(self) -> list[str]:
        """All mistakes so far, in the order of the file, those of the command line last."""
        return sorted(self._problems, key=lambda problem: self._problems[problem])

    def complain(self, line: int | None, key: str, text: str) -> None:
        """Notes a mistake. ``line`` None: it stands on the command line. ``key`` may be empty."""
        where = f"{self._name}:{line}" if line is not None else "--set"
        problem = ": ".join(part for part in (where, key, text) if part)
        self._problems.setdefault(problem, math.inf if line is None else line)

    def take_mapping(self, node: yaml.MappingNode, section: str = "") -> None:
        """Takes the keys of ``section`` (dotted, empty for the whole file) from its YAML node."""
        seen: dict[str, int] = {}
        for key_node, value in node.value:
            line = line_of(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.complain(line, section, "a key must be a word: check brackets, braces and `?`")
            elif key_node.tag != REFUSED:
                name = key_node.value
                dotted = f"{section}.{name}" if section else name
                if name in seen:
                    self.complain(line, printable(dotted), f"given twice, first in line {seen[name]}: keep one of them")
                seen.setdefault(name, line)
                if "." in name:
                    self.complain(line, printable(dotted), f"unknown key{_dots(dotted)}")
                else:
                    self._take(dotted, value, line)

    def take_override(self, dotted: str, text: str) -> None:
        """Takes one ``section.key`` and its value as typed on the command line; it wins over the file."""
        if dotted in _KEYS:
            self._scalars[dotted] = Scalar(text, plain=True, tag=plain_tag(text), line=None)
            self._lines.pop(dotted, None)
            self._bad.discard(dotted)
        elif dotted in _SECTIONS:
            example = next(key for key in _KEYS if key.startswith(dotted))
            self.complain(None, dotted, f"is a section: name a key of it, such as {example}")
        else:
            section, _, name = dotted.rpartition(".")
            self.complain(None, printable(dotted), _unknown(section if section in _SECTIONS else "", name))

    def finish(self) -> Config | None:
        """The configuration, or None when it has mistakes; ``problems`` then tells them."""
        values: dict[str, Any] = {}
        for dotted, scalar in self._scalars.items():
            self._convert(dotted, scalar, values)
        config, wrong = self._attempt(values)
        while wrong:
            # Checks between keys run only where each value is right by itself: again, without the wrong ones.
            self._bad |= wrong
            values = {name: value for name, value in values.items() if name not in wrong}
            config, wrong = self._attempt(values)
        return None if self._problems else config

    def _attempt(self, values: dict[str, Any]) -> tuple[Config | None, set[str]]:
        """The configuration, or None and the keys whose values are wrong by themselves."""
        try:
            return Config.model_validate(_nested(values)), set()
        except ValidationError as error:
            return None, {name for details in error.errors() if (name := self._explain(details, values))}

    def _take(self, dotted: str, value: yaml.Node, line: int) -> None:
        self._lines.setdefault(dotted, line)
        refused = value.tag == REFUSED
        if dotted in _SECTIONS:
            if isinstance(value, yaml.MappingNode):
                self.take_mapping(value, dotted)
            elif not refused and short_tag(value) != "null":
                self._bad.add(dotted)
                self.complain(
                    line, dotted, "is a section: its keys stand in the lines below it, indented, `key: value`"
                )
        elif dotted not in _KEYS:
            section, _, name = dotted.rpartition(".")
            self.complain(line, printable(dotted), _unknown(section, name))
        elif refused:
            self._bad.add(dotted)
        elif isinstance(value, yaml.ScalarNode):
            is_block = value.style in ("|", ">")
            text = value.value.strip() if is_block else value.value
            self._scalars[dotted] = Scalar(text, plain=value.style is None, tag=short_tag(value), line=line)
        else:
            kind = "a list" if isinstance(value, yaml.SequenceNode) else "a section"
            self._bad.add(dotted)
            self.complain(line, dotted, f"must be {_KEYS[dotted].allowed}, not {kind}")

    def _convert(self, dotted: str, scalar: Scalar, values: dict[str, Any]) -> None:
        try:
            value = convert(_KEYS[dotted], scalar)
            values[dotted] = self._resolved(dotted, value) if dotted in _PATHS else value
        except ValueError as error:
            self._bad.add(dotted)
            self.complain(scalar.line, dotted, str(error))

    def _resolved(self, dotted: str, value: object) -> object:
        """A path made absolute: from the file's folder, or from the working folder on the command line."""
        if not isinstance(value, str) or "://" in value or value.startswith("$"):
            return value  # an address, or one that the environment completes
        if dotted == "emotion.model" and not value.endswith(".tflite") and "/" not in value:
            return value  # the name of a shipped model
        try:
            path = Path(value).expanduser()
        except RuntimeError:
            raise ValueError(f"there is no home folder for {shown(value)}: write the whole path") from None
        folder = self._folder if self._scalars[dotted].line is not None else Path.cwd()
        return os.path.normpath(folder / path)

    def _explain(self, details: ErrorDetails, values: dict[str, Any]) -> str | None:
        """Notes one complaint of the schema in words. Returns the key whose value is wrong by itself, if one is."""
        dotted = ".".join(str(part) for part in details["loc"])
        context = details.get("ctx", {})
        if details["type"] == "cross_key":
            names = [f"{dotted}.{name}" for name in context["keys"]]
            if not self._bad.intersection(names):
                given = next((name for name in names if name in self._scalars), names[0])
                self.complain(self._line(given), given, context["text"])
            return None
        if details["type"] == "missing":
            if not self._bad.intersection((dotted, dotted.rpartition(".")[0])):
                key = _KEYS[dotted]
                self.complain(self._line(dotted), dotted, f"is missing and must be {key.allowed}. {key.description}")
            return None
        if details["type"] == "value_error":
            text = str(context["error"])
        else:
            key, value = _KEYS[dotted], values[dotted]
            text = f"must be {key.allowed}, not {shown(value) if key.kind is str else value}"
            text += did_you_mean(str(value), [str(choice) for choice in key.choices])
        self.complain(self._line(dotted), dotted, text)
        return dotted

    def _line(self, dotted: str) -> int | None:
        """Where ``dotted`` stands; else its section; else the first line; None for the command line."""
        scalar = self._scalars.get(dotted)
        if scalar is not None:
            return scalar.line
        while dotted not in self._lines and dotted:
            dotted = dotted.rpartition(".")[0]
        return self._lines.get(dotted, 1)


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    """``{"camera.region.x": 1}`` as ``{"camera": {"region": {"x": 1}}}``, every section there."""
    tree: dict[str, Any] = {}
    for section in _SECTIONS:
        inner = tree
        for part in section.split(".") if section else []:
            inner = inner.setdefault(part, {})
        inner |= {k.rpartition(".")[2]: v for k, v in values.items() if k.rpartition(".")[0] == section}
    return tree


def _unknown(section: str, name: str) -> str:
    """What to do about a key that does not exist in ``section``."""
    if name.lower() in _SECRETS or name.lower() in {f"mqtt_{word}" for word in _SECRETS}:
        return (
            "a password does not stand in this file: write it into a file of its own, named by `mqtt.password_file`, "
            "or give it in the environment variable MOODCAST_MQTT_PASSWORD"
        )
    if section and name in _SECTIONS:
        return f"`{name}` is a section of its own: begin it in the first column"
    siblings = list(_SECTIONS[section].model_fields)
    homes = [dotted.rpartition(".")[0] for dotted in (*_KEYS, *_SECTIONS) if dotted.rpartition(".")[2] == name]
    belongs = "belongs under " + " or ".join(f"`{home}`" for home in homes if home)
    near = did_you_mean(name, siblings)
    if any(homes):
        return f"unknown key{near} It also {belongs}" if near else f"unknown key; it {belongs}"
    near = near or did_you_mean(name, list(_KEYS)) or _elsewhere(name)
    return f"unknown key{near}" if near else f"unknown key; allowed here: {', '.join(siblings)}"


def _dots(dotted: str) -> str:
    """How a key that was written with dots stands in the file."""
    if dotted not in _KEYS and dotted not in _SECTIONS:
        return ": no key of this file has a dot in its name"
    first, _, rest = dotted.partition(".")
    return f": write `{first}:`, and in the line below it, indented, `{rest.replace('.', ':` and again `')}:`"


def _elsewhere(name: str) -> str:
    """``did you mean`` with the dotted name of a key of another section."""
    by_name = {dotted.rpartition(".")[2]: dotted for dotted in reversed(_KEYS)}
    near = did_you_mean(name, list(by_name))
    for short, dotted in by_name.items():
        near = near.replace(f"`{short}`", f"`{dotted}`")
    return near
