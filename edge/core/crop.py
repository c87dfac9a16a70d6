"""Which square of the picture the emotion network is shown.

The network was trained on FER2013, whose pictures are square crops around the face. A face in a photograph must be
cut in the same way, or the network sees eyes and mouth where it never saw them. Both rules below return the
square that puts the face where an average FER2013 picture has it. `tools/fit_crop.py` measures the constants and prints
the residuals; the square is upright (faces are not rotated).
"""

from __future__ import annotations

import math

from edge.data import Box, Face, Floats

# All by tools/fit_crop.py, 2026-11. YuNet on 1,897 FER2013 training pictures: eye midpoint at (0.497, 0.381) of the
# side, mouth midpoint at (0.499, 0.743). Residual there: side sd 0.195 and centre sd 0.065 / 0.058 of the side, which
# is how differently FER2013 was cropped; an eye weight of 0.5 has the smallest spread of 0, 0.25, 0.5, 1, 2. On 2,000
# photographs the rule is within 0.010 of the side (median) of a least-squares fit of all five mean landmarks.
_EYE_WEIGHT = 0.5
_SIDE_PER_SPAN = 1.857
_CENTRE_TOWARDS_MOUTH = 0.33
# Haar boxes (frontalface_default, 1.1 / 5 / 30 px) on the same photographs, 1,981 found: against the landmark rule
# side sd 0.071, centre sd 0.022 / 0.020 of the side.
_SIDE_PER_BOX = 1.02
_BOX_SHIFT = (0.0, 0.02)


def crop_from_landmarks(landmarks_px: Floats) -> tuple[float, float, float]:
    """Square ``(x, y, side)`` in px from landmarks ``(5, 2)`` in px (order as in ``Face.landmarks_px``).

    The span is the distance from eye midpoint to mouth midpoint plus half the distance between the eyes: a turned
    head shortens only the second, a raised or lowered one only the first.
    """
    right_eye, left_eye, _, right_mouth, left_mouth = landmarks_px
    eyes = (right_eye + left_eye) / 2.0
    mouth = (right_mouth + left_mouth) / 2.0
    span = math.dist(eyes, mouth) + _EYE_WEIGHT * math.dist(right_eye, left_eye)
    side = _SIDE_PER_SPAN * span
    centre = eyes + _CENTRE_TOWARDS_MOUTH * (mouth - eyes)
    return float(centre[0]) - side / 2.0, float(centre[1]) - side / 2.0, side


def crop_from_box(box_xywh_px: Box) -> tuple[float, float, float]:
    """Square ``(x, y, side)`` in px from a face's box, for the back end without landmarks (OpenCV's Haar cascade)."""
    x, y, width, height = box_xywh_px
    size = (width + height) / 2.0
    side = _SIDE_PER_BOX * size
    centre_x, centre_y = x + width / 2.0 + _BOX_SHIFT[0] * size, y + height / 2.0 + _BOX_SHIFT[1] * size
    return centre_x - side / 2.0, centre_y - side / 2.0, side


def crop_square(face: Face) -> tuple[float, float, float]:
    """Square ``(x, y, side)`` in px of the frame that shows ``face`` as FER2013 would; may reach beyond the frame."""
    if face.landmarks_px is not None:
        return crop_from_landmarks(face.landmarks_px)
    return crop_from_box(face.box_xywh_px)
