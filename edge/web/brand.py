"""An installer's own look: a folder with ``brand.css``, ``logo.svg``, ``texts.yaml``; each may be missing."""

from __future__ import annotations

from pathlib import Path

import yaml

from edge.core.wording import TEXTS, problems
from edge.web.settings import WebError

_TEXTS_LIMIT_BYTES = 64_000
BRAND_SUFFIXES = frozenset({".css", ".svg", ".png", ".jpg", ".jpeg", ".webp", ".woff2"})
"""What is served from the folder; ``texts.yaml`` is not."""


def merged_texts(brand_dir: Path | None) -> dict[str, dict[str, str]]:
    """The page's texts with the installer's over them. Raises WebError naming every mistake."""
    texts = {language: dict(table) for language, table in TEXTS.items()}
    if brand_dir is None:
        return texts
    if not brand_dir.is_dir():
        raise WebError(f"{brand_dir}: no such folder; set kiosk.brand_dir to one that exists, or leave it empty")
    path = brand_dir / "texts.yaml"
    if not path.is_file():
        return texts
    own = _read(path)
    found = problems(own)
    if found:
        raise WebError("\n".join(f"{path}: {line}" for line in found))
    for language, table in own.items():
        assert isinstance(table, dict)
        texts[language].update(table)
    return texts


def _read(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_size > _TEXTS_LIMIT_BYTES:
            raise WebError(f"{path}: larger than {_TEXTS_LIMIT_BYTES} bytes; it holds short texts only")
        own = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WebError(f"{path}: cannot be read: {error}; it must be UTF-8 YAML") from error
    if own is None:
        return {}
    if not isinstance(own, dict):
        raise WebError(f"{path}: must hold languages (en, de), and `key: text` lines below each")
    return {str(language): table for language, table in own.items()}
