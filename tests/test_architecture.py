"""Imports point one way: data, errors <- core <- adapters <- composition roots <- command line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

EDGE = Path(__file__).resolve().parent.parent / "edge"
FILES = sorted(EDGE.rglob("*.py"))

BOTTOM = {"data", "errors"}
ADAPTERS = {"camera", "vision", "player", "web", "mqtt", "store", "catalogue"}
CONFIG = {"config"}
CONFIG_READERS = {"config", "compose", "daemon", "sense", "reloading", "companion", "cli", "commands"}
IN_CORE = {
    "numpy",
    "math",
    "dataclasses",
    "typing",
    "collections",
    "__future__",
    "json",
    "enum",
    "functools",
    "datetime",
}
FORBIDDEN_CALLS_IN_CORE = {"open", "print", "input", "now", "utcnow", "today", "default_rng", "random"}


def part(path: Path) -> str:
    """First name below ``edge``: the part of the project that a module belongs to."""
    relative = path.relative_to(EDGE)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Dotted names of all modules imported anywhere in the file, lazily too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "edge":
                found |= {f"edge.{alias.name}" for alias in node.names}
    return found


def called(path: Path) -> set[str]:
    """Names of all functions and methods that the file calls."""
    functions = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return {f.id if isinstance(f, ast.Name) else f.attr for f in functions if isinstance(f, (ast.Name, ast.Attribute))}


def edge_parts(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("edge.")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(EDGE)))
def test_imports_of(path: Path) -> None:
    own, used = part(path), edge_parts(path)
    if own in BOTTOM:
        assert used <= BOTTOM
    if own == "core":
        assert used <= BOTTOM | {"core"}
        outside = {name.split(".")[0] for name in imports(path)} - {"edge"}
        assert outside <= IN_CORE, f"the core is pure; it may not import {outside - IN_CORE}"
        assert not called(path) & FORBIDDEN_CALLS_IN_CORE, "no clock, no chance, no I/O"
    if own in ADAPTERS:
        assert not (used & ADAPTERS) - {own}, "adapters never import each other"
        assert not used & {"sense", "companion", "cli", "commands", "measure"}
    if own not in CONFIG_READERS:
        assert not used & CONFIG, "only composition roots and the command line read the configuration"
    if own not in {"measure", "commands"}:
        assert "measure" not in used, "the daemons never import measure"
    if own not in {"doctor", "commands"}:
        assert "doctor" not in used, "the daemons never import the doctor"


def test_only_mqtt_imports_the_mqtt_client() -> None:
    users = {part(p) for p in FILES if any(n.split(".")[0] == "paho" for n in imports(p))}
    assert users == {"mqtt"}


def test_only_vision_knows_an_inference_runtime() -> None:
    runtimes = {"ai_edge_litert", "tflite_runtime"}
    users = {part(p) for p in FILES if any(n.split(".")[0] in runtimes for n in imports(p))}
    assert users <= {"vision"}
