"""What the emotion network is fed: pictures changed, mixed and softened by teachers; or epochs recorded so."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from emotion_augment import Augmenter
from emotion_examples import Examples
from emotion_folds import Answers
from emotion_net import as_input
from emotion_recorded import Recorded, read_recorded
from emotion_teacher import Teachers, teachers_of
from torch import Tensor

Batch = tuple[Tensor, Tensor]


class Feed(Protocol):
    """Batches of one epoch after the other, to one of several processes."""

    def begin(self, epoch: int, rank: int) -> int:
        """Go to ``epoch``, from 0 on, as process ``rank``; returns how many pictures it has for all of them."""

    def batch(self, start: int, count: int) -> Batch:
        """``count`` pictures (N, 1, 48, 48), as fed, and targets (N, 15), from place ``start`` of the epoch on."""


class Changed:
    """``examples`` drawn and changed afresh each time, with the options ``args`` of tools/train_emotion.py."""

    def __init__(self, args: argparse.Namespace, examples: Examples, teachers: Teachers | None) -> None:
        self._args, self._examples, self._teachers = args, examples, teachers
        wanted = np.concatenate([examples.targets, examples.shares[:, None]], axis=1)  # mixed with each other alike
        self._images, self._wanted = (torch.from_numpy(part).to(args.device) for part in (examples.images, wanted))

    def begin(self, epoch: int, rank: int) -> int:
        """See :class:`Feed`."""
        seed = self._args.seed * 1000 + epoch
        torch.manual_seed(seed * 64 + rank)
        changes = {name: getattr(self._args, name) for name in ("strength", "geometry", "covered", "equalise")}
        self._augment = Augmenter(seed * 64 + rank, self._args.device, **changes)
        self._order = self._examples.epoch(np.random.default_rng(seed))
        return len(self._order)

    def batch(self, start: int, count: int) -> Batch:
        """See :class:`Feed`."""
        chosen = torch.from_numpy(self._order[start : start + count]).to(self._args.device)
        x, y = self._augment(self._images[chosen].float()[:, None]), self._wanted[chosen]
        if self._args.mixup > 0:
            x, y = self._augment.mix(x, y, alpha=self._args.mixup)
        x, (y, shares) = as_input(x), y.split([y.shape[1] - 1, 1], dim=1)
        if self._teachers is not None:
            y = self._teachers.soften(x, y, shares)
        return x, y


class Replayed:
    """Epochs of ``recorded``, each with one of each of ``besides``, in an order of their own; half of the pictures are
    mirrored once more.

    Mixed pictures have the mean of both targets: no teacher saw them mixed.
    """

    def __init__(self, args: argparse.Namespace, recorded: Recorded, besides: Sequence[Recorded] = ()) -> None:
        self._args, self._recorded = args, [recorded, *besides]

    def begin(self, epoch: int, rank: int) -> int:
        """See :class:`Feed`."""
        seed = self._args.seed * 1000 + epoch
        torch.manual_seed(seed * 64 + rank)
        self._draws = np.random.default_rng(seed * 64 + rank)
        self._augment = Augmenter(seed * 64 + rank, self._args.device)
        found = [recorded.epoch(epoch) for recorded in self._recorded]
        self._images, self._targets = (np.concatenate(parts) for parts in zip(*found, strict=True))
        self._order = np.random.default_rng(seed).permutation(len(self._images))
        return len(self._order)

    def batch(self, start: int, count: int) -> Batch:
        """See :class:`Feed`."""
        chosen = self._order[start : start + count]
        images = self._images[chosen]
        mirrored = self._draws.random(len(images)) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
        x, y = (torch.from_numpy(part).to(self._args.device).float() for part in (images, self._targets[chosen]))
        x = x[:, None]
        if self._args.mixup_recorded > 0:
            x, y = self._augment.mix(x, y, alpha=self._args.mixup_recorded)
        return as_input(x), y


def fed(args: argparse.Namespace, examples: Examples) -> tuple[Feed, list[str]]:
    """What a run with ``args`` learns from, and the commands that made the networks that teach it.

    :raises SystemExit: where epochs are recorded, and teachers given that would not be asked; where none are, and
        they are to be mixed.
    """
    if args.recorded and (args.teacher or args.answers):
        raise SystemExit(
            "--recorded epochs hold their teachers' answers: give --teacher and --answers to "
            "tools/emotion_record.py instead"
        )
    if args.mixup_recorded and not args.recorded:
        raise SystemExit("--mixup-recorded mixes --recorded epochs: give them, or --mixup for pictures changed afresh")
    others = [folders for folders in (args.recorded_own, args.recorded_scenes) if folders]
    if others and not args.recorded:
        raise SystemExit("--recorded-own and --recorded-scenes are learnt from besides --recorded epochs: give them")
    if args.recorded:
        recorded = read_recorded(args.recorded)
        besides = [read_recorded(folders) for folders in others]
        commands = [command for one in (recorded, *besides) for command in one.commands]
        return Replayed(args, recorded, besides), commands
    teachers, commands = teachers_of(args, examples.images)
    if args.answers is not None:
        commands = [*Answers.read(args.answers).commands, *commands]
    return Changed(args, examples, teachers), commands
