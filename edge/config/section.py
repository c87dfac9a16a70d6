"""What every section of the schema is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a key takes, in an installer's words, where type and range do not say it."""

    words: str


Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
TopicName = Annotated[
    str,
    Field(pattern=r"^[^\s/+#$]([^\s+#]*[^\s/+#])?$", max_length=200),
    Allowed("a topic without spaces, `+`, `#`, without `$` in front and without `/` at either end"),
]


def cross_key(keys: list[str], text: str) -> PydanticCustomError:
    """A mistake that lies between keys of one section, not in one value. ``keys``: those that must change."""
    return PydanticCustomError("cross_key", "{text}", {"text": text, "keys": keys})


class Section(BaseModel):
    """A part of the file: unknown keys are mistakes, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)
