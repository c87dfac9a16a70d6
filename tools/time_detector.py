"""Time int8 forms of the detector and of its beginning, with random weights, before anything is trained. One thread.

python tools/time_detector.py [--size 512 384]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import litert_torch
import numpy as np
import torch
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from detector_net import INPUT_SIZE, ConvBn, DetectorNet, Stem, parameter_count

RUNS = 200


def int8_of(net: nn.Module, shape: tuple[int, int, int, int]) -> bytes:
    """``net`` as a full int8 TFLite file for an input (1, height, width, channels)."""
    net.eval()
    example = torch.zeros(*shape)
    found = net(example.permute(0, 3, 1, 2))
    outputs = list(range(len(found))) if isinstance(found, list) else [0]
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "float.tflite")
        litert_torch.convert(litert_torch.to_channel_last_io(net, args=[0], outputs=outputs), (example,)).export(path)
        work = quantizer.Quantizer(path, recipe.static_wi8_ai8())
        rng = np.random.default_rng(1)
        fed = [{"args_0": rng.standard_normal(shape).astype(np.float32)} for _ in range(2)]
        return bytes(work.quantize(work.calibrate({"serving_default": fed})).quantized_model)


def median_ms(network: bytes) -> float:
    """Median duration of a pass."""
    interpreter = Interpreter(model_content=network, num_threads=1)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]
    values, durations_s = np.zeros(source["shape"], source["dtype"]), []
    for _ in range(RUNS):
        start_s = time.perf_counter()
        interpreter.set_tensor(source["index"], values)
        interpreter.invoke()
        durations_s.append(time.perf_counter() - start_s)
    return float(np.median(durations_s)) * 1e3


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=2, default=INPUT_SIZE, metavar=("WIDTH", "HEIGHT"))
    width, height = parser.parse_args().size
    torch.set_num_threads(1)
    for name, net in (
        ("two 3x3 convolutions of stride 2", nn.Sequential(ConvBn(3, 16, 3, stride=2), ConvBn(16, 32, 3, stride=2))),
        ("the stem", Stem(32)),
        ("the network", DetectorNet()),
    ):
        content = int8_of(net, (1, height, width, 3))
        print(
            f"{name}: {median_ms(content):.3f} ms, {parameter_count(net)} parameters, {len(content)} bytes", flush=True
        )


if __name__ == "__main__":
    main()
