"""Moodcast's own face detector: an int8 network with its card; boxes, five landmarks, scores. One thread.

The network and its training are described in docs/training-detector.md, its figures in models/face.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.core.decode import GEOMETRY, Level, decode
from edge.data import Face, Floats, Image
from edge.errors import ModelError
from edge.paths import model_path
from edge.vision.finders import FinderSettings, check_image
from edge.vision.model import CardFields, check_hash, check_tensor, read_card_file
from edge.vision.runtime import HeadsNetwork, TensorInfo, load_heads

NAME, TASK = "face", "face-detection"
FILL = 128
"""Level beside the picture where it does not have the network's shape; in training too."""
_MOST_ENLARGED = 2.0
"""Enlarging a tiny picture further shows nothing new."""
_FLIP_SIGN = 0x80
"""A byte less 128 as int8 is the byte with this bit flipped."""


@dataclass(frozen=True)
class DetectorCard:
    """What the card says and the service uses. ``outputs``: a logit and a geometry tensor for each of ``strides``."""

    sha256: str
    input: TensorInfo
    outputs: tuple[TensorInfo, ...]
    strides: tuple[int, ...]
    logit_shift: float
    """The score is the logistic function of the logit less this."""


def make(settings: FinderSettings) -> OwnFinder:
    return OwnFinder(model_path(NAME), min_face_px=settings.min_face_px, score_min=settings.score_min)


def read_detector_card(path: Path) -> DetectorCard:
    """Read and check the card at ``path``. Raises ModelError."""
    fields = CardFields(path, read_card_file(path))
    task = fields.get("task", str, TASK)
    if task != TASK:
        raise fields.error("task", TASK, task)
    source = fields.tensor("input")
    if len(source.shape) != 4 or source.shape[0] != 1 or source.shape[3] != 3 or source.dtype != "int8":
        raise fields.error("input", "int8 [1, height, width, 3], one BGR picture", f"{source.dtype} {source.shape}")
    names = list(fields.get("outputs", dict, "a mapping of tensors"))
    outputs = tuple(fields.tensor(f"outputs.{name}") for name in names)
    strides = tuple(int(fields.number(f"outputs.{name}.stride", above_0=True)) for name in names)
    for name, sink, stride in zip(names, outputs, strides, strict=True):
        height, width = source.shape[1] // stride, source.shape[2] // stride
        if sink.shape not in ((1, height, width, 1), (1, height, width, GEOMETRY)):
            wanted = f"[1, {height}, {width}, 1] or [1, {height}, {width}, {GEOMETRY}] at stride {stride}"
            raise fields.error(f"outputs.{name}.shape", wanted, list(sink.shape))
    for stride in strides:
        pair = sorted(sink.shape[3] for sink, its in zip(outputs, strides, strict=True) if its == stride)
        if pair != [1, GEOMETRY]:
            raise fields.error(
                "outputs", f"one logit and one geometry tensor at stride {stride}", f"{len(pair)} tensors"
            )
    return DetectorCard(
        sha256=fields.get("sha256", str, "64 hexadecimal digits"),
        input=source,
        outputs=outputs,
        strides=strides,
        logit_shift=fields.number("score.logit_shift"),
    )


def letterbox(image: Image, canvas: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Floats]:
    """``image`` scaled into the upper left of ``canvas`` uint8 (H, W, 3), which is changed and returned.

    With it the scale (2,) of x and y. What lies beside the picture is left as it is: the caller fills it with FILL.
    """
    height, width = image.shape[:2]
    scale = min(canvas.shape[0] / height, canvas.shape[1] / width, _MOST_ENLARGED)
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    cv2.resize(image, (columns, rows), dst=canvas[:rows, :columns], interpolation=how)
    return canvas, np.array([columns / width, rows / height])


