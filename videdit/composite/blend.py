"""Ways to merge a target into a source under a soft mask. All take float32 pictures [h,w,3] 0..255 and mask [h,w] 0..1.

All return the change to add to the source; it is zero wherever the mask is.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from videdit.composite.mask import Array


def alpha(source: Array, target: Array, mask: Array) -> Array:
    """Straight mixing."""
    return (target - source) * mask[..., None]


def laplacian(source: Array, target: Array, mask: Array, *, levels: int = 5) -> Array:
    """Multi-band blending (Burt and Adelson 1983): coarse differences fade over a wide border, fine ones over a narrow one.

    Blending is linear, so one pyramid of the difference does for both pictures. The mask's support still bounds the result.
    """
    band, weight = target - source, mask
    bands, weights = [], []
    for _ in range(levels - 1):
        if min(band.shape[:2]) < 8:
            break
        low = cv2.pyrDown(band)
        bands.append(band - cv2.pyrUp(low, dstsize=band.shape[1::-1]))
        weights.append(weight)
        band, weight = low, cv2.pyrDown(weight)
    out = band * weight[..., None]
    for fine, fine_weight in zip(reversed(bands), reversed(weights), strict=True):
        out = cv2.pyrUp(out, dstsize=fine.shape[1::-1]) + fine * fine_weight[..., None]
    # the wide low bands must not leak out of the mask
    return out * np.minimum(mask * 4, 1)[..., None]


def poisson(source: Array, target: Array, mask: Array) -> Array:
    """Gradient-domain cloning (Perez et al. 2003) by OpenCV; 8 bit, and it flickers in video. Kept inside the mask."""
    inside = (mask > 0.05).astype(np.uint8) * 255
    inside[[0, -1]] = 0
    inside[:, [0, -1]] = 0
    ys, xs = np.nonzero(inside)
    if not len(ys):
        return np.zeros_like(source)
    centre = (int(xs.min() + xs.max()) // 2, int(ys.min() + ys.max()) // 2)
    pictures = [np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in (target, source)]
    mixed = cv2.seamlessClone(pictures[0], pictures[1], inside, centre, cv2.NORMAL_CLONE)
    return (mixed.astype(np.float32) - pictures[1]) * np.minimum(mask * 4, 1)[..., None]


BLENDS: dict[str, Callable[[Array, Array, Array], Array]] = {"laplacian": laplacian, "alpha": alpha, "poisson": poisson}
