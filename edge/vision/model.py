"""Loads a network with its card, and refuses by name what does not fit.

A model is two files: ``NAME.tflite`` and ``NAME.yaml``, its card. The card is the only place where facts about the
model stand; every one that the service relies on is checked here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from edge.data import EMOTIONS
from edge.errors import ModelError
from edge.vision.runtime import Network, TensorInfo, load_network

TASK = "facial-emotion"
LOGITS, LOGITS_AND_USABLE, PROBABILITIES = CONTENTS = ("logits", "logits and usable", "probabilities")
"""What ``output.content`` may be: seven logits in the order of the labels; those and the usable logit; or seven
probabilities, as networks that end with a softmax give them."""
_SCALE_TOLERANCE = 1e-6
"""Relative; the card's decimal scale must be the file's 32-bit one."""


@dataclass(frozen=True)
class Card:
    """What ``NAME.yaml`` says and the service uses."""

    path: Path
    sha256: str
    input: TensorInfo
    output: TensorInfo
    subtract: float
    divide: float
    """The network's real input is (grey level - subtract) / divide."""
    temperature: float
    prior_power: float
    prior: tuple[float, ...]
    """How often each emotion was trained on, at most the card's ``prior.ceiling``."""
    content: str = LOGITS
    """What the output is, one of CONTENTS."""
    usable_min: float = 0.0
    """Faces whose usable score is below are not read; 0 where the network gives none."""

    @property
    def has_usable(self) -> bool:
        """Whether the network's output has the usable logit, after the seven of the emotions."""
        return self.content == LOGITS_AND_USABLE


@dataclass(frozen=True)
class EmotionModel:
    """A network that fits its card."""

    network: Network
    card: Card


def load_emotion_model(path: Path, *, threads: int = 1) -> EmotionModel:
    """Load ``path`` (``NAME.tflite``) and the card beside it.

    Raises ModelError, naming the file, what was expected and found and what to do, when a file is missing or broken or
    hash, shapes, dtypes, quantisation or labels do not fit.
    """
    card = read_card(path.with_suffix(".yaml"))
    check_hash(path, card.sha256)
    network = load_network(path, threads=threads)
    for end, found, wanted in (("input", network.input, card.input), ("output", network.output, card.output)):
        check_tensor(path, end, found, wanted)
    return EmotionModel(network, card)


def load_beside(path: Path, card: Card, *, threads: int = 1) -> EmotionModel:
    """Load ``path``, the same network in another form (such as float), which needs no card of its own.

    With a card beside it that one holds, as in ``load_emotion_model``. Else ``card`` holds, but for hash and
    quantisation, which are the file's. Raises ModelError when the shapes differ from the card's.
    """
    if path.with_suffix(".yaml").is_file():
        return load_emotion_model(path, threads=threads)
    network = load_network(path, threads=threads)
    shapes = (network.input.shape, network.output.shape)
    if shapes != (card.input.shape, card.output.shape):
        wanted = f"{list(card.input.shape)} to {list(card.output.shape)}"
        raise ModelError(
            f"{path}: expected a network from {wanted} (by {card.path}), found {list(shapes[0])} to {list(shapes[1])}; "
            f"give another one, or write its own card {path.with_suffix('.yaml').name}"
        )
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return EmotionModel(network, replace(card, sha256=sha256, input=network.input, output=network.output))


def read_card(path: Path) -> Card:
    """Read and check the card at ``path``. Raises ModelError."""
    fields = CardFields(path, read_card_file(path))
    task = fields.get("task", str, TASK)
    if task != TASK:
        raise fields.error("task", TASK, task)
    labels = fields.get("labels", list, "a list")
    if tuple(labels) != EMOTIONS:
        raise fields.error("labels", f"[{', '.join(EMOTIONS)}] in this order", f"[{', '.join(map(str, labels))}]")
    source, sink = fields.tensor("input"), fields.tensor("output")
    if len(source.shape) != 4 or source.shape != (1, source.shape[1], source.shape[1], 1) or source.shape[1] < 1:
        raise fields.error("input.shape", "[1, side, side, 1], one square grey face", list(source.shape))
    content = _content(fields, sink)
    return Card(
        path=path,
        sha256=fields.get("sha256", str, "64 hexadecimal digits"),
        input=source,
        output=sink,
        subtract=fields.number("input.normalisation.subtract"),
        divide=fields.number("input.normalisation.divide", above_0=True),
        temperature=fields.number("temperature", above_0=True),
        prior_power=fields.number("prior.power"),
        prior=_prior(fields),
        content=content,
        usable_min=_usable_min(fields) if content == LOGITS_AND_USABLE else 0.0,
    )


def _prior(fields: CardFields) -> tuple[float, ...]:
    """Emotions above the ceiling count as equally frequent: only the rarer ones are then raised."""
    ceiling = fields.number("prior.ceiling", above_0=True, default=1.0)
    return tuple(min(value, ceiling) for value in fields.numbers_above_0("prior.values", len(EMOTIONS)))


