"""The own split: recall and false boxes of a float network, by the protocol of edge/measure/box_sets.py."""

from __future__ import annotations

import numpy as np
import torch
from detector_data import Scene
from detector_net import STRIDES, as_input
from torch import nn

from edge.core.decode import Level, decode
from edge.data import Face, Image
from edge.measure.box_sets import SIDE_PX, BoxPicture, Judged, best_recall, curve, judge, recall_and_false, scaled
from edge.vision.own import FILL, letterbox, middle_inside

FALSE_MAX = (0.05, 0.08, 0.2)
SCORE_MIN = 0.05


def truth_of(scene: Scene) -> BoxPicture:
    """The scene's labels in the protocol's pixels."""
    scale = SIDE_PX / max(scene.size_px)
    points = scene.points.reshape(-1, 10)
    rows = np.concatenate([scene.boxes * scale, points * scale, scene.scores[:, None]], axis=1)
    return BoxPicture(scene.path, rows.astype(np.float64))


@torch.no_grad()
def find(net: nn.Module, image: Image, size: tuple[int, int]) -> list[Face]:
    """Faces in uint8 (H, W, 3) BGR by the float network at ``size`` (width, height), in the picture's pixels."""
    boxed, scale = letterbox(image, np.full((size[1], size[0], 3), FILL, np.uint8))
    outputs = [out[0].permute(1, 2, 0).float().numpy() for out in net(as_input(torch.from_numpy(boxed[None])))]
    levels = [
        Level(stride, logits[..., 0], places)
        for stride, logits, places in zip(STRIDES, outputs[0::2], outputs[1::2], strict=True)
    ]
    found = decode(levels, score_min=SCORE_MIN)
    boxes = found.boxes_xywh / np.tile(scale, 2)
    kept = middle_inside(boxes, image)
    return [
        Face(tuple(box.tolist()), points / scale, float(score))
        for box, points, score in zip(boxes[kept], found.landmarks[kept], found.scores[kept], strict=True)
    ]


def is_portrait(scene: Scene) -> bool:
    """Whether the picture is one of FFHQ's portraits."""
    return scene.path.name.startswith("ffhq")


def summary(judged: list[Judged], *, score: float | None = None) -> dict[str, float]:
    """Recall at several rates of false boxes; at ``score``, by default that of 0.08, recall by size, landmarks' error
    and the false boxes of pictures where no face counts."""
    points = curve(judged)
    line: dict[str, float] = {"pictures": len(judged)}
    line |= {f"recall_at_{limit}": round(best_recall(points, limit)[0], 4) for limit in FALSE_MAX}
    score = best_recall(points, 0.08)[1] if score is None else score
    recall, false = recall_and_false(judged, score)
    line |= {"score": round(score, 3), "recall": round(recall, 4), "false_per_image": round(false, 4)}
    face_px, hits, errors = (
        np.concatenate([getattr(j, name) for j in judged]) for name in ("face_px", "hit_score", "point_error")
    )
    if (hits >= score).any():
        line["landmark_error"] = round(float(np.nanmean(errors[hits >= score])), 4)
    for low, high in ((32, 48), (48, 96), (96, 1000)):
        chosen = (face_px >= low) & (face_px < high)
        if chosen.any():
            line[f"recall_{low}_{high}"] = round(float((hits[chosen] >= score).mean()), 4)
    faceless = [j for j in judged if not len(j.hit_score)]
    line["faceless_pictures"] = len(faceless)
    line["faceless_false"] = int(sum((j.is_false & (j.score >= score)).sum() for j in faceless))
    return line


def measure_own(net: nn.Module, own: list[Scene], *, size: tuple[int, int]) -> dict[str, float]:
    """``summary`` over the scenes that choose."""
    net.eval()
    with torch.autocast("cpu", torch.bfloat16):
        judged = [judge(find(net, scaled(scene.levels[0]), size), truth_of(scene)) for scene in own]
    return summary(judged)
