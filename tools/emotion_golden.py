"""Write tests/golden/emotion.json: what models/emotion.tflite answers to made-up pictures. Run after replacing it."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge.vision.runtime import load_network

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "emotion.json"


def pictures(side: int = 48) -> NDArray[np.uint8]:
    """Made-up pictures uint8 (6, side, side): grey, a ramp, noise and three drawn faces with different mouths."""
    made = [np.full((side, side), 128, np.uint8)]
    made.append(np.add.outer(np.arange(side) * 2, np.arange(side) * 3).astype(np.uint8))
    made.append(np.random.default_rng(7).integers(0, 256, (side, side)).astype(np.uint8))
    for mouth in ((0, 180), (180, 360), (0, 360)):
        face = np.full((side, side), 60, np.uint8)
        cv2.ellipse(face, (24, 25), (19, 24), 0, 0, 360, 190, -1)
        for x in (16, 32):
            cv2.circle(face, (x, 19), 3, 30, -1)
        cv2.ellipse(face, (24, 35), (8, 4), 0, *mouth, 40, 2)
        made.append(face)
    return np.stack(made)


def main() -> None:
    """Write the answers of the model that is there now."""
    path = ROOT / "models" / "emotion.tflite"
    network = load_network(path)
    # Our own networks take the grey level less 128.
    inputs = (pictures().astype(np.int16) - 128).astype(np.int8)
    answers = [network.run(one[None, :, :, None])[0].tolist() for one in inputs]
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    golden = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "int8_logits": answers}
    GOLDEN.write_text(json.dumps(golden) + "\n")
    print(f"{GOLDEN}: {len(answers)} answers")


if __name__ == "__main__":
    main()
