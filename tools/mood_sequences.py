"""Sequences of readings of people whose emotion changes, built from labelled faces, with the truth known.

A person shows an emotion for 2-6 s, then another. All frames of a stretch show one picture of that emotion, blended
over 0.2-0.4 s into the next, moved, turned, scaled, lit, blurred and made noisy by processes in seconds (not frames),
and read by the shipped int8 network (where that one learnt from what chooses, by the one that chose for it: --model).
Now and then, for 0.1-0.3 s, another picture shines through (speech, a blink, a hand), and for 0.1-0.6 s the detector
loses the face. Everything follows from the seed.

Only pictures that this network was not trained on: the part of FER+ `train` that its training set apart
(docs/training.md), and the people of `faces` that are held out. One half of them, by a hash of the picture, makes the
sequences on which parameters are chosen, the other half those that are reported.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from emotion_data import own_split, photo_crops, read_photos, read_votes, refuse_learnt, rows, seven_emotion_truth
from emotion_examples import OWN_PART, OWN_SEED

from edge.data import EMOTIONS
from edge.measure.face_sets import SIDE
from edge.vision.emotion import EmotionClassifier

MODEL = Path(__file__).resolve().parent.parent / "models" / "emotion.tflite"
BASE_HZ = 30.0
"""Sequences are read at this rate; lower rates take some of the frames, so that all see the same world."""
DURATION_S = 40.0
WEIGHTS = (0.11, 0.04, 0.07, 0.25, 0.13, 0.12, 0.28)
"""How often each of EMOTIONS is shown: about as in FER+, less one-sided."""
SEEDS = {"development": range(1000, 1060), "held-out": range(2000, 2120)}
RECIPE = 1
"""To be raised with every change of what is built, or old readings are taken from the cache."""
MIN_SHARE = 0.6
"""A FER+ picture is used when this part of its ten taggers agrees on one of the seven emotions."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class MoodSequence:
    """One person: ``t_s`` (T,), ``probs`` (T, 7), ``seen`` (T,) false where the detector lost the face.

    ``changes``: when each stretch begins to show (its cross-fade's first moment, 0 for the first) and its emotion as
    index into EMOTIONS; ``fade_s`` the length of each cross-fade.
    """

    seed: int
    t_s: Floats
    probs: Floats
    seen: NDArray[np.bool_]
    changes: tuple[tuple[float, int], ...]
    fade_s: tuple[float, ...]
    duration_s: float

    def truth(self) -> Ints:
        """The emotion shown in each frame, (T,) as index into EMOTIONS; it changes in the middle of a cross-fade."""
        starts = [t + f / 2 for (t, _), f in zip(self.changes, self.fade_s, strict=True)]
        index = np.maximum(np.searchsorted(starts, self.t_s, side="right") - 1, 0)
        return np.array([emotion for _, emotion in self.changes])[index]

    def frames(self, keep: Ints) -> MoodSequence:
        """Only the frames of these indices."""
        kept = (self.t_s[keep], self.probs[keep], self.seen[keep])
        return MoodSequence(self.seed, *kept, self.changes, self.fade_s, self.duration_s)

    def at_rate(self, rate_hz: float) -> MoodSequence:
        """As a camera of ``rate_hz`` would have seen it; 0: a rate that wanders between 2 and 30 Hz."""
        rng = np.random.default_rng(self.seed + 7)
        if rate_hz:
            step = round(BASE_HZ / rate_hz)
            return self.frames(np.arange(int(rng.integers(step)), len(self.t_s), step))
        keep, n, step, until_s = [], 0, 1, 0.0
        while n < len(self.t_s):
            if self.t_s[n] >= until_s:
                until_s += 3.0
                step = round(BASE_HZ / float(np.exp(rng.uniform(np.log(2.0), np.log(BASE_HZ)))))
            keep.append(n)
            n += step
        return self.frames(np.array(keep))


@dataclass(frozen=True, slots=True)
class Pictures:
    """Faces uint8 (N, 48, 48) grey and their emotions (N,)."""

    crops: Grey
    labels: Ints

    def half(self, part: str) -> Pictures:
        """The pictures of "development" or of "held-out", apart by a hash of the picture."""
        odd = [hashlib.sha1(c.tobytes(), usedforsecurity=False).digest()[0] % 2 == 1 for c in self.crops]
        keep = np.array(odd) == (part == "held-out")
        return Pictures(self.crops[keep], self.labels[keep])


