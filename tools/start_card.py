"""Print the card of somebody's own network, to be checked and kept as NAME.yaml beside NAME.tflite.

Hash, shapes, types and scales are read from the file; what the file cannot tell (how grey levels become its input, what
its output means) comes from the options and must be right. Labels must come in Moodcast's order.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # so that it runs where Moodcast is not installed

from edge.data import EMOTIONS
from edge.errors import EdgeError
from edge.vision.model import CONTENTS, LOGITS, LOGITS_AND_USABLE, TASK
from edge.vision.runtime import TensorInfo, load_network


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the .tflite file: [1, side, side, 1] grey to seven numbers")
    parser.add_argument("--subtract", type=float, default=0.0, help="input = (grey level 0-255 - this) / divide")
    parser.add_argument("--divide", type=float, default=255.0, help="default: 255, for an input of 0-1")
    parser.add_argument("--content", choices=CONTENTS, default=LOGITS, help="of the output (default: logits)")
    parser.add_argument("--threshold", type=float, default=0.5, help="usable score below which a face is not read")
    return parser.parse_args()


def tensor(info: TensorInfo) -> dict[str, Any]:
    """One end of the network, as its card says it."""
    fields: dict[str, Any] = {"shape": list(info.shape), "dtype": info.dtype}
    return {**fields, "scale": info.scale, "zero_point": info.zero_point} if info.scale else fields


def card(args: argparse.Namespace) -> dict[str, Any]:
    """The fields that the service reads, with neutral values where only a measurement can tell."""
    network = load_network(args.model)
    fields: dict[str, Any] = {
        "name": args.model.stem,
        "file": args.model.name,
        "sha256": hashlib.sha256(args.model.read_bytes()).hexdigest(),
        "task": TASK,
        "input": {
            **tensor(network.input),
            "colour": "grey",
            "normalisation": {"subtract": args.subtract, "divide": args.divide},
        },
        "output": {**tensor(network.output), "content": args.content},
        "labels": list(EMOTIONS),
        "temperature": 1.0,
        "prior": {"power": 0.0, "values": [round(1.0 / len(EMOTIONS), 5)] * len(EMOTIONS)},
    }
    if args.content == LOGITS_AND_USABLE:
        fields["usable"] = {"threshold": args.threshold}
    return fields


def main() -> int:
    """Print."""
    args = arguments()
    try:
        fields = card(args)
    except (EdgeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(yaml.safe_dump(fields, sort_keys=False, width=110, default_flow_style=None), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
