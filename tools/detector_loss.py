"""What the detector learns from: which cells answer for which face, and three losses.

Assignment: task-aligned (Feng et al. 2021, TOOD): of the cells near a face's middle, on strides that fit its size, the
nine that score and fit best answer for it; their target is how well they fit, at most the teacher's own score.
Losses: varifocal (Zhang et al. 2021) on the logit, GIoU (Rezatofighi et al. 2019) on the box, smooth L1 on the points
in units of the face's size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from detector_net import STRIDES
from numpy.typing import NDArray
from torch import Tensor

SIZES_PX = ((0.0, 56.0), (36.0, 150.0), (96.0, 1e9))
"""Root of a face's area, for each stride; they overlap, and the better cell wins."""
BEST = 9
ALPHA, BETA = 0.5, 4.0
FULL_SCORE = 0.9
"""A teacher's score from which on the target is not lowered."""
MISTAKEN = 0.3
"""A score from which what is no face counts as a mistake, and below which a face counts as missed."""
MISSED_PX = 14.0
"""Smaller faces may be missed."""
BOX_WEIGHT, POINT_WEIGHT, POINT_BEND = 2.0, 2.0, 0.05


@dataclass(frozen=True)
class Cells:
    """All cells of a picture: middles (N, 2) px, stride (N,), smallest and largest face (N, 2)."""

    middle: Tensor
    stride: Tensor
    sizes: Tensor


def cells_of(side: int) -> Cells:
    """The cells of a square picture, row-major, stride after stride."""
    middles, strides, sizes = [], [], []
    for stride, limits in zip(STRIDES, SIZES_PX, strict=True):
        n = side // stride
        line = (torch.arange(n) + 0.5) * stride
        y, x = torch.meshgrid(line, line, indexing="ij")
        middles.append(torch.stack([x, y], dim=-1).reshape(-1, 2))
        strides.append(torch.full((n * n,), float(stride)))
        sizes.append(torch.tensor(limits).expand(n * n, 2))
    return Cells(torch.cat(middles), torch.cat(strides), torch.cat(sizes))


def flattened(outputs: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Logits (B, N) and geometry (B, N, 14) of all strides."""
    logits = [out.flatten(1) for out in outputs[0::2]]
    places = [out.permute(0, 2, 3, 1).flatten(1, 2) for out in outputs[1::2]]
    return torch.cat(logits, dim=1).float(), torch.cat(places, dim=1).float()


def boxes_of(places: Tensor, cells: Cells) -> Tensor:
    """Boxes (B, N, 4) xyxy px."""
    distances = places[..., :4] * cells.stride[:, None]
    return torch.cat([cells.middle - distances[..., :2], cells.middle + distances[..., 2:]], dim=-1)


def iou_giou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and GIoU of boxes (..., 4) xyxy, broadcast; degenerate boxes have no area."""
    inner = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0)
    outer = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    both, hull = inner.prod(-1), outer.prod(-1).clamp(min=1e-3)
    areas = [(box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1) for box in (a, b)]
    union = (areas[0] + areas[1] - both).clamp(min=1e-3)
    return both / union, both / union - (hull - union) / hull


