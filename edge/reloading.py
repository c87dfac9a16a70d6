"""Reads the configuration again for the running daemon. Part of the composition root: it knows the configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.config.file import load_config
from edge.config.schema import Config, mask_secrets
from edge.core.reload import compare, merged
from edge.errors import ConfigError, ModelError
from edge.paths import model_path
from edge.sense_parts import Reloaded, SenseSettings
from edge.vision.finders import FaceFinder
from edge.vision.model import load_emotion_model


class Reloader:
    """Holds what runs. A call reads the file: a good one becomes what runs, a bad one changes nothing."""

    def __init__(
        self,
        path: Path | None,
        config: Config,
        *,
        settings: Callable[[Config], SenseSettings],
        finder: Callable[[Config], FaceFinder],
    ) -> None:
        """``path`` None: the daemon was started without a file. ``settings`` and ``finder`` make the parts anew."""
        self._path = path
        self._running = config
        self._settings = settings
        self._finder = finder

    def __call__(self) -> Reloaded:
        if self._path is None:
            return Reloaded(None, problems=("the daemon was started without a configuration file: nothing to reload",))
        try:
            return self._read(self._path)
        except ConfigError as error:
            return Reloaded(None, problems=tuple(error.problems))
        except ModelError as error:
            return Reloaded(None, problems=(mask_secrets(str(error)),))

    def _read(self, path: Path) -> Reloaded:
        wanted = load_config(path)
        running, changed = _values(self._running), _values(wanted)
        changes = compare(running, changed)
        if "emotion.model" in changes.restart:
            load_emotion_model(model_path(wanted.emotion.model))  # refuse now what the next start would refuse
        config = Config.model_validate(merged(running, changed))
        new_faces = any(key.startswith("faces.") for key in changes.live)
        reloaded = Reloaded(self._settings(config), changes, finder=self._finder(config) if new_faces else None)
        self._running = config
        return reloaded


def _values(config: Config) -> dict[str, Any]:
    values: dict[str, Any] = config.model_dump(mode="json")
    return values
