"""The own split: recall and false boxes of a float network, by the protocol of edge/measure/box_sets.py."""

from __future__ import annotations

import numpy as np
import torch
from detector_data import Scene
from detector_net import STRIDES, as_input
from torch import nn

from edge.core.decode import Level, decode
from edge.data import Face, Image
from edge.measure.box_sets import SIDE_PX, BoxPicture, Judged, best_recall, curve, judge, scaled
from edge.vision.own import FILL, letterbox

FALSE_MAX = (0.05, 0.08, 0.2)
SCORE_MIN = 0.05


def truth_of(scene: Scene) -> BoxPicture:
    """The scene's labels in the protocol's pixels."""
    scale = SIDE_PX / max(scene.size_px)
    points = scene.points.reshape(-1, 10)
    rows = np.concatenate([scene.boxes * scale, points * scale, scene.scores[:, None]], axis=1)
    return BoxPicture(scene.path, rows.astype(np.float64))


@torch.no_grad()
def find(net: nn.Module, image: Image, side: int) -> list[Face]:
    """Faces in uint8 (H, W, 3) BGR by the float network, in its pixels."""
    boxed, scale = letterbox(image, np.full((side, side, 3), FILL, np.uint8))
    outputs = [out[0].permute(1, 2, 0).float().numpy() for out in net(as_input(torch.from_numpy(boxed[None])))]
    levels = [
        Level(stride, logits[..., 0], places)
        for stride, logits, places in zip(STRIDES, outputs[0::2], outputs[1::2], strict=True)
    ]
    found = decode(levels, score_min=SCORE_MIN)
    return [
        Face(tuple((box / np.tile(scale, 2)).tolist()), points / scale, float(score))
        for box, points, score in zip(found.boxes_xywh, found.landmarks, found.scores, strict=True)
    ]


def summary(judged: list[Judged]) -> dict[str, float]:
    """Recall at several rates of false boxes, the score for 0.08, and the landmarks' error."""
    points = curve(judged)
    line = {f"own_recall_at_{limit}": round(best_recall(points, limit)[0], 4) for limit in FALSE_MAX}
    errors = np.concatenate([j.point_error for j in judged])
    score = best_recall(points, 0.08)[1]
    line |= {"own_score_at_0.08": round(score, 3), "own_point_error": round(float(np.nanmean(errors)), 4)}
    face_px, hits = (np.concatenate([getattr(j, name) for j in judged]) for name in ("face_px", "hit_score"))
    for low, high in ((32, 48), (48, 96), (96, 1000)):
        chosen = (face_px >= low) & (face_px < high)
        line[f"own_recall_{low}_{high}"] = round(float((hits[chosen] >= score).mean()), 4)
    return line


def measure_own(net: nn.Module, own: list[Scene], *, side: int) -> dict[str, float]:
    """``summary`` over the scenes that choose."""
    net.eval()
    with torch.autocast("cpu", torch.bfloat16):
        judged = [judge(find(net, scaled(scene.levels[0]), side), truth_of(scene)) for scene in own]
    return summary(judged)
