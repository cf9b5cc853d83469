"""A change in crop pixels, put into a frame at the frame's own resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.composite.blend import BLENDS
from videdit.composite.mask import Array, snapped
from videdit.composite.region import box_of, shifted, strips
from videdit.composite.target import wanted
from videdit.composite.transfer import Change
from videdit.geometry import invert_affine, quad_to_crop, warp
from videdit.types import Frame, Region


def apply(
    frame: Frame, change: Change, quad: NDArray[np.floating], *, fade: float = 1.0, blend: str = "laplacian"
) -> tuple[Region, Array] | None:
    """Edit the frame's planes in place; returns the region touched and the mask float32 [h,w] there, or None for no change.

    quad float64 [4,2] px of the frame. fade 0..1 scales the change. Outside the mask every sample keeps its value.
    """
    if change.empty or fade <= 0:
        return None
    size = len(change.mask)
    to_frame = invert_affine(quad_to_crop(quad, size))
    region = frame.align(box_of(change.mask > 0, to_frame, (frame.width, frame.height), margin=1.0))  # grown to whole chroma samples
    if region.width < 4 or region.height < 4:
        return None
    to_region = shifted(to_frame, region)
    source = frame.rgb(region)
    crop = warp(source, invert_affine(to_region), (size, size))
    asked, mask = wanted(source, crop, change, snapped(change.mask, crop), to_region)
    if not mask.any():
        return None
    delta = BLENDS[blend](source, asked, mask)
    for rows in strips(region.width, region.height):
        _bound(delta[rows], source[rows], fade)
    frame.add(region, delta)
    return region, mask


def _bound(delta: Array, source: Array, fade: float) -> None:
    """What of a change [n,w,3] shows when it is faded and the picture cut to 0..255; what leaves that range in the source stays so.
    In place."""
    if fade != 1:
        delta *= np.float32(fade)
    delta += source
    np.clip(delta, 0, 255, out=delta)
    cv2.subtract(delta, np.clip(source, 0, 255), dst=delta)