def read_pictures(data: Path) -> Pictures:
    """Pictures of ``data`` that the network was not trained on."""
    train = read_votes(data, "train")
    own = rows(train, own_split(train.crops, seed=OWN_SEED, part=OWN_PART))
    truth, kept = seven_emotion_truth(own)
    share = own.votes.max(axis=1) / np.maximum(own.votes.sum(axis=1), 1)
    agreed = kept & (share >= MIN_SHARE)
    names = [i for i, index in enumerate(truth) if agreed[i] and index < len(EMOTIONS)]
    photos, labels = photo_crops(read_photos(data, identities="held-out"))
    return Pictures(np.concatenate([own.crops[names], photos]), np.concatenate([truth[names], labels]).astype(np.int64))


def wander(rng: np.random.Generator, n: int, correlation_s: float) -> Floats:
    """An Ornstein-Uhlenbeck process of standard deviation 1 at BASE_HZ, (n,)."""
    keep = np.exp(-1.0 / (BASE_HZ * correlation_s))
    noise = rng.normal(size=n)
    values = np.empty(n)
    values[0] = noise[0]
    for i in range(1, n):
        values[i] = keep * values[i - 1] + np.sqrt(1 - keep * keep) * noise[i]
    return values


def spans(rng: np.random.Generator, *, a_minute: float, lengths_s: tuple[float, float]) -> list[tuple[float, float]]:
    """Random stretches of time, (from_s, to_s), about so many a minute."""
    count = rng.poisson(a_minute * DURATION_S / 60.0)
    starts = np.sort(rng.uniform(0.5, DURATION_S, count))
    return [(float(s), float(s + rng.uniform(*lengths_s))) for s in starts]


