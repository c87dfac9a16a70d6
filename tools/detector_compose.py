"""Training pictures for the face detector: crops of scenes, mosaics, grids of photographs, pasted faces and things."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from detector_data import Bgr, Floats, Scene
from detector_distractors import drawn_thing
from detector_light import change_light
from detector_sample import Origin, Sample, beside, cut, filling, joined, similarity

GROUP_DRAWS = {"ffhq": 0.25, "wider": 3.0, "df": 3.0}
"""How often a picture of a group is drawn: portraits less (one large face each), crowds more."""
PASTED, PASTED_CHANCES = ("face", "faceless", "beside", "drawn"), (0.55, 0.2, 0.13, 0.12)
"""What is pasted: an edge says nothing."""
HARD_KEPT = 3000
"""Newest places in scenes that the network took for a face, and as many of faces that it missed: shown again."""
HARD_CHANCE = 0.08
"""Of each of the two."""
WINDOW, MOSAIC, GRID = 0.4, 0.36, 0.12
"""Chances of the kinds of samples; the rest shows no face."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a scene the network was wrong, ``xy`` (2,) px, and by what the scene was scaled then."""

    scene: Scene
    xy: Floats
    scale: float


class Composer:
    """Draws training samples of ``side`` px from loaded ``scenes`` and single ``faces``."""

    def __init__(self, scenes: list[Scene], faces: list[Scene], *, side: int, seed: int) -> None:
        self._with = [s for s in scenes if len(s.boxes)]
        self._without = [s for s in scenes if not len(s.boxes)] or self._with  # labels come with every window
        self._faces, self._side = faces, side
        self._rng = np.random.default_rng(seed)
        draws = np.array([GROUP_DRAWS.get(s.path.name.split("_")[0], 1.0) for s in self._with])
        self._cumulative = np.cumsum(draws / draws.sum())
        self._mistaken: deque[Place] = deque(maxlen=HARD_KEPT)
        self._missed: deque[Place] = deque(maxlen=HARD_KEPT)

    def remember(self, origin: Origin, xy: Floats, *, is_face: bool) -> None:
        """At ``xy`` (2,) of a sample from ``origin`` the network missed a face or took another thing for one."""
        inverse = np.linalg.inv(origin.matrix)
        scale = float(np.hypot(origin.matrix[0, 0], origin.matrix[1, 0]))
        places = self._missed if is_face else self._mistaken
        places.append(Place(origin.scene, (inverse @ (xy - origin.shift)).astype(np.float32), scale))

    def sample(self) -> Sample:
        """One training sample."""
        rng, side = self._rng, self._side
        hard, kind = rng.random(), rng.random()
        if hard < HARD_CHANCE and len(self._mistaken) > 50:
            sample = self._hard_window(self._mistaken, (side, side))
        elif hard > 1 - HARD_CHANCE and len(self._missed) > 50:
            sample = self._hard_window(self._missed, (side, side))
        elif kind < WINDOW:
            sample = self._crop((side, side))
        elif kind < WINDOW + MOSAIC:
            sample = self._mosaic()
        elif kind < WINDOW + MOSAIC + GRID:
            sample = self._grid()
        else:
            sample = self._faceless((side, side))
        if rng.random() < 0.4:
            sample = self._pasted(sample)
        self._cover(sample)
        sample.image = change_light(sample.image, rng)
        return sample

    def _some(self) -> Scene:
        return self._with[min(int(np.searchsorted(self._cumulative, self._rng.random())), len(self._with) - 1)]

    def _turn(self, chance: float = 0.35) -> float:
        """Radians, mostly 0, to about 40 degrees."""
        return float(np.clip(self._rng.normal(0, 0.3), -0.75, 0.75)) if self._rng.random() < chance else 0.0

    def _crop(self, size: tuple[int, int], largest_px: float = 300.0) -> Sample:
        """A window on a scene; half the time a face of a drawn size is in it, else most of the scene."""
        rng, scene = self._rng, self._some()
        mirrored, angle = rng.random() < 0.5, self._turn()
        if rng.random() < 0.65:
            n = int(rng.integers(len(scene.boxes)))
            box = scene.boxes[n]
            wanted_px = math.exp(rng.uniform(math.log(14.0), math.log(min(largest_px, 0.9 * min(size)))))
            filled = 0.7 * max(size) / max(scene.size_px) if rng.random() < 0.85 else 0.0
            scale = min(max(float(wanted_px / box[2:].min()), filled), 2.2)
            anchor = box[:2] + box[2:] / 2
            half = scale * box[2:] / 2
            room = np.array(size) - 2 * half
            place = half + rng.random(2) * room if room.min() > 0 else np.array(size) / 2
        else:
            scale = max(size) / max(scene.size_px) * float(np.exp(rng.uniform(-0.4, 0.7)))
            scale = min(scale, 2.2)
            anchor = np.array(scene.size_px) * (
                0.5 + rng.uniform(-0.3, 0.3, 2) * (scale * max(scene.size_px) > max(size))
            )
            place = np.array(size) * (0.5 + rng.uniform(-0.1, 0.1, 2))
        matrix = similarity(scale, angle, mirrored=mirrored)
        shift = (place - matrix @ anchor).astype(np.float32)
        return cut(scene, matrix, filling(scene, matrix, shift, size) if rng.random() < 0.9 else shift, size)

    def _mosaic(self) -> Sample:
        """Four scenes beside each other."""
        side = self._side
        x, y = (int(v) for v in self._rng.uniform(0.35, 0.65, 2) * side)
        image = np.empty((side, side, 3), np.uint8)
        parts = []
        for x0, y0, x1, y1 in ((0, 0, x, y), (x, 0, side, y), (0, y, x, side), (x, y, side, side)):
            size = (x1 - x0, y1 - y0)
            part = self._faceless(size) if self._rng.random() < 0.15 else self._crop(size, largest_px=140.0)
            image[y0:y1, x0:x1] = part.image
            part.boxes = part.boxes + np.array([x0, y0, x0, y0], np.float32)
            part.points = part.points + np.array([x0, y0], np.float32)
            parts.append(part)
        return joined(image, parts)

    def _grid(self) -> Sample:
        """Photographs of one face each beside each other, small and whole: more people than the scenes show, and what
        surrounds a face. A fifth of the tiles shows none."""
        rng, side = self._rng, self._side
        ends = np.linspace(0, side, int(rng.integers(2, 7)) + 1).astype(int)
        image = np.empty((side, side, 3), np.uint8)
        parts = []
        for y0, y1 in pairwise(ends):
            for x0, x1 in pairwise(ends):
                size = (int(x1 - x0), int(y1 - y0))
                part = self._faceless(size) if rng.random() < 0.2 else self._photograph(size)
                image[y0:y1, x0:x1] = part.image
                part.boxes = part.boxes + np.array([x0, y0, x0, y0], np.float32)
                part.points = part.points + np.array([x0, y0], np.float32)
                parts.append(part)
        return joined(image, parts)

    def _photograph(self, size: tuple[int, int]) -> Sample:
        """A window that a photograph of one face fills, or nearly."""
        rng = self._rng
        photo = self._faces[int(rng.integers(len(self._faces)))]
        scale = max(size) / min(photo.size_px) * float(np.exp(rng.uniform(-0.35, 0.3)))
        matrix = similarity(scale, self._turn(), mirrored=rng.random() < 0.5)
        middle = photo.boxes[0, :2] + photo.boxes[0, 2:] / 2
        shift = (np.array(size) * rng.uniform(0.3, 0.7, 2) - matrix @ middle).astype(np.float32)
        return cut(photo, matrix, filling(photo, matrix, shift, size), size)

    def _faceless(self, size: tuple[int, int]) -> Sample:
        """A window on a picture without a face; where there is no such picture, on any other."""
        rng = self._rng
        scene = self._without[int(rng.integers(len(self._without)))]
        scale = max(size) / max(scene.size_px) * float(np.exp(rng.uniform(-0.3, 1.2)))
        matrix = similarity(scale, self._turn(), mirrored=rng.random() < 0.5)
        anchor = np.array(scene.size_px) * rng.uniform(0.15, 0.85, 2)
        shift = (np.array(size) / 2 - matrix @ anchor).astype(np.float32)
        return cut(scene, matrix, filling(scene, matrix, shift, size), size)

    def _hard_window(self, places: deque[Place], size: tuple[int, int]) -> Sample:
        """A window around a place that was judged wrongly, at about the scale at which it was."""
        rng = self._rng
        place = places[int(rng.integers(len(places)))]
        matrix = similarity(
            place.scale * float(np.exp(rng.uniform(-0.35, 0.35))), self._turn(), mirrored=rng.random() < 0.5
        )
        shift = (np.array(size) * rng.uniform(0.1, 0.9, 2) - matrix @ place.xy).astype(np.float32)
        return cut(place.scene, matrix, filling(place.scene, matrix, shift, size), size)

    def _pasted(self, sample: Sample) -> Sample:
        """Single faces, and windows on faceless pictures, laid over the sample with feathered edges."""
        parts = [sample]
        for _ in range(int(self._rng.integers(1, 5))):
            taken = np.concatenate([p.boxes for p in parts])
            part = self._paste(sample.image, taken, kind=str(self._rng.choice(PASTED, p=PASTED_CHANCES)))
            if part is not None:
                parts.append(part)
        return joined(sample.image, parts)  # without an origin

    def _paste(self, image: Bgr, taken: Floats, *, kind: str) -> Sample | None:
        """Lays one thing into ``image`` where it covers none of the faces ``taken``; None when there is no room."""
        rng, side = self._rng, self._side
        px = math.exp(rng.uniform(math.log(12.0), math.log(200.0)))
        matrix = similarity(1.0, self._turn(0.5), mirrored=rng.random() < 0.5)
        if kind == "face":
            source = self._faces[int(rng.integers(len(self._faces)))]
            matrix = matrix * (px / float(source.boxes[0, 2:].min()))
            middle = source.boxes[0, :2] + source.boxes[0, 2:] / 2
            half = 0.5 * source.boxes[0, 2:] * float(np.hypot(*matrix[:, 0])) * rng.uniform(1.1, 1.35)
        elif kind == "beside":  # hair, ears, collars, hands: what stands around a face and is none
            source = self._faces[int(rng.integers(len(self._faces)))]
            middle, half = beside(source, rng)
            zoom = px / (2.0 * float(half.min()))
            matrix, half = matrix * zoom, half * zoom
        else:
            source = self._without[int(rng.integers(len(self._without)))]
            matrix = matrix * float(np.exp(rng.uniform(-1.2, 0.3)))
            middle = np.array(source.size_px) * rng.uniform(0.25, 0.75, 2)
            half = 0.5 * px * np.array([1.0, rng.uniform(1.0, 1.4)]) * 1.2
        place = rng.uniform(0.05, 0.95, 2) * side
        low, high = np.floor(place - half * 1.3).astype(int), np.ceil(place + half * 1.3).astype(int)
        met = (taken[:, 0] < high[0]) & (taken[:, 2] > low[0]) & (taken[:, 1] < high[1]) & (taken[:, 3] > low[1])
        if met.any():
            return None
        low, high = low.clip(0, side - 1), high.clip(1, side)
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        part = cut(source, matrix, (place - low - matrix @ middle).astype(np.float32), size)
        if kind == "drawn":
            part.image = drawn_thing(part.image, place - low, half, rng)
        if kind == "beside":
            part = Sample(part.image, *(values[:0] for values in (part.boxes, part.points, part.scores, part.ignore)))
        self._blend(image[low[1] : high[1], low[0] : high[0]], part.image, place - low, half)
        part.boxes = part.boxes + np.tile(low, 2).astype(np.float32)
        part.points = part.points + low.astype(np.float32)
        return part

    def _blend(self, under: Bgr, over: Bgr, middle: Floats, half: Floats) -> None:
        """``over`` into ``under`` where a superellipse says so, its edge 4 to 30 percent of its size wide."""
        rng = self._rng
        y, x = np.mgrid[: under.shape[0], : under.shape[1]].astype(np.float32)
        power = rng.choice([2.0, 4.0, 8.0])
        r = (np.abs((x - middle[0]) / half[0]) ** power + np.abs((y - middle[1]) / half[1]) ** power) ** (1.0 / power)
        alpha = np.clip((1.0 - r) / rng.uniform(0.04, 0.3) + 0.5, 0.0, 1.0)[..., None].astype(np.float32)
        if rng.random() < 0.5:  # as light as the place it comes to
            over = np.clip(over + 0.7 * (under.mean(axis=(0, 1)) - over.mean(axis=(0, 1))), 0, 255)
        under[:] = (under + alpha * (over.astype(np.float32) - under)).astype(np.uint8)

    def _cover(self, sample: Sample) -> None:
        """Masks over mouths, glasses over eyes, on some faces."""
        rng = self._rng
        for box, points in zip(sample.boxes, sample.points, strict=True):
            if rng.random() > 0.08 or min(box[2:] - box[:2]) < 14:
                continue
            colour = tuple(int(v) for v in rng.integers(0, 256, 3))
            across = points[1] - points[0]
            if rng.random() < 0.5:
                down = (points[3] + points[4]) / 2 - (points[0] + points[1]) / 2
                outline = [points[2] - 0.8 * across, points[2] + 0.8 * across]
                outline += [points[4] + 0.3 * across + 0.35 * down, points[3] - 0.3 * across + 0.35 * down]
                cv2.fillConvexPoly(sample.image, np.array(outline, np.int32), colour, cv2.LINE_AA)
            else:
                radius = max(int(0.3 * np.hypot(*across)), 1)
                for eye in points[:2]:
                    cv2.circle(sample.image, (int(eye[0]), int(eye[1])), radius, colour, cv2.FILLED, cv2.LINE_AA)
