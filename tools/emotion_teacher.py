"""Targets softened by networks trained before (Hinton et al. 2015): they know which faces are ambiguous better than
ten taggers can say.

They answer to the very picture that the student sees, changed and mixed ("patient and consistent teachers", Beyer et
al. 2022), and several of them together are a better teacher than the best of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import yaml
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_data import HEADS, Grey
from emotion_net import INPUT_OFFSET, INPUT_SCALE, OUTPUTS_TRAINED
from emotion_start import known

from edge.vision.emotion import EmotionClassifier, load_emotion_model


class FileTeacher(nn.Module):
    """The int8 file at ``path`` as it is shipped, asked through the service's own code, the prior not taken off.

    On a processor the runtime answers several times as fast as torch. It knows FER+'s emotions alone: a file has no
    head of FER2013's.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        model = load_emotion_model(path)
        self._classifier = EmotionClassifier.of(replace(model, card=replace(model.card, prior_power=0.0)))
        card = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))
        self.views = 1 if card.get("mirrored") else 2
        """How many views it is to be asked about: a file that asks its network about both by itself says the same."""

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (N, 1, 48, 48), as fed, to (N, 15) where all but FER+'s emotions is zero."""
        grey = (x[:, 0] / INPUT_SCALE + INPUT_OFFSET).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
        outputs = torch.zeros(len(x), OUTPUTS_TRAINED)
        outputs[:, HEADS[0]] = torch.from_numpy(self._classifier.logits(grey)).float()
        return outputs.to(x.device)


def views_of(net: nn.Module) -> int:
    """About how many views, at most, ``net`` is asked."""
    return net.views if isinstance(net, FileTeacher) else 2


class Teachers:
    """Networks whose answers are averaged, of the first ``heads`` of the two heads of emotions.

    ``mirrored``: each is asked about the picture's mirror image too, which makes two answers of one network.
    """

    def __init__(
        self, networks: Sequence[nn.Module], *, heads: int, mirrored: bool = False, full_precision: bool = False
    ) -> None:
        self._networks = [net.eval() for net in networks]
        self._heads, self._mirrored, self._full_precision = heads, mirrored, full_precision

    @torch.no_grad()
    def soften(self, x: Tensor, targets: Tensor, shares: Tensor) -> Tensor:
        """``targets`` (N, 15) with ``shares`` (N, 1) of the emotions' mass as teachers distribute it for ``x``, as fed.

        Zeros, which teach a head nothing, stay zeros; usable stays as it is.
        """
        mixed = targets.clone()
        views = [x, x.flip(3)] if self._mirrored else [x]
        with torch.autocast(x.device.type, torch.bfloat16, enabled=not self._full_precision):
            outputs = [[net(view).float() for view in views[: views_of(net)]] for net in self._networks]
        for part in HEADS[: self._heads]:
            said = [torch.stack([found[:, part].softmax(1) for found in each]).mean(0) for each in outputs]
            soft = torch.stack(said).mean(0)
            mass = targets[:, part].sum(1, keepdim=True)
            mixed[:, part] = (1 - shares) * targets[:, part] + shares * mass * soft
        return mixed


def teachers_of(args: argparse.Namespace, images: Grey) -> tuple[Teachers | None, list[str]]:
    """The networks at --teacher on the device, or None; and the commands that made them."""
    if not args.teacher:
        return None, []
    found = [known(path, images) for path in args.teacher]
    networks: list[nn.Module] = []
    for path, (net, _) in zip(args.teacher, found, strict=True):
        if args.teacher_int8 and path.suffix == ".tflite":
            networks.append(FileTeacher(path))
        else:
            moved = net.to(args.device, memory_format=torch.channels_last)
            networks.append(torch.compile(moved) if args.compile else moved)
    commands = [command for _, start in found for command in start.commands]
    heads = min(start.heads for _, start in found)
    how = {"mirrored": args.teacher_mirrored, "full_precision": args.full_precision}
    return Teachers(networks, heads=heads, **how), commands