class Person:
    """The pictures and the camera of one sequence."""

    def __init__(self, pictures: Pictures, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        self.n = n = int(DURATION_S * BASE_HZ)
        self.t_s = np.arange(n) / BASE_HZ
        self.crops = pictures.crops
        self.changes, self.fades, self.shown = self._script(pictures)
        # A slow part (head and light move) and a fast one (the detector's box jitters from frame to frame).
        self.shift = np.stack([0.03 * wander(rng, n, 0.4) + 0.012 * rng.normal(size=n) for _ in range(2)], 1)
        self.scale = np.exp(0.05 * wander(rng, n, 0.4) + 0.015 * rng.normal(size=n))
        self.angle_deg = 5.0 * wander(rng, n, 0.5)
        self.contrast = np.exp(0.15 * wander(rng, n, 1.0) + rng.uniform(-0.4, 0.2))
        self.brightness = 10.0 * wander(rng, n, 1.0) + rng.uniform(-25.0, 25.0)
        self.blur_px = np.maximum(0.0, 0.7 * wander(rng, n, 0.2))
        self.noise = rng.uniform(1.0, 8.0)
        self.size_px = int(rng.integers(26, 49))
        self.mirror = bool(rng.integers(2))
        self.others = [
            (span, int(rng.integers(len(self.crops))), float(rng.uniform(0.3, 0.6)))
            for span in spans(rng, a_minute=8.0, lengths_s=(0.1, 0.3))
        ]
        self.lost = spans(rng, a_minute=6.0, lengths_s=(0.1, 0.6))

    def _script(self, pictures: Pictures) -> tuple[list[tuple[float, int]], list[float], list[int]]:
        rng, begin_s, emotion = self.rng, 0.0, -1
        changes: list[tuple[float, int]] = []
        fades: list[float] = []
        shown: list[int] = []
        while begin_s < DURATION_S - 2.0:
            weights = np.array(WEIGHTS) * (np.arange(len(WEIGHTS)) != emotion)
            emotion = int(rng.choice(len(WEIGHTS), p=weights / weights.sum()))
            changes.append((begin_s, emotion))
            fades.append(float(rng.uniform(0.2, 0.4)))
            shown.append(int(rng.choice(np.flatnonzero(pictures.labels == emotion))))
            begin_s += float(rng.uniform(2.0, 6.0))
        return changes, fades, shown

    def picture(self, i: int) -> Grey:
        """What the network is shown in frame ``i``: uint8 (48, 48)."""
        t_s = self.t_s[i]
        k = sum(begin_s <= t_s for begin_s, _ in self.changes) - 1
        face = self.crops[self.shown[k]].astype(np.float32)
        faded = (t_s - self.changes[k][0]) / self.fades[k]
        if k > 0 and faded < 1.0:
            face = faded * face + (1.0 - faded) * self.crops[self.shown[k - 1]]
        for (from_s, to_s), other, weight in self.others:
            if from_s <= t_s < to_s:
                face = (1.0 - weight) * face + weight * self.crops[other]
        return self._through_the_camera(face, i)

    def _through_the_camera(self, face: NDArray[np.float32], i: int) -> Grey:
        centre = (SIDE / 2, SIDE / 2)
        turn = cv2.getRotationMatrix2D(centre, float(self.angle_deg[i]), float(self.scale[i]))
        turn[:, 2] += self.shift[i] * SIDE
        face = cv2.warpAffine(
            face[:, ::-1] if self.mirror else face, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE
        )
        mean = float(face.mean())
        face = (face - mean) * float(self.contrast[i]) + mean + float(self.brightness[i])
        face = cv2.resize(face, (self.size_px, self.size_px), interpolation=cv2.INTER_AREA)
        if self.blur_px[i] > 0.3:
            face = cv2.GaussianBlur(face, (0, 0), float(self.blur_px[i]))
        face = face + self.rng.normal(0.0, self.noise, face.shape)
        face = cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        return np.clip(np.round(face), 0, 255).astype(np.uint8)

    def sequence(self, network: EmotionClassifier, seed: int) -> MoodSequence:
        """All frames, read."""
        crops = np.stack([self.picture(i) for i in range(self.n)])
        seen = ~np.any([(self.t_s >= a) & (self.t_s < b) for a, b in [(-2.0, -1.0), *self.lost]], axis=0)
        probs = network.classify_crops(crops)
        return MoodSequence(seed, self.t_s, probs, seen, tuple(self.changes), tuple(self.fades), DURATION_S)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where pictures are read, who reads them, and where readings are kept."""
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", type=Path, default=MODEL, help="file not trained on the pictures (its card beside)")
    parser.add_argument("--cache", type=Path, default=Path("/tmp/moodcast-moods"))  # noqa: S108


def sequences(args: argparse.Namespace, part: str) -> list[MoodSequence]:
    """All sequences of ``part`` ("development" or "held-out"), from ``args.cache`` where they were written before.

    Raises SystemExit where ``args.model`` learnt from the pictures.
    """
    refuse_learnt(args.model, "--model")
    model = hashlib.sha1(args.model.read_bytes(), usedforsecurity=False).hexdigest()[:12]
    file = args.cache / f"moods-{part}-{RECIPE}-{model}.npz"
    if not file.is_file():
        pictures, network = read_pictures(args.data).half(part), EmotionClassifier(args.model)
        made = [Person(pictures, seed).sequence(network, seed) for seed in SEEDS[part]]
        args.cache.mkdir(parents=True, exist_ok=True)
        write(file, made)
    return read(file, part)


def write(file: Path, made: list[MoodSequence]) -> None:
    """Sequences as plain arrays; a stretch is a row (sequence, begin, emotion, length of its cross-fade)."""
    stretches = [
        (n, begin_s, emotion, fade_s)
        for n, s in enumerate(made)
        for (begin_s, emotion), fade_s in zip(s.changes, s.fade_s, strict=True)
    ]
    np.savez_compressed(
        file, probs=np.stack([s.probs for s in made]), seen=np.stack([s.seen for s in made]), stretches=stretches
    )


def read(file: Path, part: str) -> list[MoodSequence]:
    """What ``write`` wrote."""
    stored = np.load(file)
    probs, seen, stretches = stored["probs"], stored["seen"], stored["stretches"]
    made = []
    for n, seed in enumerate(SEEDS[part]):
        own = stretches[stretches[:, 0] == n]
        changes, fades = tuple((float(b), int(e)) for _, b, e, _ in own), tuple(float(f) for f in own[:, 3])
        t_s = np.arange(len(seen[n])) / BASE_HZ
        made.append(MoodSequence(seed, t_s, probs[n], seen[n], changes, fades, DURATION_S))
    return made


def main() -> None:
    """Build them and say what is in them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    args = parser.parse_args()
    for part in SEEDS:
        made = sequences(args, part)
        changes = sum(len(s.changes) - 1 for s in made)
        tops = [s.probs.argmax(axis=1) for s in made]
        flips = sum(int((top[1:] != top[:-1]).sum()) for top in tops) - changes
        right = np.mean([s.truth() == top for s, top in zip(made, tops, strict=True)])
        minutes = sum(s.duration_s for s in made) / 60
        print(
            f"{part}: {len(made)} sequences, {minutes:.0f} minutes, {changes} changes, single readings right "
            f"{right:.3f}, {flips / minutes:.0f} changes of label a minute too many, mean confidence "
            f"{np.mean([s.probs.max(axis=1).mean() for s in made]):.3f}"
        )


if __name__ == "__main__":
    main()