def _content(fields: CardFields, sink: TensorInfo) -> str:
    """What the output is. Raises ModelError when content and shape do not go together."""
    allowed = "one of " + ", ".join(CONTENTS)
    content: str = fields.get("output.content", str, allowed, default=LOGITS)
    if content not in CONTENTS:
        raise fields.error("output.content", allowed, repr(content))
    wanted = len(EMOTIONS) + (content == LOGITS_AND_USABLE)
    if sink.shape != (1, wanted):
        what = "one number for each label" + (" and the usable logit" if wanted > len(EMOTIONS) else "")
        raise fields.error("output.shape", f"[1, {wanted}], {what} (output.content: {content})", list(sink.shape))
    return content


def _usable_min(fields: CardFields) -> float:
    value = fields.number("usable.threshold")
    if not 0.0 <= value < 1.0:
        raise fields.error("usable.threshold", "a number from 0 to below 1", value)
    return value


def read_card_file(path: Path) -> Mapping[str, Any]:
    """The fields of the card at ``path``. Raises ModelError."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such card; a model is NAME.tflite with NAME.yaml beside it: copy both") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        where = " ".join(str(error).split())
        raise ModelError(f"{path}: the card cannot be read ({where}); copy it again from the release") from error
    if not isinstance(content, dict):
        found = type(content).__name__
        raise ModelError(f"{path}: expected a mapping of fields, found {found}; copy the card again from the release")
    return content


class CardFields:
    """Typed access to a card's fields, with errors that name the card."""

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self._path, self._content = path, content

    def error(self, field: str, expected: str, found: object) -> ModelError:
        hint = "correct the card, or take the card and the network of one release"
        return ModelError(f"{self._path}: {field}: expected {expected}, found {found}; {hint}")

    def get(self, field: str, kind: type | tuple[type, ...], expected: str, *, default: object = None) -> Any:
        """The value of ``field``, such as "prior.power", if it is a ``kind``; ``default`` where it is absent."""
        value: Any = self._content
        for key in field.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        value = default if value is None else value
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.error(field, expected, "nothing" if value is None else repr(value))
        return value

    def number(self, field: str, *, above_0: bool = False, default: float | None = None) -> float:
        value = float(self.get(field, (int, float), "a number", default=default))
        if not math.isfinite(value) or (above_0 and value <= 0.0):
            raise self.error(field, "a number above 0" if above_0 else "a finite number", value)
        return value

    def numbers_above_0(self, field: str, count: int) -> tuple[float, ...]:
        values = self.get(field, list, f"{count} numbers above 0")
        if len(values) != count or not all(isinstance(v, (int, float)) and 0.0 < v < math.inf for v in values):
            raise self.error(field, f"{count} numbers above 0", values)
        return tuple(float(value) for value in values)

    def tensor(self, field: str) -> TensorInfo:
        shape = self.get(f"{field}.shape", list, "a list of whole numbers")
        if not all(isinstance(n, int) for n in shape):
            raise self.error(f"{field}.shape", "a list of whole numbers", shape)
        dtype = self.get(f"{field}.dtype", str, "int8 or float32")
        if dtype not in ("int8", "float32"):
            raise self.error(f"{field}.dtype", "int8 or float32", dtype)
        if dtype == "float32":
            return TensorInfo(tuple(shape), dtype, 0.0, 0)
        zero_point = self.get(f"{field}.zero_point", int, "a whole number")
        return TensorInfo(tuple(shape), dtype, self.number(f"{field}.scale", above_0=True), zero_point)


def check_hash(path: Path, sha256: str) -> None:
    """Raises ModelError unless the file at ``path`` has the hash that its card names."""
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); copy it again from the release") from error
    if found != sha256:
        raise ModelError(
            f"{path}: sha256: expected {sha256} (by {path.stem}.yaml), found {found}; the file is damaged or of "
            "another release: copy both files again"
        )


def check_tensor(path: Path, end: str, found: TensorInfo, wanted: TensorInfo) -> None:
    """Raises ModelError unless the tensor ``end`` of the network at ``path`` is as its card says."""
    same_scale = abs(found.scale - wanted.scale) <= _SCALE_TOLERANCE * max(found.scale, wanted.scale)
    if (found.shape, found.dtype, found.zero_point) != (
        wanted.shape,
        wanted.dtype,
        wanted.zero_point,
    ) or not same_scale:
        raise ModelError(
            f"{path}: {end}: expected {_describe(wanted)} (by {path.stem}.yaml), found {_describe(found)}; "
            "take the card and the network of one release"
        )


def _describe(info: TensorInfo) -> str:
    quantised = f", scale {info.scale:.6g}, zero point {info.zero_point}" if info.scale else ""
    return f"{info.dtype} {list(info.shape)}{quantised}"
