"""Average faces: photographs of many people become one face that nobody has.

The method is the classical composite (Galton 1878; Langlois and Roggman 1990) with two stages of alignment:
a thin-plate spline on the five landmarks to a mean shape, then a few rounds of smooth dense optical flow to the
running mean (congealing), so that eyelids, nostrils and lips fall together as well. Photographs are chosen by label,
frontality, size and sharpness; no emotion model has a say.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

WIDTH_PX, HEIGHT_PX = 240, 300
"""Size of the template in which all faces are aligned."""
EYES_PX = np.array([[80.0, 120.0], [160.0, 120.0]])
FACE = np.s_[80:230, 60:180]
"""The part of the template in which brightness and contrast are equalised."""
MOUTH = (slice(188, 226), slice(102, 138))
BORDER_PX = np.array(
    [[-20, -20], [-20, 150], [-20, 320], [120, -20], [120, 320], [260, -20], [260, 150], [260, 320]], float
)
MIN_EYE_DISTANCE_PX = 50.0
MAX_ASYMMETRY = {"neutral": 0.10, "happy": 0.10, "surprise": 0.20, "angry": 0.22, "sad": 0.22}
"""Limits in eye distances. Rare emotions get looser limits: there are only about 100 to 220 people in each."""
MIN_SHARPNESS_QUANTILE = 0.10
LANDMARKS = ("reye", "leye", "nose", "rmouth", "lmouth")
_GRID = np.stack(np.meshgrid(np.arange(WIDTH_PX), np.arange(HEIGHT_PX)), axis=-1).astype(np.float32)


@dataclass(frozen=True)
class Photo:
    """One photograph: where it is, who and what is on it, five landmarks ``(5, 2)`` in its pixels."""

    path: Path
    identity: str
    emotion: str
    landmarks_px: Floats
    upright_px: Floats
    """The landmarks with both eyes moved to ``EYES_PX``."""
    asymmetry: float
    """How far nose and mouth lie off the midline of the eyes, in eye distances; 0 for a frontal face."""


@dataclass(frozen=True)
class Stack:
    """Aligned grey photographs of one emotion, one for each person."""

    photos: list[Photo]
    images: NDArray[np.float32]
    """``(N, HEIGHT_PX, WIDTH_PX)``, mean 0 and deviation 1 within ``FACE``."""


def _similarity(source: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Least-squares rotation and scale ``(2, 2)`` and shift ``(2,)`` that bring ``source`` to ``target``."""
    a, b = source - source.mean(0), target - target.mean(0)
    a_c, b_c = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
    z = (np.conj(a_c) @ b_c) / (np.abs(a_c) ** 2).sum()
    turn = np.array([[z.real, -z.imag], [z.imag, z.real]])
    return turn, target.mean(0) - turn @ source.mean(0)


def _photo(row: dict[str, str], folder: Path) -> Photo:
    points = np.array([[float(row[f"{name}_x"]), float(row[f"{name}_y"])] for name in LANDMARKS])
    turn, shift = _similarity(points[:2], EYES_PX)
    upright = points @ turn.T + shift
    distance = EYES_PX[1, 0] - EYES_PX[0, 0]
    middle = EYES_PX[:, 0].mean()
    off = abs(upright[2, 0] - middle) + abs(upright[3:, 0].mean() - middle) + 0.5 * abs(upright[3, 1] - upright[4, 1])
    return Photo(folder / row["image"], row["identity"], row["emotion"], points, upright, float(off / distance))


