"""The keys of ``edge.config`` as a flat table: what each takes, in words that an installer understands.

The documentation, the commented default file and every complaint about a value are made from this table.
"""

from __future__ import annotations

import difflib
import re
import types
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from edge.config.schema import Config, mask_secrets
from edge.config.section import Allowed, Section

_UNITS = {"_s": "seconds", "_px": "pixels", "_hz": "hertz", "_deg": "degrees"}
# YAML 1.1 takes 010 for 8, 1:30 for 90 and 0x10 for 16. Only plain decimal numbers are accepted here.
_NUMBER = re.compile(r"[-+]?([0-9]{1,18}(\.[0-9]*)?|\.[0-9]{1,18})([eE][-+]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the file."""

    name: str
    """Dotted, such as ``camera.region.x``."""
    kind: type
    """bool, int, float or str."""
    choices: tuple[Any, ...]
    """The allowed values; empty when any of ``kind`` is."""
    low: float | None
    high: float | None
    low_open: bool
    high_open: bool
    """Whether the bound itself is outside the range."""
    nullable: bool
    required: bool
    default: Any
    description: str
    words: str | None
    """What is allowed, where type and range do not say it."""

    @property
    def unit(self) -> str | None:
        """Unit of the value, from the key's name."""
        return next((unit for suffix, unit in _UNITS.items() if self.name.endswith(suffix)), None)

    @property
    def allowed(self) -> str:
        """What the key takes, in words."""
        unit = f", in {self.unit}" if self.unit else ""
        if self.words:
            return self.words
        if self.choices:
            return "one of " + ", ".join(str(c) for c in self.choices) + unit
        if self.kind is bool:
            return "true or false"
        if self.kind is str:
            return "text" + self._length()
        return ("a whole number" if self.kind is int else "a number") + self._range() + unit

    def _range(self) -> str:
        if self.low is not None and self.high is not None and not self.low_open and not self.high_open:
            return f" from {self.low:.15g} to {self.high:.15g}"
        parts = []
        if self.low is not None:
            parts.append(("above " if self.low_open else "at least ") + f"{self.low:.15g}")
        if self.high is not None:
            parts.append(("below " if self.high_open else "at most ") + f"{self.high:.15g}")
        return " " + " and ".join(parts) if parts else ""

    def _length(self) -> str:
        if self.low is None:
            return "" if self.high is None else f" of at most {self.high:.15g} characters"
        return (
            f" of at least {self.low:.15g} character"
            if self.high is None
            else (f" of {self.low:.15g} to {self.high:.15g} characters")
        )


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as it stands in its source, before it is known what its key takes."""

    text: str
    plain: bool
    """Written without quotes."""
    tag: str
    """What YAML 1.1 takes it for: str, int, float, bool, null, timestamp."""
    line: int | None
    """From 1; None for a value from the command line, where quotes have no say."""


def sections(model: type[Section] = Config, prefix: str = "") -> dict[str, type[Section]]:
    """All sections by dotted name, in the order of the file; the file itself is ``""``."""
    found = {prefix.rstrip("."): model}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found |= sections(field.annotation, f"{prefix}{name}.")
    return found


def keys() -> dict[str, Key]:
    """All keys by dotted name, in the order of the file."""
    found = {}
    for section, model in sections().items():
        for name, field in model.model_fields.items():
            dotted = f"{section}.{name}" if section else name
            if dotted not in sections():
                found[dotted] = _key(dotted, field)
    return found


def _key(name: str, field: FieldInfo) -> Key:
    annotation, metadata, nullable = field.annotation, list(field.metadata), False
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(a for a in get_args(annotation) if a is not type(None))
        nullable = True
    if get_origin(annotation) is Annotated:
        annotation, *inner = get_args(annotation)
        metadata += inner
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    kind: Any = type(choices[0]) if choices else annotation
    if kind not in (bool, int, float, str):
        raise TypeError(f"{name}: no words for the type {annotation}")

    def bound(*names: str) -> float | None:
        values = [getattr(m, n) for m in metadata for n in names if getattr(m, n, None) is not None]
        return values[-1] if values else None

    return Key(
        name=name,
        kind=kind,
        choices=choices,
        low=bound("ge", "gt", "min_length"),
        high=bound("le", "lt", "max_length"),
        low_open=bound("gt") is not None,
        high_open=bound("lt") is not None,
        nullable=nullable,
        required=field.is_required(),
        default=None if field.is_required() else field.default,
        description=field.description or "",
        words=next((m.words for m in metadata if isinstance(m, Allowed)), None),
    )


def printable(text: str) -> str:
    """``text`` in one line of printable characters, at most 60."""
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[:100])
    return f"{text[:57]}..." if len(text) > 60 else text


def shown(value: object) -> str:
    """A value as it may stand in a message: in quotes, short, printable, without secrets."""
    return f'"{printable(mask_secrets(str(value)))}"'


def did_you_mean(word: str, candidates: list[str]) -> str:
    """``; did you mean `x`?`` with the nearest candidate, or nothing."""
    folded = {c.lower().replace("-", "_"): c for c in reversed(candidates)}
    near = difflib.get_close_matches(word[:100].lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return f"; did you mean `{folded[near[0]]}`?" if near else ""


def convert(key: Key, scalar: Scalar) -> bool | float | str | None:
    """The value of ``scalar`` in the type that ``key`` takes; ranges and choices are not checked here.

    Raises ValueError whose text continues "must be ...".
    """
    if (scalar.plain and scalar.tag == "null") or (key.nullable and not scalar.text):
        if key.nullable:
            return None
        raise ValueError(_must(key) + ", but has no value" + _or_remove(key))
    if key.kind is str:
        return _text(key, scalar)
    if not scalar.plain:
        raise ValueError(f"{_must(key)}, not {shown(scalar.text)} in quotes: write it without quotes")
    if key.kind is bool:
        if scalar.tag != "bool":
            raise ValueError(f"{_must(key)}, not {shown(scalar.text)}{did_you_mean(scalar.text, ['true', 'false'])}")
        return scalar.text.lower() in ("yes", "true", "on")
    return _number(key, scalar.text)


def _must(key: Key) -> str:
    return f"must be {key.allowed}"


def _or_remove(key: Key) -> str:
    return "" if key.required else f"; remove the line for the default, {key.default}"


def _text(key: Key, scalar: Scalar) -> str:
    if scalar.plain and scalar.tag == "bool" and scalar.line is not None:
        value = "true" if scalar.text.lower() in ("yes", "true", "on") else "false"
        raise ValueError(
            f'{_must(key)}; YAML takes {scalar.text} for {value}: if the text is meant, quote it: "{scalar.text}"'
        )
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in scalar.text):
        raise ValueError(f"{_must(key)}, without line breaks or other control characters")
    return scalar.text


def _number(key: Key, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        hint = ""
        if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", text):
            hint = f": write a point, {text.replace(',', '.')}"
        elif match := re.fullmatch(r"([-+]?[0-9][0-9.]{,17})\s*[A-Za-z%°]+", text):
            hint = f": write the number alone, {match[1]}"
        raise ValueError(f"{_must(key)}, not {shown(text)}{hint}")
    if re.match(r"[-+]?0[0-9]", text):
        raise ValueError(f"{_must(key)}, not {text}: YAML reads a leading zero as base 8; write it without")
    if _WHOLE.fullmatch(text):
        return int(text)
    if key.kind is int and not float(text).is_integer():
        raise ValueError(f"{_must(key)}, not {text}")
    return float(text)
