"""Print logs of training as a table for docs/training-detector.md: python tools/detector_log.py RUN [RUN ...]."""

from __future__ import annotations

import json
import sys
from pathlib import Path

HEAD = """| run | minutes | samples | loss logit, box, points | recall at 0.08 false a picture | landmarks' error |
|---|---|---|---|---|---|"""


def main() -> None:
    """Print."""
    print(HEAD)
    for run in sys.argv[1:]:
        for text in (Path(run) / "log.jsonl").read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            losses = ", ".join(f"{line[f'loss_{name}']:.3f}" for name in ("logit", "box", "point"))
            recall, error = line["own_recall_at_0.08"], line.get("own_landmark_error", float("nan"))
            cells = (Path(run).name, line["minutes"], f"{line['samples']:,}", losses, f"{recall:.3f}", f"{error:.3f}")
            print("| " + " | ".join(str(cell) for cell in cells) + " |")


if __name__ == "__main__":
    main()
