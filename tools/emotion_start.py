"""Weights to begin or to teach with: of a checkpoint, or of a shipped file where its checkpoint is gone.

A file's convolutions have their batch normalisation folded in. They are taken apart again: each filter gets length 1,
where a learning rate of 0.1 turns it about as far a step as in a run from nothing, and the normalisation gets what that
took away, and the mean and variance of the filter's answers to training pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from emotion_augment import Augmenter
from emotion_data import Grey
from emotion_net import DEPTHS, OUTPUTS_TRAINED, SIDE, WHOLE, WIDTHS, EmotionNet, Window, as_input
from numpy.typing import NDArray
from torch import Tensor, nn

TRAINING = "train_emotion.py"
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]
START_PICTURES = 2000
"""So many set the normalisation where a run begins with a file."""
LEAST = 1e-3
"""Length of a filter, and spread of its answers, that counts as none: it is not to be scaled up without end."""


@dataclass(frozen=True)
class Start:
    """What a run that goes on needs."""

    weights: dict[str, Tensor]
    commands: list[str]
    """Those that made the weights."""
    epochs: int
    heads: int
    """How many of the two heads of emotions were trained: a file has that of FER+ alone."""


def start_of(path: Path, fresh: EmotionNet, pictures: Tensor) -> Start:
    """What stands at ``path``, as weights of a network like ``fresh``.

    ``fresh`` may have other numbers of blocks than a checkpoint. ``pictures`` (N, 1, 48, 48), as the network is fed in
    training, set the normalisation where ``path`` is a .tflite (its card beside it says how it was trained). Raises
    SystemExit where the file does not fit the network.
    """
    if path.suffix == ".tflite":
        card = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))["training"]
        commands = [command for command in card["commands"] if TRAINING in command]
        return Start(unfolded(path, fresh, pictures), commands, card["epochs"], heads=1)
    saved = torch.load(path, weights_only=True, map_location="cpu")
    weights = narrowed(grown(saved["ema"], saved["depths"], fresh), fresh)
    return Start(weights, saved["commands"], saved["epoch"] + saved["epochs_before"], heads=2)


def begun(path: Path, fresh: EmotionNet, images: Grey) -> Start:
    """What stands at ``path``, a checkpoint or a file; ``images`` (N, 48, 48) are those that are trained on."""
    chosen = np.random.default_rng(0).choice(len(images), START_PICTURES, replace=False)
    changed = Augmenter(0)(torch.from_numpy(images[chosen]).float()[:, None])
    return start_of(path, fresh, as_input(changed))


def known(path: Path, images: Grey) -> tuple[EmotionNet, Start]:
    """The network at ``path``, a checkpoint or a file, to ask it, and what it was made with; ``images`` as above."""
    net = network_shape(path).network()
    start = begun(path, net, images)
    net.load_state_dict(start.weights)
    return net.eval(), start


@torch.no_grad()
def grown(weights: dict[str, Tensor], depths: Sequence[int], fresh: EmotionNet) -> dict[str, Tensor]:
    """``weights`` of a network with ``depths`` as those of ``fresh``, whose stages may have other numbers of blocks.

    Blocks more than it has begin with nothing added to their shortcut (Goyal et al. 2017, section 5.1), so that it
    answers as before. Of a stage with fewer the last blocks go: a residual network loses little by one, which training
    makes good (Veit et al. 2016). Raises SystemExit where the number of stages differs.
    """
    if tuple(depths) == fresh.depths:
        return weights
    if len(depths) != len(fresh.depths):
        raise SystemExit(f"--depths: the network to start with has {len(depths)} stages, {list(depths)}; give as many")
    places = [(stage, i) for stage, depth in enumerate(depths) for i in range(depth)]
    now = {place: n for n, place in enumerate((s, i) for s, depth in enumerate(fresh.depths) for i in range(depth))}
    found = {name: value.clone() for name, value in fresh.state_dict().items()}
    for name, value in weights.items():
        part, _, rest = name.partition(".")
        number, _, inner = rest.partition(".")
        if part != "blocks":
            found[name] = value
        elif places[int(number)] in now:
            found[f"blocks.{now[places[int(number)]]}.{inner}"] = value
    for place in now.keys() - set(places):
        for name in ("weight", "bias"):
            found[f"blocks.{now[place]}.second.1.{name}"].zero_()
    return found


def narrowed(weights: dict[str, Tensor], fresh: EmotionNet) -> dict[str, Tensor]:
    """``weights`` with as many channels within each block as ``fresh`` has, where it has fewer.

    Those stay whose scale after the first normalisation, times the length of what the second convolution makes of them,
    is largest (after Liu et al. 2017, Network Slimming); training makes good what goes. Raises SystemExit where
    ``fresh`` has more.
    """
    found = dict(weights)
    for name, wanted in fresh.state_dict().items():
        block, _, rest = name.partition(".first.0.weight")
        if rest or block == name or len(weights[name]) == len(wanted):
            continue
        if len(weights[name]) < len(wanted):
            raise SystemExit(f"--inners: {block} of the network to start with has {len(weights[name])}; give no more")
        after = weights[f"{block}.second.0.weight"]
        worth = weights[f"{block}.first.1.weight"].abs() * after.square().sum((0, 2, 3)).sqrt()
        kept = worth.topk(len(wanted)).indices.sort().values
        found[name], found[f"{block}.second.0.weight"] = weights[name][kept], after[:, kept]
        for part in ("weight", "bias", "running_mean", "running_var"):
            found[f"{block}.first.1.{part}"] = weights[f"{block}.first.1.{part}"][kept]
    return found


@dataclass(frozen=True)
class Shape:
    """Of a network: arguments of EmotionNet, and the side in px at which it was trained last."""

    widths: tuple[int, ...] = WIDTHS
    depths: tuple[int, ...] = DEPTHS
    side: int = SIDE
    inners: tuple[int, ...] = WIDTHS[1:]
    window: Window = WHOLE

    def network(self, *, outputs: int = OUTPUTS_TRAINED) -> EmotionNet:
        """A fresh network of this shape, to ask it."""
        how: dict[str, Any] = {"dropout": 0.0, "outputs": outputs, "inners": self.inners, "window": self.window}
        net = EmotionNet(widths=self.widths, depths=self.depths, **how)
        net.side = self.side
        return net


def network_shape(path: Path) -> Shape:
    """Shape of the network at ``path``: a checkpoint says it; the layers of a .tflite show it, its card the window."""
    if path.suffix == ".tflite":
        shape = shape_of_layers([weight.shape for weight, _ in file_layers(path)])
        card = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))
        return replace(shape, window=tuple(card.get("window", WHOLE)))
    return shape_of(torch.load(path, weights_only=True, map_location="cpu"))


def shape_of(saved: dict[str, Any]) -> Shape:
    """Shape of the network in a checkpoint."""
    if "widths" not in saved:
        return Shape()
    depths = tuple(saved["depths"])
    firsts = [sum(depths[:stage]) for stage in range(len(depths))]
    inners = tuple(len(saved["ema"][f"blocks.{first}.first.0.weight"]) for first in firsts)
    return Shape(tuple(saved["widths"]), depths, saved["side"], inners, tuple(saved.get("window", WHOLE)))


def shape_of_layers(layers: Sequence[tuple[int, ...]]) -> Shape:
    """Shape of the network whose weights have the shapes ``layers``: stem, blocks, head.

    A block is two convolutions of 3 x 3 px and the two layers of its gate, and begins a stage where that of a shortcut
    follows. Layers of another network give a shape that their weights do not fit.
    """
    if not layers:
        return Shape()
    widths, depths, inners = [layers[0][0]], [], []
    blocks = [n for n, shape in enumerate(layers[:-1]) if n > 0 and shape[2:] == (3, 3)][::2]
    for first, following in zip(blocks, [*blocks[1:], len(layers) - 1], strict=True):
        if following - first > 4 or not depths:
            widths.append(layers[first + 1][0])
            inners.append(layers[first][0])
            depths.append(0)
        depths[-1] += 1
    return Shape(tuple(widths), tuple(depths), SIDE, tuple(inners))


def network_at(path: Path) -> EmotionNet:
    """The network of the checkpoint at ``path``, to ask it."""
    net = network_shape(path).network()
    net.load_state_dict(torch.load(path, weights_only=True, map_location="cpu")["ema"])
    return net.eval()


def file_layers(path: Path) -> list[Pair]:
    """Real weights (outputs, inputs, H, W) or (outputs, inputs) and biases (outputs,) of the layers, in their order."""
    # Imported here: where a run begins with checkpoints, a machine needs no runtime.
    from ai_edge_litert.interpreter import Interpreter

    # A delegate would hide the operators.
    file = Interpreter(str(path), experimental_preserve_all_tensors=True)
    tensors = {t["index"]: t for t in file.get_tensor_details()}

    def real(index: int) -> NDArray[np.float64]:
        how = tensors[index]["quantization_parameters"]
        values = file.get_tensor(index).astype(np.float64)
        shape = [1] * values.ndim
        shape[how["quantized_dimension"]] = -1
        return np.asarray((values - how["zero_points"].reshape(shape)) * how["scales"].reshape(shape))

    file.allocate_tensors()
    found = []
    for operator in file._get_ops_details():
        name, ends = operator["op_name"], [int(index) for index in operator["inputs"]]
        if name == "DEPTHWISE_CONV_2D" and tuple(tensors[ends[1]]["shape"][1:3]) == (2, 2):
            continue  # a mean over 2 x 2 px (tools/emotion_deploy.py)
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            # A convolution of one channel stands as a depthwise one, (1, H, W, outputs).
            order = (0, 3, 1, 2) if name == "CONV_2D" else (3, 0, 1, 2)
            found.append((real(ends[1]).transpose(order), real(ends[2])))
        elif name == "FULLY_CONNECTED":
            found.append((real(ends[1]), real(ends[2])))
    return found


@torch.no_grad()
def unfolded(path: Path, fresh: nn.Module, pictures: Tensor) -> dict[str, Tensor]:
    """The file at ``path`` as weights of ``fresh``, whose head has FER2013's emotions as well: they begin as FER+'s."""
    layers = file_layers(path)
    *names, head = [name for name, module in fresh.named_modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    modules = dict(fresh.named_modules())
    if len(names) + 1 != len(layers):
        raise SystemExit(f"{path}: {len(layers)} layers, expected {len(names) + 1}: it is another network's file")
    normalised: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []
    for name, (weight, bias) in zip(names, layers, strict=False):
        module = modules[name]
        assert isinstance(module, nn.Conv2d)
        if module.weight.shape != weight.shape:
            raise SystemExit(f"{path}: {name} is {weight.shape}, expected {tuple(module.weight.shape)}")
        module.weight.copy_(torch.from_numpy(weight))
        if module.bias is not None:
            module.bias.copy_(torch.from_numpy(bias))
            continue
        parent, _, number = name.rpartition(".")
        norm = modules[f"{parent}.{int(number) + 1}"]
        assert isinstance(norm, nn.BatchNorm2d)
        norm.weight.fill_(1.0)
        norm.bias.copy_(torch.from_numpy(bias))
        norm.running_mean.zero_()  # type: ignore[union-attr]
        norm.running_var.fill_(1.0 - norm.eps)  # type: ignore[union-attr]
        normalised.append((module, norm))
    weight, bias = (torch.from_numpy(part).float() for part in layers[-1])
    weight = weight.flatten(1)  # (outputs, inputs), also where it stands as a convolution of 1 x 1 px
    last = modules[head]
    assert isinstance(last, nn.Linear)
    last.weight.copy_(torch.cat([weight[:7], weight]))
    last.bias.copy_(torch.cat([bias[:7], bias]))
    _normalise(fresh, normalised, pictures)
    return {name: value.clone() for name, value in fresh.state_dict().items()}


def _normalise(net: nn.Module, pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]], pictures: Tensor) -> None:
    """Means and variances of what the convolutions answer to ``pictures``; the network's output stays what it is."""
    found: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def note(module: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        found[module] = (inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3)))

    hooks = [norm.register_forward_hook(note) for _, norm in pairs]
    net.eval()
    net(pictures)
    for hook in hooks:
        hook.remove()
    for convolution, norm in pairs:
        mean, variance = found[norm]
        length = convolution.weight.flatten(1).norm(dim=1).clamp(min=LEAST)
        spread = variance.sqrt().clamp(min=LEAST)
        convolution.weight.div_(length.view(-1, 1, 1, 1))
        norm.bias.add_(mean)
        norm.weight.copy_(spread)
        norm.running_mean.copy_(mean / length)  # type: ignore[union-attr]
        norm.running_var.copy_((spread / length) ** 2 - norm.eps)  # type: ignore[union-attr]
