"""JSON Schemas (2020-12) of all payloads, one ``NAME.json`` each. For tests and for integrators."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def names() -> list[str]:
    """Of all schemas, sorted."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return sorted(name.removesuffix(".json") for name in files if name.endswith(".json"))


def load(name: str) -> dict[str, Any]:
    """One schema. Raises FileNotFoundError for a name that ``names`` does not give."""
    found = json.loads(resources.files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found
