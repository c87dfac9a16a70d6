"""docs/emotion-model.md against the code: the corruptions' names and strengths, and the keys it names."""

from __future__ import annotations

from pathlib import Path

from edge.measure.corruptions import CORRUPTIONS

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "emotion-model.md").read_text()


def test_every_corruption_stands_on_the_page_with_its_strength() -> None:
    rows = [f"| `{corruption.name}` | {corruption.what} |" for corruption in CORRUPTIONS]
    assert "\n".join(rows) in PAGE
