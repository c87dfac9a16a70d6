"""Takes secrets out of texts that leave the machine: diagnostics, bundles, last errors."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

_SECRET_NAME = re.compile(r"(?i)pass|_pwd|token|secret|credential|api_?key|private_?key")
_FILE_BYTES = 10_000
_LEAST = 3
"""Shorter values are no secrets, and taking them out would eat every text."""


def secret_values(environ: Mapping[str, str]) -> list[str]:
    """Values of environment variables whose names say that they are secret."""
    return [value for name, value in environ.items() if _SECRET_NAME.search(name)]


def file_values(paths: Iterable[Path]) -> list[str]:
    """Secrets in small files, a line each: the whole line, or the value of NAME=value. Unreadable files hold none."""
    found: list[str] = []
    for path in paths:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            lines = path.read_bytes()[:_FILE_BYTES].decode().splitlines()
            found += [
                (value if equals else name).strip().strip("\"'")
                for name, equals, value in (line.partition("=") for line in lines if not line.lstrip().startswith("#"))
            ]
            found += [line.strip() for line in lines]  # a password may itself hold `=`
    return found


class Scrubber:
    """Replaces known secrets wherever they stand, also encoded for an address or JSON, and what looks like one by
    ``mask``."""

    def __init__(self, secrets: Iterable[str], mask: Callable[[str], str]) -> None:
        known = {form for secret in secrets if len(secret) >= _LEAST for form in _forms(secret)}
        # The longest first: one secret may be part of another.
        self._known = sorted(known, key=len, reverse=True)
        self._mask = mask

    def __call__(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, "***")
        return self._mask(text)


def _forms(secret: str) -> tuple[str, ...]:
    escaped = (json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    return (secret, quote(secret, safe=""), quote(secret), *escaped)
