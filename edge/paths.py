"""Where the files that are shipped with Moodcast lie: in a checkout beside ``edge/``, else under ``sys.prefix``."""

from __future__ import annotations

import sys
from pathlib import Path

from edge.errors import ModelError

_CHECKOUT = Path(__file__).resolve().parent.parent
_DEVICE_CONFIG = Path("/etc/moodcast/moodcast.yaml")
_INSTALLED = Path(sys.prefix) / "share" / "moodcast"


def shipped(folder: str) -> Path:
    """Path of a shipped folder: ``models`` or ``config``."""
    beside = _CHECKOUT / folder
    return beside if beside.is_dir() else _INSTALLED / folder


def default_config() -> Path:
    """The configuration where none is named: the installed device's own, else the shipped one."""
    return _DEVICE_CONFIG if _DEVICE_CONFIG.is_file() else shipped("config") / "moodcast.yaml"


def model_path(name_or_path: str) -> Path:
    """Path of a ``.tflite`` file, from the name of a shipped model or a path; its card lies beside it as ``.yaml``.

    Raises ModelError when there is no such file.
    """
    is_path = name_or_path.endswith(".tflite") or "/" in name_or_path
    path = Path(name_or_path) if is_path else shipped("models") / f"{name_or_path}.tflite"
    if not path.is_file():
        names = ", ".join(sorted(p.stem for p in shipped("models").glob("*.tflite"))) or "none found"
        raise ModelError(f"{path}: no such model file; give the path of a .tflite file or a shipped name ({names})")
    return path
