"""Training in several processes of one thread each: two threads in one process wait for each other at every layer."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


@torch.no_grad()
def follow(ema: nn.Module, net: nn.Module, decay: float) -> None:
    """Move the averaged network towards ``net``, batch statistics included."""
    pairs = list(zip(ema.state_dict().values(), net.state_dict().values(), strict=True))
    moved = [pair for pair in pairs if pair[0].dtype.is_floating_point]
    get_ema_multi_avg_fn(decay)([kept for kept, _ in moved], [new for _, new in moved], 0)
    for kept, new in pairs:
        if not kept.dtype.is_floating_point:
            kept.copy_(new)


@torch.no_grad()
def share(net: nn.Module, numbers: list[float], processes: int) -> list[float]:
    """Averages gradients and batch statistics over the processes, and sums ``numbers``."""
    if processes == 1:
        return numbers
    tensors = [p.grad for p in net.parameters() if p.grad is not None]
    tensors += [b for b in net.buffers() if b.dtype.is_floating_point]
    flat = torch.cat([t.reshape(-1) for t in tensors] + [torch.tensor(numbers)])
    dist.all_reduce(flat)
    at = 0
    for tensor in tensors:
        tensor.copy_(flat[at : at + tensor.numel()].view_as(tensor) / processes)
        at += tensor.numel()
    return [float(v) for v in flat[at:]]


def run_all(run: Callable[[int], None], processes: int) -> None:
    """``run`` with rank 0 to ``processes`` - 1, each in a fork of its own, joined by gloo; rank 0 in this one.

    What was loaded before is shared. No thread may have been started in torch before.
    """
    if processes == 1:
        run(0)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"

    def joined(rank: int) -> None:
        dist.init_process_group("gloo", init_method=address, rank=rank, world_size=processes)
        run(rank)
        dist.barrier()
        dist.destroy_process_group()

    children = []
    for rank in range(1, processes):
        child = os.fork()
        if child == 0:
            joined(rank)
            os._exit(0)
        children.append(child)
    joined(0)
    for child in children:
        os.waitpid(child, 0)
