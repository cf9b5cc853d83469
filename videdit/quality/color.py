"""Patches of colour an edit leaves on skin: what identity and attribute judges do not mind, and people see at once."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def patches(source: Floats, edited: Floats, mask: Floats, *, blur: float) -> float:
    """95th percentile, inside the mask, of how far the smoothed colour moved: length of the (Cb, Cr) difference in levels of 255.

    source, edited RGB [h,w,3] in 0..255; mask [h,w], inside where > 0.1; blur: sigma in px of the Gaussian that takes out grain
    and detail (a tenth of the face is a good one). Under about 3 nobody notices; NaN where nothing is inside.
    """
    inside = np.asarray(mask) > 0.1
    if not inside.any():
        return float("nan")
    change = np.asarray(edited, np.float32) - np.asarray(source, np.float32)
    luma = change @ np.array([0.299, 0.587, 0.114], np.float32)
    chroma = np.stack([(change[..., 2] - luma) * 0.564, (change[..., 0] - luma) * 0.713], -1)
    smooth = cv2.GaussianBlur(chroma, (0, 0), blur)
    return float(np.percentile(np.hypot(smooth[..., 0], smooth[..., 1])[inside], 95))
