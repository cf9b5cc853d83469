"""Where an edit may act: the hull of the face, with soft edges that reach exactly zero. Crop pixels, corner origin."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

JAW = slice(0, 17)
OWN = ((slice(36, 42), 1.5), (slice(42, 48), 1.5), (slice(60, 68), 1.1))  # eyes and mouth: points, and how far beyond them
WORN = (0, 1, 15, 16, *range(17, 31), *range(36, 48))  # landmarks about which glasses lie
OUTWARDS = 0.14 * np.sin(np.linspace(0, np.pi, 17)) - 0.04  # of the way from the nose, from temple to temple
SNAP = 0.06  # of the crop's side: how far off the landmarks may be from the edge of the face
LEVELS = (0.65, 0.95)  # shares of face at which the mask begins, and is whole
UPPER = (0.55, 0.75)  # rows of the crop between which snapping ends: a chin moves over what is behind it


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

    landmarks [78,2] or [68,2] px of the crop. The chin is moved out a little, because a mouth that opens takes it along.
    """
    points = np.array(landmarks, np.float64)
    centre = points[27:36].mean(0)  # the nose
    points[JAW] += (points[JAW] - centre) * OUTWARDS[:, None]
    if len(points) > 68:
        points[68:] += (points[68:] - centre) * 0.04
    hull = cv2.convexHull(points.astype(np.float32).reshape(-1, 1, 2)).reshape(-1, 2)
    mask = np.zeros((size, size), np.float32)
    cv2.fillConvexPoly(mask, np.rint((hull - 0.5) * 16).astype(np.int32), (1.0,), cv2.LINE_AA, 4)
    mask = blur(mask, size * 0.025)
    mask = np.where(mask > 1e-3, mask, np.float32(0))
    return mask * _border(size)


def own_parts(landmarks: NDArray[np.floating], size: int) -> Array:
    """float32 [size,size] in 0..1: 1 on the eyes with their lashes and between the lips. landmarks [78,2] px of the crop."""
    mask = np.zeros((size, size), np.float32)
    for part, grown in OWN:
        points = np.array(landmarks[part], np.float64)
        points = points.mean(0) + grown * (points - points.mean(0))
        cv2.fillPoly(mask, [np.rint((points - 0.5) * 16).astype(np.int32)], (1.0,), cv2.LINE_AA, 4)
    return blur(mask, size * 0.012)


def about_eyes(landmarks: NDArray[np.floating], size: int) -> Array:
    """float32 [size,size] in 0..1: 1 where glasses are worn: from temple to temple, brows to the tip of the nose. landmarks as above."""
    hull = cv2.convexHull(np.asarray(landmarks, np.float32)[list(WORN)].reshape(-1, 1, 2))
    mask = np.zeros((size, size), np.float32)
    cv2.fillConvexPoly(mask, np.rint((hull - 0.5) * 16).astype(np.int32), (1.0,), cv2.LINE_AA, 4)
    return blur(mask, size * 0.02)


def snapped(mask: Array, crop: Array) -> Array:
    """The mask [S,S] drawn back to edges of the picture `crop` [S,S,3] (0..255), beside and above the eyes.

    Landmarks at the side of a turned face lie some pixels beside it, and what is put on (glasses) must not lie over the wall. A guided
    filter (He, Sun and Tang 2013, eq. 19 to 21) at a quarter of the size (He and Sun 2015); the mask never grows.
    """
    side = len(mask) // 4
    guide, p = (cv2.resize(x, (side, side), interpolation=cv2.INTER_AREA) for x in (crop / np.float32(255), mask))
    reach = (2 * round(SNAP * side) + 1,) * 2
    mean, share = cv2.blur(guide, reach), cv2.blur(p, reach)
    covariance = cv2.blur(guide * p[..., None], reach) - mean * share[..., None]
    spread = cv2.blur(_products(guide), reach) - _products(mean)
    matrix = spread[..., [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(side, side, 3, 3) + 0.003 * np.eye(3, dtype=np.float32)
    slope = np.linalg.solve(matrix, covariance[..., None])[..., 0]
    start = share - (slope * mean).sum(-1)
    slope, start = (cv2.resize(cv2.blur(x, reach), mask.shape[::-1]) for x in (slope, start))
    found = smoothstep((slope * crop / np.float32(255)).sum(-1) + start, *LEVELS)
    lower = smoothstep(np.linspace(0, 1, len(mask), dtype=np.float32), *UPPER)[:, None]
    out: Array = np.minimum(mask, found + lower)
    return out


def _products(x: Array) -> Array:
    """The products of channels [h,w,3] -> [h,w,6]: rr, rg, rb, gg, gb, bb."""
    return x[..., [0, 0, 0, 1, 1, 2]] * x[..., [0, 1, 2, 1, 2, 2]]


def _border(size: int) -> Array:
    """1 inside, falling to 0 over the last 6 % at every side."""
    ramp = smoothstep(np.minimum(np.arange(size), np.arange(size)[::-1]).astype(np.float32), 0.0, size * 0.06)
    return np.minimum(ramp[:, None], ramp[None, :])
