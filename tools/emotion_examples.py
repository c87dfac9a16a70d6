"""What the emotion network learns from: rows of FER+, photographs and crops of no face with targets and draws; and what
is kept out of training to choose."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from emotion_data import (
    EMOTIONS,
    Floats,
    Grey,
    Ints,
    Photo,
    VoteSet,
    own_split,
    photo_crops,
    read_photos,
    read_votes,
    rows,
    soft_targets,
    stands_in,
)
from emotion_folds import Answers, left_out
from emotion_negatives import negatives
from emotion_scenes import taught_faces
from numpy.typing import NDArray

OWN_PART, OWN_SEED = 0.08, 1
"""Share and seed of the rows that choose: those of every run, so that seeds can be compared and runs go on."""
OWN_PEOPLE = 10
"""One person in so many of those in `faces` that may be trained on chooses instead."""
PHOTO_LABEL_SHARE = 0.8
"""Labels of `faces` are noisy: the rest of their mass is spread evenly."""

LEAST_SHARE = 1e-6
"""Of an emotion, where there are no rows at all."""


class Examples:
    """Training rows: images uint8 (N, 48, 48), targets of the heads (N, 15), expected draws an epoch (N,).

    ``shares`` (N,): of the mass of each row's targets, as teachers say it where there are some.
    """

    def __init__(self, images: Grey, targets: Floats, draws: NDArray[np.float64], shares: Floats) -> None:
        self.images, self.targets, self.draws, self.shares = images, targets, draws, shares
        mass = (targets[:, :7] * draws[:, None]).sum(axis=0)
        self.prior = np.asarray(mass / max(mass.sum(), LEAST_SHARE), np.float64)
        """Distribution (7,) of the emotions as the network meets them, by what people say; zeros of scenes alone."""

    def epoch(self, rng: np.random.Generator) -> Ints:
        """Row numbers of one epoch, shuffled; a row of 1.3 expected draws comes once or twice."""
        counts = np.floor(self.draws + rng.random(len(self.draws))).astype(np.int64)
        return rng.permutation(np.repeat(np.arange(len(counts)), counts))


@dataclass(frozen=True)
class Sets:
    """What may be trained on (``train``, ``photos`` with labels; ``negatives`` and ``scene_faces`` for `usable` alone)
    and what chooses (``own...``)."""

    train: VoteSet
    own: VoteSet
    photos: tuple[Grey, Ints]
    own_photos: tuple[Grey, Ints]
    negatives: Grey
    scene_faces: Grey


def split(data: Path) -> tuple[VoteSet, VoteSet]:
    """The rows of FER+ that are trained on and the own split that chooses; nothing in either stands in `valid`."""
    train, valid = read_votes(data, "train"), read_votes(data, "valid")
    in_valid = stands_in(train.crops, valid.crops)
    mine = own_split(train.crops, seed=OWN_SEED, part=OWN_PART) & ~in_valid
    own = rows(train, mine)
    in_own = stands_in(train.crops, own.crops) & ~mine
    rest = rows(train, ~mine & ~in_valid & ~in_own)
    print(
        f"train: {len(mine)} rows, {in_valid.sum()} stand in valid, {mine.sum()} choose, {in_own.sum()} stand in those"
    )
    return rest, own


def read_sets(data: Path, kept_negatives: Path) -> Sets:
    """Everything of ``data`` that trains or chooses; crops of no face from ``kept_negatives`` once it is there."""
    train, own = split(data)
    crops, mine = negatives(data, kept_negatives, seed=OWN_SEED)
    photos, own_photos = (photo_crops(photos) for photos in photo_split(data))
    return Sets(train, own, photos, own_photos, crops[~mine], taught_faces(data))


def with_copies(sets: Sets, data: Path) -> Sets:
    """``sets`` that train also on the rows of ``data`` that stand in `valid`: to see what such a slip seems worth."""
    train, valid = read_votes(data, "train"), read_votes(data, "valid")
    copies = rows(train, stands_in(train.crops, valid.crops))
    crops, votes, fer2013 = (
        np.concatenate([getattr(part, name) for part in (sets.train, copies)]) for name in ("crops", "votes", "fer2013")
    )
    return replace(sets, train=VoteSet(crops, votes, fer2013, sets.train.files, sets.train.problems))


def own_alone(sets: Sets) -> Sets:
    """What chooses in ``sets``, to be trained on: once nothing is left to choose, it teaches as the other rows do.

    Crops of scenes are not among it: they go on saying where the usable threshold is.
    """
    none = {"negatives": sets.negatives[:0], "scene_faces": sets.scene_faces[:0]}
    return replace(sets, train=sets.own, photos=sets.own_photos, **none)


def scenes_alone(sets: Sets) -> Sets:
    """Crops of scenes in ``sets``, with a face and without."""
    nothing = (sets.photos[0][:0], sets.photos[1][:0])
    return replace(sets, train=rows(sets.train, np.zeros(len(sets.train.crops), np.bool_)), photos=nothing)


def training_examples(args: argparse.Namespace, sets: Sets) -> Examples:
    """Rows of FER+, crops of scenes and, with --photos, photographs, each with its draws and teachers' share."""
    targets = soft_targets(sets.train)
    print(f"{(targets[:, :7].sum(axis=1) == 0).sum()} rows hold no face or no clear vote: they teach `usable` alone")
    draws = _draws(targets[:, :7], args.balance)
    parts = [(sets.train.crops, targets, draws, _shares(len(targets), args.teacher_share))]
    for crops, usable, often in ((sets.negatives, 0.0, args.negatives), (sets.scene_faces, 1.0, args.scene_faces)):
        alone = np.zeros((len(crops), 15), np.float32)
        alone[:, 14] = usable
        parts.append((crops, alone, np.full(len(crops), often), _shares(len(crops), args.teacher_share)))
    if args.photos > 0 and len(sets.photos[0]):
        share = args.teacher_share if args.teacher_share_photos is None else args.teacher_share_photos
        parts.append((*photo_rows(args, *sets.photos), _shares(len(sets.photos[0]), share)))
    images, wanted, expected, shares = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if args.answers is not None:
        wanted = Answers.read(args.answers).mixed_into(wanted, images, share=args.answers_share)
    if args.leave_out is not None:
        expected = np.where(left_out(images, args.leave_out), 0.0, expected)
    return Examples(images, wanted, expected, shares)


