"""FER2013 with FER+ votes, and labelled photographs, as arrays for training (not used by the service)."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge.core.crop import crop_square
from edge.data import EMOTIONS
from edge.measure import face_sets
from edge.measure.face_sets import Photo, VoteSet
from edge.measure.metrics import FERPLUS_CLASSES, ferplus_top
from edge.vision.emotion import crop_grey

SIDE = face_sets.SIDE
VOTES_OF_EMOTIONS = (4, 5, 6, 1, 3, 2, 0)
"""Columns of FER+'s votes (neutral, happiness, surprise, sadness, anger, disgust, fear) in the order of EMOTIONS."""
UNREADABLE_VOTES = (8, 9)
"""Columns of unknown and not-a-face."""
HEADS = (slice(0, 7), slice(7, 14))
"""FER+'s emotions and FER2013's among the columns of targets and of the network's outputs."""
FORGIVEN = 0.15
DUPLICATE_CORRELATION = 0.95
"""Of the pictures in `train`, 373 correlate above 0.99 with one in `valid` (copies), 172 between 0.95 and 0.99 (other
crops of one photograph); from 0.90 down it is another photograph of a like face (measured 2026-11)."""

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


def refuse_learnt(model: Path, option: str) -> None:
    """Raise SystemExit where the file ``model`` learnt from the own rows and people; ``option`` takes one that did not.

    Its card says so: another file chose prior and temperature for it.
    """
    card = yaml.safe_load(model.with_suffix(".yaml").read_text(encoding="utf-8"))
    if "chosen_by" in card:
        raise SystemExit(
            f"{model}: learnt from these pictures; give {option} the file that chose for it, sha256 "
            f"{card['chosen_by'][:8]} (docs/smoothing.md, Commands)"
        )


def read_votes(data: Path, split: str) -> VoteSet:
    """``split`` ("train" or "valid") of ``data``/ferplus; a broken row ends the program."""
    found = face_sets.read_votes(face_sets.split_files(data / "ferplus", split))
    if found.problems:
        raise SystemExit("\n".join(found.problems))
    return found


def rows(data: VoteSet, keep: Mask) -> VoteSet:
    """The rows of ``data`` where ``keep`` (N,) is true."""
    return VoteSet(data.crops[keep], data.votes[keep], data.fer2013[keep], data.files, data.problems)


def soft_targets(data: VoteSet) -> Floats:
    """What the three heads are to say of each row, float (N, 15): seven emotions by FER+, seven by FER2013, usable.

    FER+: votes for contempt, unknown and not-a-face are dropped and the rest scaled to 1; zeros where less than half of
    the votes are left, which teaches nothing. FER2013: its own label, which knows disgust and fear better than the
    taggers of FER+; zeros where there is none. Usable: 1 less the share of votes for unknown and not-a-face,
    with single votes forgiven.
    """
    votes = data.votes / np.maximum(data.votes.sum(axis=1, keepdims=True), 1)
    targets = np.zeros((len(votes), 15), np.float32)
    seven = votes[:, VOTES_OF_EMOTIONS]
    clear = seven.sum(axis=1) >= 0.5
    targets[clear, :7] = seven[clear] / seven[clear].sum(axis=1, keepdims=True)
    known = np.flatnonzero((data.fer2013 >= 0) & clear)
    targets[known, 7 + data.fer2013[known]] = 1.0
    unreadable = votes[:, UNREADABLE_VOTES].sum(axis=1)
    targets[:, 14] = np.clip(1.0 - (unreadable - FORGIVEN) / (1.0 - FORGIVEN), 0.0, 1.0)
    return targets


def seven_emotion_truth(data: VoteSet) -> tuple[Ints, Mask]:
    """Top vote (N,) as index into EMOTIONS, and which rows (N,) have one of the seven emotions on top."""
    truth, kept = ferplus_top(data.votes)
    return truth, kept & (truth != FERPLUS_CLASSES.index("contempt"))


def _unit_rows(images: Grey) -> Floats:
    flat = images.reshape(len(images), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return flat


def stands_in(images: Grey, others: Grey) -> Mask:
    """Which of ``images`` (N, 48, 48) are exact, near or mirrored copies of one of ``others``; bool (N,)."""
    both = np.concatenate([_unit_rows(others), _unit_rows(others[:, :, ::-1])])
    found = [_unit_rows(images[s : s + 4000]) @ both.T for s in range(0, len(images), 4000)]
    return np.concatenate([block.max(axis=1) > DUPLICATE_CORRELATION for block in found])


def own_split(images: Grey, *, seed: int, part: float) -> Mask:
    """Which rows (N,) choose the hyper-parameters; by a hash of the picture, so that copies stay together."""
    salt = f"{seed}:".encode()
    digests = [hashlib.sha1(salt + image.tobytes(), usedforsecurity=False).digest() for image in images]
    return np.array([int.from_bytes(digest[:4], "big") for digest in digests]) < int(part * 2**32)


def read_photos(data: Path, *, identities: str) -> list[Photo]:
    """Photographs of ``data``/faces; ``identities`` "training" or "held-out". Empty where the folder is absent."""
    table = data / "faces" / "faces.csv"
    return face_sets.read_photos(table, identities=identities).photos if table.is_file() else []


def photo_crops(photos: list[Photo]) -> tuple[Grey, Ints]:
    """The crops of ``photos`` uint8 (N, 48, 48) grey, as the service cuts them, and their labels (N,)."""
    crops = np.empty((len(photos), SIDE, SIDE), np.uint8)
    for crop, photo in zip(crops, photos, strict=True):
        crop[:] = crop_grey(cv2.imread(str(photo.path)), crop_square(photo.face), SIDE)
    return crops, np.array([photo.label for photo in photos], np.int64)


__all__ = ["EMOTIONS", "Photo", "VoteSet"]
