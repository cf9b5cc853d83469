"""Ways to merge a target into a source under a soft mask. All take float32 pictures [h,w,3]: the source in 0..255 and what the target
differs from it by, and a mask [h,w] 0..1.

All return the change to add to the source; it is zero wherever the mask is.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from videdit.composite.mask import Array


def alpha(source: Array, change: Array, mask: Array) -> Array:
    """Straight mixing."""
    return _times(change, mask)


def laplacian(source: Array, change: Array, mask: Array, *, levels: int = 5) -> Array:
    """Multi-band blending (Burt and Adelson 1983): coarse differences fade over a wide border, fine ones over a narrow one.

    Blending is linear, so one pyramid of the difference does for both pictures. The mask's support still bounds the result.
    """
    bands, weights = [change], [mask]
    while len(bands) < levels and min(bands[-1].shape[:2]) >= 8:
        bands.append(cv2.pyrDown(bands[-1]))
        weights.append(cv2.pyrDown(weights[-1]))
    out = _times(bands[-1], weights[-1])
    for band, low, weight in zip(bands[-2::-1], bands[:0:-1], weights[-2::-1], strict=True):
        fine = cv2.subtract(band, cv2.pyrUp(low, dstsize=band.shape[1::-1]))
        out = cv2.add(cv2.pyrUp(out, dstsize=band.shape[1::-1]), _times(fine, weight, into=fine), dst=fine)
    # the wide low bands must not leak out of the mask
    return _times(out, np.minimum(mask * 4, 1), into=out)


def _times(picture: Array, share: Array, into: Array | None = None) -> Array:
    """picture [h,w,3] times share [h,w]; broadcasting takes four times as long."""
    return cv2.multiply(picture, cv2.merge([share, share, share]), dst=into)


def poisson(source: Array, change: Array, mask: Array) -> Array:
    """Gradient-domain cloning (Perez et al. 2003) by OpenCV; 8 bit, and it flickers in video. Kept inside the mask."""
    inside = (mask > 0.05).astype(np.uint8) * 255
    inside[[0, -1]] = 0
    inside[:, [0, -1]] = 0
    ys, xs = np.nonzero(inside)
    if not len(ys):
        return np.zeros_like(source)
    centre = (int(xs.min() + xs.max()) // 2, int(ys.min() + ys.max()) // 2)
    pictures = [np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in (source + change, source)]
    mixed = cv2.seamlessClone(pictures[0], pictures[1], inside, centre, cv2.NORMAL_CLONE)
    return (mixed.astype(np.float32) - pictures[1]) * np.minimum(mask * 4, 1)[..., None]


BLENDS: dict[str, Callable[[Array, Array, Array], Array]] = {"laplacian": laplacian, "alpha": alpha, "poisson": poisson}