def _draws(emotions: Floats, balance: float) -> NDArray[np.float64]:
    """Expected draws (N,) of rows of FER+ with targets ``emotions`` (N, 7): 1 in the mean, and for each without any."""
    mean = emotions.sum(axis=0) / max(emotions.sum(), 1.0)
    draws = (emotions @ np.maximum(mean, LEAST_SHARE) ** -balance).astype(np.float64)
    known = draws > 0
    draws[~known] = 1.0
    draws[known] /= draws[known].mean() if known.any() else 1.0
    return draws


def _shares(count: int, share: float) -> Floats:
    return np.full(count, share, np.float32)


def photo_split(data: Path) -> tuple[list[Photo], list[Photo]]:
    """Photographs of the people who may be trained on: those that are, and those that choose."""
    photos = read_photos(data, identities="training")
    own = [
        int(hashlib.sha1(f"own {p.identity}".encode(), usedforsecurity=False).hexdigest(), 16) % OWN_PEOPLE == 0
        for p in photos
    ]
    return [p for p, mine in zip(photos, own, strict=True) if not mine], [
        p for p, mine in zip(photos, own, strict=True) if mine
    ]


def photo_rows(args: argparse.Namespace, crops: Grey, labels: Ints) -> tuple[Grey, Floats, NDArray[np.float64]]:
    """``crops``, targets (N, 15) and draws, rare emotions more often."""
    counts = np.bincount(labels, minlength=len(EMOTIONS))
    print(f"photographs {len(labels)}: {dict(zip(EMOTIONS, counts.tolist(), strict=True))}")
    rarity = (np.maximum(counts, 1) ** -0.5)[labels]
    targets = np.zeros((len(labels), 15), np.float32)
    targets[:, :7] = (1 - PHOTO_LABEL_SHARE) / len(EMOTIONS)
    targets[np.arange(len(labels)), labels] += PHOTO_LABEL_SHARE
    targets[:, 14] = 1.0
    return crops, targets, np.minimum(rarity * args.photos / rarity.mean(), 3.0)