def read_photos(data: Path) -> dict[str, list[Photo]]:
    """For each emotion the most frontal photograph of every person, most frontal first."""
    best: dict[tuple[str, str], Photo] = {}
    with (data / "faces" / "faces.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["emotion"] not in MAX_ASYMMETRY:
                continue
            photo = _photo(row, data / "faces" / "images")
            if np.linalg.norm(photo.landmarks_px[0] - photo.landmarks_px[1]) < MIN_EYE_DISTANCE_PX:
                continue
            key = (photo.identity, photo.emotion)
            if key not in best or photo.asymmetry < best[key].asymmetry:
                best[key] = photo
    chosen: dict[str, list[Photo]] = {emotion: [] for emotion in MAX_ASYMMETRY}
    for photo in sorted(best.values(), key=lambda p: (p.asymmetry, p.path.name)):
        if photo.asymmetry <= MAX_ASYMMETRY[photo.emotion]:
            chosen[photo.emotion].append(photo)
    return chosen


def _bend(distance_px: Floats) -> Floats:
    """The thin-plate kernel r^2 log r (Bookstein 1989)."""
    return np.where(distance_px > 0, distance_px**2 * np.log(np.maximum(distance_px, 1e-9)), 0.0)


def _basis(points: Floats, knots: Floats) -> Floats:
    distance = np.linalg.norm(points[:, None] - knots[None], axis=2)
    return np.hstack([_bend(distance), np.ones((len(points), 1)), points])


def _mean_shape(photos: list[Photo]) -> Floats:
    """Mean landmarks ``(5, 2)`` in the template, made symmetric so that no face leans."""
    shape = np.mean([p.upright_px for p in photos], axis=0)
    mirrored = shape[[1, 0, 2, 4, 3]] * [-1, 1] + [2 * EYES_PX[:, 0].mean(), 0]
    return np.asarray((shape + mirrored) / 2)


def align(photos: list[Photo]) -> Stack:
    """Warps every photograph to the mean shape of all of them; drops the least sharp ones."""
    shape = _mean_shape(photos)
    knots = np.vstack([shape, BORDER_PX])
    system = np.zeros((len(knots) + 3, len(knots) + 3))
    system[: len(knots)] = _basis(knots, knots)
    system[len(knots) :, : len(knots)] = system[: len(knots), len(knots) :].T
    weights_of = np.linalg.inv(system)[:, : len(knots)]
    pixels = _basis(_GRID.reshape(-1, 2).astype(float), knots) @ weights_of
    images, sharpness = [], []
    for photo in photos:
        grey = cv2.imread(str(photo.path), cv2.IMREAD_GRAYSCALE)
        turn, shift = _similarity(shape, photo.landmarks_px)
        targets = np.vstack([photo.landmarks_px, BORDER_PX @ turn.T + shift])
        places = (pixels @ targets).reshape(HEIGHT_PX, WIDTH_PX, 2).astype(np.float32)
        image = cv2.remap(grey, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        image = (image - image[FACE].mean()) / max(float(image[FACE].std()), 8.0)
        images.append(image)
        sharpness.append(float(cv2.Laplacian(cv2.GaussianBlur(image, (0, 0), 1.0), cv2.CV_32F)[FACE].std()))
    keep = np.flatnonzero(np.array(sharpness) >= np.quantile(sharpness, MIN_SHARPNESS_QUANTILE))
    return Stack([photos[i] for i in keep], np.stack([images[i] for i in keep]))


def closed_mouths(stack: Stack) -> Stack:
    """The half of the photographs with the least dark line between the lips. Many people labelled neutral are
    speaking; an average over them has parted lips and looks uneasy."""
    darkest = stack.images[:, MOUTH[0], MOUTH[1]].mean(2).min(1)
    keep = np.flatnonzero(darkest >= np.median(darkest))
    return Stack([stack.photos[i] for i in keep], stack.images[keep])


def local_contrast(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Takes the lighting out: subtracts the local mean, divides by the local deviation (20 px Gaussian)."""
    centred = image - cv2.GaussianBlur(image, (0, 0), 20)
    return np.asarray(centred / (np.sqrt(cv2.GaussianBlur(centred**2, (0, 0), 20)) + 0.15), np.float32)


def dense_flow(target: NDArray[np.float32], image: NDArray[np.float32], smooth_px: float) -> NDArray[np.float32]:
    """Where each pixel of ``target`` lies in ``image``: ``(H, W, 2)`` offsets, at most 12 px, smoothed."""
    method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.setFinestScale(1)
    first, second = (np.clip(x * 40 + 128, 0, 255).astype(np.uint8) for x in (target, image))
    flow = method.calc(first, second, None)
    length = np.linalg.norm(flow, axis=2, keepdims=True)
    flow = flow * np.minimum(1.0, 12.0 / np.maximum(length, 1e-3))
    return np.asarray(cv2.GaussianBlur(flow, (0, 0), smooth_px), np.float32)


def pull(image: NDArray[np.float32], flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples ``image`` at each pixel moved by ``flow``."""
    moved = cv2.remap(image, _GRID + flow, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def average(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """The congealed mean ``(H, W)`` of aligned images; its shape is the mean shape (flows sum to zero)."""
    plain = [local_contrast(image) for image in images]
    mean = np.mean(plain, axis=0)
    flows = np.zeros((len(images), HEIGHT_PX, WIDTH_PX, 2), np.float32)
    for smooth_px in (10.0, 7.0, 5.0):
        target = cv2.GaussianBlur(mean, (0, 0), 1) * 1.3
        flows = np.stack([dense_flow(target, image, smooth_px) for image in plain])
        flows -= flows.mean(0)
        mean = np.mean([pull(image, flow) for image, flow in zip(plain, flows, strict=True)], axis=0)
    face = np.mean([pull(image, flow) for image, flow in zip(images, flows, strict=True)], axis=0)
    face -= face[FACE].mean()
    return np.asarray(face / face[FACE].std(), np.float32)


def exaggerate(face: NDArray[np.float32], neutral: NDArray[np.float32], amount: float) -> NDArray[np.float32]:
    """Caricature (Brennan 1985): moves every point ``amount`` further from its place in the neutral face."""
    if amount == 0:
        return face
    flow = dense_flow(local_contrast(face), local_contrast(neutral), 5.0)
    return pull(face, flow * np.float32(amount))


def sharpen(face: NDArray[np.float32], amount: float) -> NDArray[np.float32]:
    """Gives back some of the contrast of details that averaging takes (unsharp mask, 7 px)."""
    return np.asarray(face + amount * (face - cv2.GaussianBlur(face, (0, 0), 7)), np.float32)


def appearance(stack: Stack) -> NDArray[np.float32]:
    """What tells people apart rather than moods ``(N, F)``: hair line, brows, cheeks, jaw; no mouth, left-right
    symmetric, relative to the mean of the emotion."""
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    cv2.ellipse(mask, (120, 148), (100, 118), 0, 0, 360, 1, -1)
    mask[175:235, 70:170] = 0
    small = cv2.resize(mask, (WIDTH_PX // 6, HEIGHT_PX // 6), interpolation=cv2.INTER_NEAREST) > 0
    features = []
    for image in stack.images:
        blurred = cv2.GaussianBlur((image + image[:, ::-1]) / 2, (0, 0), 3)
        features.append(cv2.resize(blurred, small.shape[::-1], interpolation=cv2.INTER_AREA)[small])
    result = np.clip(np.stack(features), -3, 3)
    return np.asarray(result - result.mean(0), np.float32)


def types_of_people(features: NDArray[np.float32], count: int, seed: int) -> NDArray[np.float32]:
    """``(count, F)`` centres of k-means over the people's appearance in its 8 main directions."""
    _, _, axes = np.linalg.svd(features - features.mean(0), full_matrices=False)
    low = np.ascontiguousarray(features @ axes[:8].T, np.float32)
    cv2.setRNGSeed(seed)
    stop = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-4)
    _, labels, centres = cv2.kmeans(low, count, None, stop, 10, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    order = np.argsort(-np.bincount(labels.ravel(), minlength=count), kind="stable")
    return np.asarray(centres[order] @ axes[:8], np.float32)
