"""Where an edit may act: the hull of the face, with soft edges that reach exactly zero. Crop pixels, corner origin."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

JAW = slice(0, 17)


def smoothstep(x: Array, low: float, high: float) -> Array:
    """0 below low, 1 above high, a smooth ramp between."""
    t = np.clip((x - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (3 - 2 * t)


def blur(x: Array, sigma: float) -> Array:
    """Gaussian blur of finite support (4 sigma), border repeated."""
    side = 2 * round(4 * sigma) + 1
    return cv2.GaussianBlur(x, (side, side), sigma, borderType=cv2.BORDER_REPLICATE)


def weighted_blur(x: Array, weight: Array, sigma: float) -> Array:
    """Gaussian mean of x [h,w,C] over the pixels that weight [h,w] covers; what lies beyond takes no part."""
    share: Array = np.maximum(blur(weight, sigma), np.float32(1e-3))
    total: Array = blur(x * weight[..., None], sigma)
    return total / share[..., None]


def face_hull(landmarks: NDArray[np.floating], size: int) -> Array:
    """float32 [size,size] in 0..1: 1 inside the face, 0 from a few pixels beyond it and at the crop's border.

    landmarks [78,2] or [68,2] px of the crop. The jaw is moved out a little, because a mouth that opens takes the chin along.
    """
    points = np.array(landmarks, np.float64)
    centre = points[27:36].mean(0)  # the nose
    points[JAW] += (points[JAW] - centre) * 0.10
    if len(points) > 68:
        points[68:] += (points[68:] - centre) * 0.04
    hull = cv2.convexHull(points.astype(np.float32).reshape(-1, 1, 2)).reshape(-1, 2)
    mask = np.zeros((size, size), np.float32)
    cv2.fillConvexPoly(mask, np.rint((hull - 0.5) * 16).astype(np.int32), (1.0,), cv2.LINE_AA, 4)
    mask = blur(mask, size * 0.025)
    mask = np.where(mask > 1e-3, mask, np.float32(0))
    return mask * _border(size)


def _border(size: int) -> Array:
    """1 inside, falling to 0 over the last 6 % at every side."""
    ramp = smoothstep(np.minimum(np.arange(size), np.arange(size)[::-1]).astype(np.float32), 0.0, size * 0.06)
    return np.minimum(ramp[:, None], ramp[None, :])
