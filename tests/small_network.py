"""Small int8 networks whose answers are known by hand, written with the runtime's own schema (no converter needed)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from edge.data import EMOTIONS

SIDE = 48
INPUT_SCALE, OUTPUT_SCALE = 1 / 64, 1 / 16


def region_weights() -> NDArray[np.float64]:
    """Weights (8, 48, 48): happy looks at the lower middle (a mouth), surprise at the upper (eyes), and the usable
    logit at the whole picture; the brighter the larger."""
    weights = np.zeros((len(EMOTIONS) + 1, SIDE, SIDE))
    weights[EMOTIONS.index("happy"), 32:44, 14:34] = 6.0 / (12 * 20)
    weights[EMOTIONS.index("surprise"), 12:24, 8:40] = 3.0 / (12 * 32)
    weights[-1] = 3.0 / SIDE**2
    return weights


def write_network(path: Path, *, usable: bool = True, threshold: float = 0.5) -> Path:
    """An int8 network with its card: one fully connected layer of ``region_weights`` over the grey levels.

    ``usable``: with the eighth logit. A grey level g is (g - 128) / 64 to it, so a white picture has a usable logit of
    nearly 6, a black one of -6.
    """
    weights = region_weights()[: len(EMOTIONS) + usable].reshape(-1, SIDE * SIDE)
    path.write_bytes(_flat(weights))
    card: dict[str, Any] = {
        "name": path.stem,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "task": "facial-emotion",
        "input": {
            "shape": [1, SIDE, SIDE, 1],
            "dtype": "int8",
            "scale": INPUT_SCALE,
            "zero_point": 0,
            "normalisation": {"subtract": 128.0, "divide": 64.0},
        },
        "output": {"shape": [1, len(weights)], "dtype": "int8", "scale": OUTPUT_SCALE, "zero_point": 0},
        "labels": list(EMOTIONS),
        "temperature": 1.0,
        "prior": {"power": 0.0, "values": [1 / 7] * 7},
    }
    card["output"]["content"] = "logits and usable" if usable else "logits"
    if usable:
        card["usable"] = {"threshold": threshold, "keeps": 0.98}
    path.with_suffix(".yaml").write_text(yaml.safe_dump(card))
    return path


def _flat(weights: NDArray[np.float64]) -> bytes:
    """A ``.tflite`` file of one int8 FULLY_CONNECTED from (1, 48, 48, 1) to (1, len(weights))."""
    schema = pytest.importorskip(
        "ai_edge_litert.schema_py_generated", reason="needs LiteRT's schema; tflite-runtime has none"
    )
    import flatbuffers  # noqa: PLC0415 - comes with LiteRT

    scale = float(np.abs(weights).max() / 127.0)
    model = schema.ModelT()
    model.version = 3
    model.operatorCodes = [schema.OperatorCodeT()]
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.FULLY_CONNECTED
    model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    model.operatorCodes[0].version = 4
    stored = np.round(weights / scale).astype(np.int8)
    contents = [b"", stored.tobytes(), np.zeros(len(weights), np.int32).tobytes()]
    model.buffers = [schema.BufferT() for _ in contents]
    for buffer, content in zip(model.buffers, contents, strict=True):
        buffer.data = np.frombuffer(content, np.uint8) if content else None

    def tensor(name: str, shape: tuple[int, ...], kind: int, buffer: int, scale: float) -> Any:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, list(shape), kind, buffer
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = [scale], [0]
        return made

    int8, int32 = schema.TensorType.INT8, schema.TensorType.INT32
    graph = schema.SubGraphT()
    graph.tensors = [
        tensor("face", (1, SIDE, SIDE, 1), int8, 0, INPUT_SCALE),
        tensor("weights", weights.shape, int8, 1, scale),
        tensor("bias", (len(weights),), int32, 2, scale * INPUT_SCALE),
        tensor("logits", (1, len(weights)), int8, 0, OUTPUT_SCALE),
    ]
    graph.inputs, graph.outputs = [0], [3]
    layer = schema.OperatorT()
    layer.opcodeIndex, layer.inputs, layer.outputs = 0, [0, 1, 2], [3]
    layer.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    layer.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators = [layer]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1 << 15)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
