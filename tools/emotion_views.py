"""Where both views of a picture share stages: layers for the turned features of a network that has none yet."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from emotion_net import Block, EmotionNet, windowed
from torch import Tensor, nn

RIDGE = 1e-3
"""Of the least squares, times the mean square of a feature: channels that say the same do not cancel each other."""
PART = 100
"""Pictures at a time."""


def without_turned(net: EmotionNet) -> EmotionNet:
    """A network like ``net`` both of whose views begin with the picture."""
    found = copy.deepcopy(net)
    block = found.blocks[found.shared_blocks]
    del block.first_turned, block.shortcut_turned
    found.shared_stages = found.shared_blocks = 0
    return found


@torch.no_grad()
def with_turned(weights: dict[str, Tensor], fresh: EmotionNet, pictures: Tensor) -> dict[str, Tensor]:
    """``weights`` of a network both of whose views begin with the picture, as those of ``fresh``, which shares stages.

    Its layers that meet turned features answer as nearly as they can (least squares over ``pictures``) what the others
    answer to the features of the turned picture.
    """
    net = without_turned(fresh).eval()
    net.load_state_dict(weights)
    prefix, found = f"blocks.{fresh.shared_blocks}.", dict(weights)
    block = net.blocks[fresh.shared_blocks]
    assert isinstance(block, Block)
    sums: dict[str, list[Tensor]] = {}
    for part in pictures.split(PART):
        had, wanted = (shared_features(net, view, fresh.shared_blocks) for view in (part, part.flip(3)))
        for name, layers in (("first", block.first), ("shortcut", block.shortcut)):
            *before, layer, _ = layers  # type: ignore[misc]
            before, size = nn.Sequential(*before), layer.kernel_size[0]
            x = F.unfold(before(had.flip(3)), size, padding=layer.padding, stride=layer.stride)
            y = layer(before(wanted)).flatten(2)
            x, y = (v.transpose(1, 2).flatten(0, 1).double() for v in (x, y))
            products = [x.T @ x, x.T @ y]
            sums[name] = [a + b for a, b in zip(sums.get(name, [0.0, 0.0]), products, strict=True)]
    for name, (moments, products) in sums.items():
        ridge = RIDGE * moments.diagonal().mean() * torch.eye(len(moments), dtype=torch.float64)
        place = max(int(key[len(prefix + name) + 1]) for key in weights if key.startswith(f"{prefix}{name}.")) - 1
        like = weights[f"{prefix}{name}.{place}.weight"]
        solved = torch.linalg.solve(moments + ridge, products).T.reshape(like.shape).to(like.dtype)
        for key, value in weights.items():
            if key.startswith(f"{prefix}{name}."):
                found[key.replace(f".{name}.", f".{name}_turned.")] = value.clone()
        found[f"{prefix}{name}_turned.{place}.weight"] = solved
    return found


def shared_features(net: EmotionNet, x: Tensor, blocks: int) -> Tensor:
    """What the stem and the first ``blocks`` of ``net`` make of pictures (N, 1, 48, 48)."""
    x = torch.relu(net.stem(windowed(x, net.window)))
    for block in net.blocks[:blocks]:
        x = block(x)
    return x
