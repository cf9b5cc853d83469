"""A change in crop pixels, put into a frame at the frame's own resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.composite.blend import BLENDS
from videdit.composite.mask import Array, blur
from videdit.composite.transfer import Change
from videdit.geometry import invert_affine, quad_to_crop, warp
from videdit.types import Frame, Region

COLOUR_SIGMA = 0.07  # of the crop's side: coarser differences between source and render are lighting and colour


def apply(
    frame: Frame, change: Change, quad: NDArray[np.floating], *, fade: float = 1.0, blend: str = "laplacian"
) -> tuple[Region, Array] | None:
    """Edit the frame's planes in place; returns the region touched and the mask float32 [h,w] there, or None for no change.

    quad float64 [4,2] px of the frame. fade 0..1 scales the change. Outside the mask every sample keeps its value.
    """
    if change.empty or fade <= 0:
        return None
    size = len(change.mask)
    region = _region(frame, quad)
    if region.width < 4 or region.height < 4:
        return None
    to_region = _shifted(invert_affine(quad_to_crop(quad, size)), region)
    side = (region.width, region.height)
    mask = np.clip(warp(change.mask, to_region, side, border=cv2.BORDER_CONSTANT), 0, 1)
    if not mask.any():
        return None
    source = frame.rgb(region)
    target = _target(source, change, to_region, side, size)
    delta = BLENDS[blend](source, np.clip(target, 0, 255), mask) * np.float32(fade)
    frame.add(region, np.clip(source + delta, 0, 255) - np.clip(source, 0, 255))
    return region, mask


def _region(frame: Frame, quad: NDArray[np.floating]) -> Region:
    """The box around the quad, cut to the frame and grown to whole chroma samples."""
    low = np.floor(np.maximum(quad.min(0), 0)).astype(int)
    high = np.ceil(np.minimum(quad.max(0), [frame.width, frame.height])).astype(int)
    return frame.align(Region(int(low[0]), int(low[1]), int(max(0, high[0] - low[0])), int(max(0, high[1] - low[1]))))


def _shifted(matrix: NDArray[np.floating], region: Region) -> NDArray[np.floating]:
    """The affine into the region's pixels instead of the frame's."""
    out = np.array(matrix, np.float64)
    out[:, 2] -= (region.x, region.y)
    return out


def _target(source: Array, change: Change, to_region: NDArray[np.floating], side: tuple[int, int], size: int) -> Array:
    """The face as it shall be, float32 [h,w,3]; meaningful inside the mask only."""
    if change.whole:
        return warp(change.after, to_region, side, cubic=True)
    crop = warp(source, invert_affine(to_region), (size, size))
    # the offset between source and render, coarse: it carries the render into the source's light and colour
    drift = blur(crop - change.before, size * COLOUR_SIGMA)
    fields = np.concatenate([change.residual, change.after + drift, change.replace[..., None]], axis=2)
    residual, render, replace = np.split(_to_side(fields, to_region, side), [3, 6], axis=2)
    moved = _moved(source, change.flow, to_region, side)
    return (moved + residual) * (1 - replace) + render * replace


def _to_side(fields: Array, to_region: NDArray[np.floating], side: tuple[int, int]) -> Array:
    """Crop fields [S,S,C] at the region's resolution, [h,w,C]; OpenCV warps at most four channels at once."""
    parts = [fields[..., i : i + 4] for i in range(0, fields.shape[2], 4)]
    return np.concatenate([np.atleast_3d(warp(np.ascontiguousarray(p), to_region, side, cubic=True)) for p in parts], axis=2)


def _moved(source: Array, flow: Array, to_region: NDArray[np.floating], side: tuple[int, int]) -> Array:
    """The source, moved by the flow: offsets turn and grow with the crop."""
    offsets = warp(flow, to_region, side) @ to_region[:, :2].T.astype(np.float32)
    x, y = np.meshgrid(np.arange(side[0], dtype=np.float32), np.arange(side[1], dtype=np.float32))
    return cv2.remap(source, x + offsets[..., 0], y + offsets[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
