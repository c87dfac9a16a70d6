"""Write models/yardstick.tflite: a float network of mini-Xception's size and shape, as a measure of speed.

`moodcast bench` times it beside our own network: with OpenCV's Haar cascade it stands for what people use today. Its
weights are random (seeded): it recognises nothing. Shape after Arriaga, Valdenegro-Toro and Ploeger 2017, "Real-time
Convolutional Neural Networks for Emotion and Gender Classification", arXiv:1710.07557.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import litert_torch
import torch
import torch.nn.functional as F
import yaml
from torch import Tensor, nn

SIDE = 64
HEAD = """# Card of the timing yardstick. Written by tools/make_yardstick.py. RANDOM weights: it recognises nothing and
# is used by `moodcast bench` alone.
"""


def _separable(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Module(nn.Module):
    """Two depthwise-separable convolutions and a strided shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm2d(outputs))
        self.first, self.second = _separable(inputs, outputs), _separable(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(torch.relu(self.first(x)))
        return F.max_pool2d(y, 3, stride=2, padding=1) + self.shortcut(x)


class MiniXception(nn.Module):
    """Grey faces (N, 1, 64, 64), -1 to 1, to seven probabilities."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (1, 8):
            layers += [nn.Conv2d(inputs, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
        for inputs, outputs in ((8, 16), (16, 32), (32, 64), (64, 128)):
            layers.append(Module(inputs, outputs))
        self.body = nn.Sequential(*layers, nn.Conv2d(128, 7, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.body(x).mean((2, 3)), dim=1)


def card(content: bytes, file: str, parameters: int, seed: int) -> dict[str, object]:
    """The yardstick's card."""
    return {
        "name": file.removesuffix(".tflite"),
        "file": file,
        "sha256": hashlib.sha256(content).hexdigest(),
        "task": "timing-yardstick",
        "purpose": "speed only: random weights, its answers mean nothing",
        "input": {"shape": [1, SIDE, SIDE, 1], "dtype": "float32", "colour": "grey"},
        "output": {"shape": [1, 7], "dtype": "float32", "content": "probabilities without meaning"},
        "parameters": parameters,
        "parameters_note": "56,951 learnt and 1,472 batch statistics: the 58,423 Keras counts for mini-Xception",
        "shape_after": "Arriaga et al. 2017, arXiv:1710.07557 (mini-Xception)",
        "licence": "Apache-2.0",
        "made_by": f"python tools/make_yardstick.py --seed {seed}",
    }


def main() -> None:
    """Write the network and its card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("models/yardstick.tflite"))
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    net = MiniXception().eval()
    parameters = sum(p.numel() for p in net.parameters())
    args.out.parent.mkdir(parents=True, exist_ok=True)
    litert_torch.convert(litert_torch.to_channel_last_io(net, args=[0]), (torch.zeros(1, SIDE, SIDE, 1),)).export(
        str(args.out)
    )
    fields = card(args.out.read_bytes(), args.out.name, parameters, args.seed)
    args.out.with_suffix(".yaml").write_text(
        HEAD + yaml.safe_dump(fields, sort_keys=False, width=110, default_flow_style=None)
    )
    print(f"{args.out}: {parameters} parameters, {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
