"""Addresses with secrets: taken from the environment, never shown."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

from edge.errors import CameraMissing

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def is_address(path: str) -> bool:
    """True for ``rtsp://...`` and the like, in a variable too; False for a file."""
    return "://" in _VARIABLE.sub(lambda match: os.environ.get(match[1], ""), path)


def expand(text: str) -> str:
    """Puts environment variables in for ``${NAME}``. Use the result for opening only, never in a message.

    A value that stands before an ``@`` is percent-encoded, so that any password works. Raises CameraMissing for
    a variable that is not set.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in os.environ:
            raise CameraMissing(
                f"{mask(text)}: the environment variable {name} is not set; set it (for the service: "
                "in its EnvironmentFile) and start again"
            )
        in_credentials = "://" in text[: match.start()] and "@" in text[match.end() :]
        return quote(os.environ[name], safe="") if in_credentials else os.environ[name]

    return _VARIABLE.sub(value, text)


def mask(text: str) -> str:
    """Replaces user names and passwords by ``***``. Meant for texts in which ``${NAME}`` still stands."""
    text = re.sub(r"(\w+://)[^\s\"']*@", r"\1***@", text)
    return re.sub(r"(?i)\b([\w-]*(?:passw(?:or)?d|user-pw|token|secret))=([^\s&\"']+|\"[^\"]*\")", r"\1=***", text)
