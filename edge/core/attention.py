"""Where a face points, from its five landmarks, and whether that is this way.

A weak-perspective camera (D. DeMenthon and L. Davis, "Model-based object pose in 25 lines of code", IJCV 1995): the
mean face is turned, scaled and moved until its five points lie on those found. Errors: ``docs/tracking.md``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edge.data import Floats

# x to the right of the picture, y down, z towards the camera, in distances between the eyes, centred. Fitted to YuNet's
# landmarks on the photographs of `faces` and their mirror images (rigid factorisation as of C. Tomasi and T. Kanade,
# IJCV 1992; tools/fit_mean_face.py, 2026-11; residual 0.017 rms): the nose stands 0.46 before the eyes, 29 mm at the
# usual 63 mm between the eyes.
MEAN_FACE = np.array(
    [
        [-0.500, -0.509, -0.054],
        [0.500, -0.509, -0.054],
        [0.000, 0.031, 0.407],
        [-0.410, 0.493, -0.149],
        [0.410, 0.493, -0.149],
    ]
)
_CENTRED = MEAN_FACE - MEAN_FACE.mean(axis=0)
_INVERSE: Floats = np.linalg.pinv(_CENTRED).T  # (5, 3): landmarks (5, 2).T @ it is the camera's matrix (2, 3)
_STEEPNESS = 6.0
"""Attention is 0.998 straight ahead, 0.5 at the limit, 0.05 at one and a half times it. The slope at a limit of 25
degrees is about 1 in 17 degrees: an error of the pose of 5 degrees moves attention by 0.3 there and by 0.02 ahead."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a face points, in degrees; both 0 towards the camera, each within 90."""

    yaw_deg: float
    """Positive: the face points to the right of the picture (the person's left)."""
    pitch_deg: float
    """Positive: it points down."""


@dataclass(frozen=True, slots=True)
class AttentionSettings:
    """Angles, in degrees, at which attention has fallen to one half. The camera stands at the screen."""

    yaw_deg: float = 25.0
    """Of 8,387 photographs, whose people mostly look near the camera, 90 % lie within 25 degrees of yaw and 98.6 %
    within 15 of pitch (tools/evaluate_pose.py, 2026-11). A head turned further leaves the screen to the corner of
    the eye."""
    pitch_deg: float = 20.0
    """Those 15 and room for a camera mounted above or below the screen."""


def head_pose(landmarks_px: Floats) -> Pose | None:
    """Pose of landmarks ``(5, 2)`` in px (order as in ``Face.landmarks_px``); None when they are no face's: all on one
    spot or line, mirrored, or not finite. The size of the face and the tilt of the head do not matter.
    """
    matrix = landmarks_px.T @ _INVERSE
    (a, b, c), (d, e, f) = matrix.tolist()
    first, second, dot = a * a + b * b + c * c, d * d + e * e + f * f, a * d + b * e + c * f
    area = math.sqrt(max(first * second - dot * dot, 0.0))
    if not (math.isfinite(area) and area > 1e-9 * (first + second) and first + second > 1e-12):
        return None
    # The two rows of the nearest scaled rotation (polar decomposition: the inverse root of the 2 x 2 matrix of dot
    # products, in closed form). Their third entries, and that of the normal of both, are where the nose points.
    root = area * math.sqrt(first + second + 2.0 * area)
    right = ((second + area) * c - dot * f) / root
    down = ((first + area) * f - dot * c) / root
    ahead = (a * e - b * d) / area
    if ahead <= 0:
        return None
    return Pose(math.degrees(math.atan2(right, ahead)), math.degrees(math.asin(min(max(down, -1.0), 1.0))))


def attention(landmarks_px: Floats | None, settings: AttentionSettings) -> float | None:
    """How much the face points this way, 0-1: a smooth function of its pose. None without landmarks of a face."""
    pose = None if landmarks_px is None else head_pose(landmarks_px)
    if pose is None:
        return None
    far = math.hypot(pose.yaw_deg / settings.yaw_deg, pose.pitch_deg / settings.pitch_deg)
    return 1.0 / (1.0 + math.exp(min(_STEEPNESS * (far - 1.0), 50.0)))
