"""Folds of what is trained on, and the answers of networks to pictures that they were not trained on.

A network trained on a row has learnt the votes of that row, chance among ten taggers included, and as a teacher only
says them again. One that has not seen it is a second opinion: mixed with the votes it leaves less chance in the target.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from emotion_data import HEADS, VOTES_OF_EMOTIONS, Floats, Grey, Ints, Mask, VoteSet, soft_targets
from numpy.typing import NDArray

VOTES = 10
"""Of FER+ for a picture; so many less two are enough to be parted."""
DRAWS, DRAW_SEED = 20, 1


def fold_of(images: Grey, folds: int) -> Ints:
    """The fold, 0 to ``folds`` - 1, of each picture (N, 48, 48): by a hash, so that copies and mirrored ones stay
    together."""
    digests = (
        hashlib.sha1(min(image.tobytes(), image[:, ::-1].tobytes()), usedforsecurity=False).digest() for image in images
    )
    return np.array([int.from_bytes(digest[:4], "big") % folds for digest in digests], np.int64)


def left_out(images: Grey, fold: str) -> Mask:
    """Which pictures (N,) a run with ``fold``, "2/3", the second of three, is not trained on.

    :raises SystemExit: where ``fold`` is none.
    """
    number, _, folds = fold.partition("/")
    if not (number.isdigit() and folds.isdigit() and 1 <= int(number) <= int(folds) > 1):
        raise SystemExit(f"--leave-out {fold}: give the fold and how many there are, as 2/3")
    return fold_of(images, int(folds)) == int(number) - 1


def digest_of(images: Grey) -> str:
    """Of pictures in their order: answers belong to these rows only."""
    return hashlib.sha1(images.tobytes(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Answers:
    """Probabilities (N, 14) of both heads, as :data:`HEADS`, for pictures whose digest is ``digest``; ``commands``
    trained who answers."""

    probabilities: Floats
    digest: str
    commands: list[str]

    def write(self, path: Path) -> None:
        """To ``path``, by renaming."""
        with path.with_suffix(".tmp").open("wb") as file:
            texts = {"digest": np.array(self.digest), "commands": np.array(self.commands, dtype=np.str_)}
            np.savez(file, probabilities=self.probabilities, **texts)
        path.with_suffix(".tmp").replace(path)

    @classmethod
    def read(cls, path: Path) -> Answers:
        """What :meth:`write` wrote."""
        with np.load(path) as saved:
            return cls(saved["probabilities"], str(saved["digest"]), saved["commands"].tolist())

    def mixed_into(self, targets: Floats, images: Grey, *, share: float) -> Floats:
        """``targets`` (N, 15) of ``images`` with ``share`` of each head's mass distributed as these answers say.

        Zeros, which teach a head nothing, stay zeros; usable stays as it is.

        :raises SystemExit: where the answers are those to other pictures.
        """
        if digest_of(images) != self.digest:
            raise SystemExit("the answers were given to other pictures than those that are trained on: make them again")
        mixed = targets.copy()
        for head in HEADS:
            mass = targets[:, head].sum(axis=1, keepdims=True)
            mixed[:, head] = (1 - share) * targets[:, head] + share * mass * self.probabilities[:, head]
        return mixed


def loss_of(probabilities: NDArray[np.floating], targets: NDArray[np.floating]) -> float:
    """Cross-entropy of (N, 7) against (N, 7), over rows that have a target."""
    kept = targets.sum(axis=1) > 0
    return float(-(targets[kept] * np.log(np.maximum(probabilities[kept], 1e-6))).sum(axis=1).mean())


def drawn_half(votes: Ints, rng: np.random.Generator) -> Ints:
    """Half of the votes (N, 7) of each row, rounded down, by chance."""
    return np.array([rng.multivariate_hypergeometric(row, row.sum() // 2) for row in votes])


def worth_beside_votes(probabilities: Floats, own: VoteSet) -> float:
    """The share of answers (N, 7) that, mixed with ten votes, is nearest to what others would have voted.

    Half of the votes are mixed with the answers and foretell the other half; answers that are worth ``a`` votes have
    the best share ``a / (a + 5)`` there and ``a / (a + 10)`` beside ten votes.
    """
    rng = np.random.default_rng(DRAW_SEED)
    votes = own.votes[:, VOTES_OF_EMOTIONS]
    kept = (soft_targets(own)[:, :7].sum(axis=1) > 0) & (votes.sum(axis=1) >= VOTES - 2)
    votes, probabilities = votes[kept], probabilities[kept]
    shares = np.arange(0.05, 1.0, 0.05)
    losses = np.zeros(len(shares))
    for _ in range(DRAWS):
        known = drawn_half(votes, rng)
        rest = votes - known
        mean, wanted = (part / part.sum(axis=1, keepdims=True) for part in (known, rest))
        losses += [loss_of((1 - share) * mean + share * probabilities, wanted) for share in shares]
    best = float(shares[losses.argmin()])
    worth = best / (1 - best) * VOTES / 2
    return worth / (worth + VOTES)
