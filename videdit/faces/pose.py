"""How a face stands to the camera: which way it is turned, how large and how sharp it is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.geometry import Floats

# How far the tip of the nose stands out before the outer eye corners, in halves of their distance, on an average head.
NOSE = 0.97
AGAIN = 1 / 64  # of the crop's side: how far `blur` blurs to see how much was left to lose
EDGES = 8.0  # percent of the side; what seems blurred more has no edge to judge by (no landmark network finds a face in it)
INSIDE = 0.2  # of the crop's side, left out all around: what is behind the face has a blur of its own


def yaw(points: Floats) -> Floats:
    """Degrees [...] 0..180 a head is turned to either side, from landmarks [...,78,2] px: 0 faces the camera, 90 is a profile.

    Where the tip of the nose lies between the outer eye corners, along the line through the eyes as the whole face stands.
    """
    points = np.asarray(points, np.float64)
    left, right = points[..., 36:42, :].mean(-2), points[..., 42:48, :].mean(-2)
    across, down = right - left, points[..., [48, 54], :].mean(-2) - (left + right) / 2
    axis = _unit(across) + _unit(np.stack([down[..., 1], -down[..., 0]], -1))
    along = (points[..., [36, 45, 30], :] * _unit(axis)[..., None, :]).sum(-1)
    offset = np.abs(along[..., 2] - along[..., :2].mean(-1)) / NOSE
    half = (along[..., 1] - along[..., 0]) / 2
    return np.degrees(np.arctan2(offset, half))


def face_px(points: Floats) -> Floats:
    """Side in px [...] of the square as large as the box around landmarks [...,78,2] px."""
    return np.sqrt(np.prod(np.ptp(points, axis=-2), axis=-1))


def blur(crop: NDArray[np.floating]) -> float:
    """How blurred a crop [S,S,3] RGB is, as the standard deviation of a Gaussian, in percent of its side.

    Along the axis that is blurred more, so that motion shows. An edge blurred by s keeps s / sqrt(s^2 + a^2) of its gradient's energy when
    it is blurred by another a, so s follows from the ratio of energies. 0 where there is no edge at all to judge by.
    """
    size = len(crop)
    grey = cv2.cvtColor(np.ascontiguousarray(crop, np.float32), cv2.COLOR_RGB2GRAY)
    again = cv2.GaussianBlur(grey, (0, 0), AGAIN * size)
    low, high = int(INSIDE * size), size - int(INSIDE * size)
    found = []
    for axis in (0, 1):
        before, after = (float(np.square(np.diff(p, axis=axis)[low:high, low:high]).sum()) for p in (grey, again))
        ratio = min(after / before, 0.999) if before > 0 else 0.999
        found.append(100 * AGAIN * ratio / np.sqrt(1 - ratio**2))
    return max(found) if max(found) <= EDGES else 0.0


def _unit(vector: Floats) -> Floats:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9)