def gathered(rows: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Faces (K, 16) of all pictures and the number of the picture of each (K,)."""
    return torch.cat(rows), torch.cat([torch.full((len(r),), n) for n, r in enumerate(rows)])


@torch.no_grad()
def assign(
    logits: Tensor, boxes: Tensor, faces: Tensor, picture: Tensor, cells: Cells
) -> tuple[Tensor, Tensor, Tensor]:
    """Target (B, N), index of the face (B, N) for cells with a target above 0, and cells that count (B, N)."""
    target, index = torch.zeros_like(logits), torch.zeros(logits.shape, dtype=torch.long)
    counts, best = torch.ones_like(logits), torch.zeros_like(logits)
    ignored = faces[:, 15] > 0.5
    for n in torch.nonzero(ignored)[:, 0].tolist():
        inside = ((cells.middle > faces[n, :2]) & (cells.middle < faces[n, 2:4])).all(-1)
        counts[int(picture[n])].masked_fill_(inside, 0.0)
    for n in torch.nonzero(~ignored)[:, 0].tolist():
        k, truth = int(picture[n]), faces[n, :4]
        middle, half = (truth[:2] + truth[2:]) / 2, (truth[2:] - truth[:2]) / 2
        size = float((4 * half.prod()).sqrt())
        away = (cells.middle - middle).abs()
        reach = torch.maximum(half * 0.6, cells.stride[:, None] * 1.01)
        near = (away < reach).all(-1) & (size >= cells.sizes[:, 0]) & (size < cells.sizes[:, 1])
        (at,) = torch.nonzero(near, as_tuple=True)
        if not len(at):
            continue
        iou = iou_giou(boxes[k, at], truth)[0]
        fit = logits[k, at].sigmoid() ** ALPHA * (iou + 1e-3) ** BETA
        fit, chosen = fit.topk(min(BEST, len(at)))
        at, iou = at[chosen], iou[chosen]
        wanted = fit / fit.max().clamp(min=1e-12) * iou.max() * min(float(faces[n, 14]) / FULL_SCORE, 1.0)
        better = iou + 1e-6 > best[k, at]  # one face for each cell: the one that it fits best
        at = at[better]
        target[k, at], index[k, at], best[k, at] = wanted[better], n, iou[better] + 1e-6
    return target, index, torch.where(target > 0, torch.ones(()), counts)


@torch.no_grad()
def mistaken(
    outputs: list[Tensor], faces: Tensor, picture: Tensor, cells: Cells
) -> list[tuple[int, NDArray[np.float32]]]:
    """Number of each picture whose surest cell away from every face is sure, and that cell's middle (2,) px."""
    sure = flattened(outputs)[0].sigmoid()
    for n in range(len(faces)):
        low, high = faces[n, :2], faces[n, 2:4]
        margin = 0.25 * (high - low)
        near = ((cells.middle > low - margin) & (cells.middle < high + margin)).all(-1)
        sure[int(picture[n])].masked_fill_(near, 0.0)
    best, cell = sure.max(dim=1)
    return [(n, cells.middle[cell[n]].numpy()) for n in torch.nonzero(best > MISTAKEN)[:, 0].tolist()]


@torch.no_grad()
def missed(
    outputs: list[Tensor], faces: Tensor, picture: Tensor, cells: Cells
) -> list[tuple[int, NDArray[np.float32]]]:
    """Number of the picture and middle (2,) px of each face, not ignored, in which no cell is sure."""
    sure = flattened(outputs)[0].sigmoid()
    found = []
    for n in range(len(faces)):
        low, high = faces[n, :2], faces[n, 2:4]
        if faces[n, 15] > 0.5 or float((high - low).min()) < MISSED_PX:
            continue
        inside = ((cells.middle > low) & (cells.middle < high)).all(-1)
        if float(sure[int(picture[n])][inside].max()) < MISTAKEN:
            found.append((int(picture[n]), ((low + high) / 2).numpy()))
    return found


def losses(
    outputs: list[Tensor], faces: Tensor, picture: Tensor, cells: Cells
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sums over the batch for logit, box and points, and what to divide them by (the sum of targets)."""
    logits, places = flattened(outputs)
    boxes = boxes_of(places, cells)
    target, face, counts = assign(logits.detach(), boxes.detach(), faces, picture, cells)
    weight = torch.where(target > 0, target, 0.75 * logits.detach().sigmoid() ** 2)
    sure = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    sure = (sure * weight * counts).sum()
    row, cell = torch.nonzero(target > 0, as_tuple=True)
    mine, share = faces[face[row, cell]], target[row, cell]
    box = ((1 - iou_giou(boxes[row, cell], mine[:, :4])[1]) * share).sum()
    size = (mine[:, 2:4] - mine[:, :2]).prod(-1).sqrt()[:, None, None]
    points = places[row, cell, 4:].reshape(-1, 5, 2) * cells.stride[cell][:, None, None]
    off = (points + cells.middle[cell][:, None] - mine[:, 4:14].reshape(-1, 5, 2)) / size
    point = F.smooth_l1_loss(off, torch.zeros_like(off), reduction="none", beta=POINT_BEND).sum((1, 2))
    return sure, box, (point * share).sum(), target.sum()
