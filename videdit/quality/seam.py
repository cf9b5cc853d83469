"""Can one see where the edit ends."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Seam:
    """level: mean |change| (0..255) within the band inside the border; gradient: mean slope of the edited picture over the source's,
    within the band on both sides (1.0 = no edge added); outside: largest |change| beyond the mask (0 is promised)."""

    level: float
    gradient: float
    outside: float


def seam(source: Floats, edited: Floats, mask: Floats, *, band: int = 8) -> Seam | None:
    """The jump at the border of a mask [h,w] (where it falls to 0) between source and edited RGB [h,w,3] in 0..255; band in px.

    None when the mask is empty or fills the picture.
    """
    inside = (np.asarray(mask) > 0).astype(np.uint8)
    if not inside.any() or inside.all():
        return None
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    beyond = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    change = np.abs(np.asarray(edited, np.float32) - np.asarray(source, np.float32)).max(-1)
    rim = (depth > 0) & (depth <= band)
    both = rim | ((beyond > 0) & (beyond <= band))
    slopes = _slope(edited)[both].mean(), _slope(source)[both].mean()
    return Seam(float(change[rim].mean()), float(slopes[0] / max(slopes[1], 1e-6)), float(change[inside == 0].max()))


def _slope(picture: Floats) -> NDArray[np.float32]:
    """Length of the luma gradient, levels per px [h,w]."""
    luma = np.asarray(picture, np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=0.125))