def middle_inside(boxes_xywh: Floats, image: Image) -> NDArray[np.bool_]:
    """Which boxes (N, 4) have their middle in ``image``: what lies beside it in the letterbox holds no face."""
    middle = boxes_xywh[:, :2] + boxes_xywh[:, 2:] / 2
    return np.asarray(((middle >= 0) & (middle <= (image.shape[1], image.shape[0]))).all(axis=1), np.bool_)


def _fill(image: Image, values: NDArray[np.int8]) -> Floats:
    """Puts ``image`` into the network's input, int8 (1, H, W, 3), in place; returns the scale as ``letterbox``."""
    canvas = values[0].view(np.uint8)
    height, width = image.shape[:2]
    of_its_shape = canvas.shape[0] * width == canvas.shape[1] * height
    if not of_its_shape or canvas.shape[0] > _MOST_ENLARGED * height:
        canvas[:] = FILL  # beside the picture the runtime may have put other things since
    _, shrink = letterbox(image, canvas)
    np.bitwise_xor(canvas, _FLIP_SIGN, out=canvas)
    return shrink


class OwnFinder:
    """Finds faces of at least ``min_face_px`` on the shorter side with a score of at least ``score_min``."""

    def __init__(self, path: Path, *, min_face_px: int, score_min: float) -> None:
        """Load ``path`` (``NAME.tflite``) and the card beside it. Raises ModelError when they do not fit."""
        self.card = read_detector_card(path.with_suffix(".yaml"))
        check_hash(path, self.card.sha256)
        self._network: HeadsNetwork = load_heads(path)
        _check_tensors(path, self._network, self.card)
        self._pairs = _pairs(self.card)
        self._min_face_px, self._score_min = min_face_px, score_min

    def find(self, image: Image, *, scale: float = 1.0) -> list[Face]:
        check_image(image)
        if min(image.shape[:2]) * scale < self._min_face_px:
            return []
        shrink = self._network.write(lambda values: _fill(image, values))
        found = decode(self._levels(), score_min=self._score_min, logit_shift=self.card.logit_shift)
        if not len(found.scores):
            return []
        boxes = found.boxes_xywh / np.tile(shrink, 2)
        kept = boxes[:, 2:].min(axis=1) * scale >= self._min_face_px
        kept &= middle_inside(boxes, image)
        return [
            Face(box_xywh_px=(x, y, width, height), landmarks_px=points, score=score)
            for (x, y, width, height), points, score in zip(
                (boxes[kept] * scale).tolist(),
                found.landmarks[kept] * (scale / shrink),
                found.scores[kept].tolist(),
                strict=True,
            )
        ]

    def _levels(self) -> list[Level]:
        outputs = self._network.run()
        infos = self.card.outputs
        return [
            Level(
                stride=stride,
                logits=outputs[logit][0, :, :, 0],
                geometry=outputs[place][0],
                logit_scale=infos[logit].scale,
                logit_zero=infos[logit].zero_point,
                geometry_scale=infos[place].scale,
                geometry_zero=infos[place].zero_point,
            )
            for stride, logit, place in self._pairs
        ]


def _pairs(card: DetectorCard) -> list[tuple[int, int, int]]:
    """Stride, number of its logit tensor, number of its geometry tensor."""
    found = []
    for stride in sorted(set(card.strides)):
        mine = [n for n, its in enumerate(card.strides) if its == stride]
        logit, place = sorted(mine, key=lambda n: card.outputs[n].shape[3])
        found.append((stride, logit, place))
    return found


def _check_tensors(path: Path, network: HeadsNetwork, card: DetectorCard) -> None:
    check_tensor(path, "input", network.input, card.input)
    if len(network.outputs) != len(card.outputs):
        raise ModelError(
            f"{path}: expected {len(card.outputs)} outputs (by {path.stem}.yaml), found {len(network.outputs)}; "
            "take the card and the network of one release"
        )
    for n, (found, wanted) in enumerate(zip(network.outputs, card.outputs, strict=True)):
        check_tensor(path, f"output {n}", found, wanted)
