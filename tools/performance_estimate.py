"""What a look may take on boards that were not at hand, from instruction counts of the x86-64 machine.

    milliseconds = (instructions in the networks x vector factor + the others x scalar factor) / (clock x IPC)

The networks' kernels use AVX2 there (callgrind knows nothing wider): 16 products of int8 in one instruction. So does
NEON where the core has the int8 dot product (SDOT, from Armv8.2 on: Cortex-A76, A78AE); without it (Cortex-A72) it does
8. Other code is taken for 1.0 to 1.3 times as long on aarch64. Instructions a cycle (IPC) are a range for such cores on
dense code; memory is taken to keep up. Each of these is an assumption, none was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_OTHERS = (1.0, 1.3)


@dataclass(frozen=True, slots=True)
class Board:
    """``vector``: instructions of the networks' kernels for each of AVX2's; ``ipc``: instructions a cycle, from to."""

    name: str
    clock_ghz: float
    vector: float
    ipc: tuple[float, float]


BOARDS = (
    Board("Raspberry Pi 4 (Cortex-A72, 1.8 GHz)", 1.8, 2.0, (0.9, 1.6)),
    Board("Raspberry Pi 5 (Cortex-A76, 2.4 GHz)", 2.4, 1.0, (1.5, 2.5)),
    Board("Jetson Orin Nano, processor only (Cortex-A78AE, 1.5 GHz)", 1.5, 1.0, (1.6, 2.8)),
)


def board_ms(board: Board, instructions: Mapping[str, int]) -> tuple[float, float]:
    """Least and most milliseconds of one look with one face read."""
    networks = instructions["face network"] + instructions["classify"]  # cutting the face out is little beside it
    others = instructions["find"] - instructions["face network"] + instructions["track and smooth"]
    low = (networks * board.vector + others * _OTHERS[0]) / (board.clock_ghz * 1e6 * board.ipc[1])
    high = (networks * board.vector + others * _OTHERS[1]) / (board.clock_ghz * 1e6 * board.ipc[0])
    return low, high
