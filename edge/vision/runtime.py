"""The small seam over inference runtimes: the only module that imports one.

`ai_edge_litert` (Google's LiteRT) is taken where it loads, else `tflite_runtime`, its predecessor with the same
Interpreter class. Measured on x86-64 with one int8 network of 699 k parameters: 0.18 ms there, 1.48 ms here.
"""

from __future__ import annotations

import importlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError

RUNTIMES: tuple[str, ...] = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")
"""Modules that offer ``Interpreter``, in the order in which they are tried."""

_Loaded = TypeVar("_Loaded")
_Told = TypeVar("_Told")
_LITERT_GLIBC = (2, 34)
"""LiteRT's wheel is tagged manylinux_2_27 and installs on older systems, but its library needs glibc 2.34."""


@dataclass(frozen=True)
class TensorInfo:
    """What a network says about its input or output: real value = scale * (stored value - zero point)."""

    shape: tuple[int, ...]
    dtype: str
    """Numpy's name, such as "int8"."""
    scale: float
    """0 for float tensors."""
    zero_point: int


class Network(Protocol):
    """A loaded network with one input and one output."""

    @property
    def input(self) -> TensorInfo: ...

    @property
    def output(self) -> TensorInfo: ...

    def run(self, values: NDArray[Any]) -> NDArray[Any]:
        """The raw output for ``values`` of the input's shape and dtype; the caller owns the result."""
        ...


class InterpreterNetwork:
    """A ``.tflite`` file in whichever Interpreter class was found; both have the same one."""

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        interpreter.allocate_tensors()
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ValueError(f"expected one input and one output, found {len(inputs)} and {len(outputs)}")
        self._input_index, self._output_index = int(inputs[0]["index"]), int(outputs[0]["index"])
        self._input, self._output = _tensor_info(inputs[0]), _tensor_info(outputs[0])

    @property
    def input(self) -> TensorInfo:
        """The input's shape, dtype and quantisation."""
        return self._input

    @property
    def output(self) -> TensorInfo:
        """The output's shape, dtype and quantisation."""
        return self._output

    def run(self, values: NDArray[Any]) -> NDArray[Any]:
        """One forward pass."""
        self._interpreter.set_tensor(self._input_index, values)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output_index))


class HeadsNetwork:
    """A ``.tflite`` file with one input and several outputs."""

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        interpreter.allocate_tensors()
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1:
            raise ValueError(f"expected one input, found {len(inputs)}")
        self._input_index, self._output_indices = int(inputs[0]["index"]), [int(output["index"]) for output in outputs]
        self.input = _tensor_info(inputs[0])
        self.outputs = tuple(_tensor_info(output) for output in outputs)

    def write(self, fill: Callable[[NDArray[Any]], _Told]) -> _Told:
        """Lets ``fill`` write the input where the runtime keeps it, without a copy; returns what ``fill`` does.

        It must write all of it, each time, and keep no reference: the runtime refuses to run while there is one.
        """
        return fill(self._interpreter.tensor(self._input_index)())

    def run(self) -> list[NDArray[Any]]:
        """The raw outputs for the input written last, in the file's order; the caller owns them."""
        self._interpreter.invoke()
        return [np.asarray(self._interpreter.get_tensor(index)) for index in self._output_indices]


def _tensor_info(details: dict[str, Any]) -> TensorInfo:
    scale, zero_point = details["quantization"]
    shape = tuple(int(n) for n in details["shape"])
    return TensorInfo(shape, np.dtype(details["dtype"]).name, float(scale), int(zero_point))


def load_network(path: Path, *, threads: int = 1) -> Network:
    """Load the ``.tflite`` file at ``path``. Raises ModelError when no runtime loads, or none can read the file."""
    return _load(path, InterpreterNetwork, threads)


def load_heads(path: Path, *, threads: int = 1) -> HeadsNetwork:
    """As ``load_network``, for a file with several outputs."""
    return _load(path, HeadsNetwork, threads)


def _load(path: Path, make: Callable[[Any], _Loaded], threads: int) -> _Loaded:
    runtime = load_runtime()
    try:
        return make(runtime.Interpreter(model_path=str(path), num_threads=threads))
    except (ValueError, RuntimeError, OSError) as error:
        raise ModelError(
            f"{path}: {runtime.__name__.partition('.')[0]} cannot load it ({str(error).strip()}). "
            "The file is damaged, not a TFLite network or newer than the runtime: copy it again from the release."
        ) from error


def load_runtime() -> ModuleType:
    """The first module of RUNTIMES that can be imported. Raises ModelError with each one's reason when none can.

    An OSError means that the module is there and its library does not load.
    """
    reasons = []
    for name in RUNTIMES:
        try:
            return importlib.import_module(name)
        except (ImportError, OSError) as error:  # noqa: PERF203 - at most two turns
            reasons.append(f"{name.partition('.')[0]}: {error}")
    raise ModelError(
        f"no inference runtime loads ({'; '.join(reasons)}). Install one: pip install ai-edge-litert, or on an older "
        f"system with Python <= 3.11: pip install 'numpy<2' tflite-runtime{_glibc_hint(platform.libc_ver())}"
    )


def _glibc_hint(libc: tuple[str, str]) -> str:
    """Why LiteRT does not load on an older system; empty where that is not the reason."""
    name, version = libc
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if name != "glibc" or not parts or parts >= _LITERT_GLIBC:
        return ""
    return (
        f". This system has glibc {version}; ai-edge-litert needs 2.34 although its wheel installs from 2.27 on: "
        "take tflite-runtime or a newer system (Raspberry Pi OS 12, JetPack 6)"
    )
