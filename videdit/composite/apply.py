"""A change in crop pixels, put into a frame at the frame's own resolution."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.composite.blend import BLENDS
from videdit.composite.mask import Array, blur, snapped, weighted_blur
from videdit.composite.transfer import Change
from videdit.geometry import invert_affine, quad_to_crop, transform_points, warp
from videdit.types import Frame, Region

SHARPEN = 0.2  # share of a render's own detail added to it
GRAIN = 2.0  # levels; what is stronger in the source is an edge of something the edit may have removed
COVER = 2.0  # crop px over which lips that meet are drawn over what lay between them
COLOUR = 0.025  # of the crop's side, to which a render's colour is smoothed
SEAM = 0.25  # how much darker the line is where they meet
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
    region = _region(frame, change.mask, invert_affine(quad_to_crop(quad, size)))
    if region.width < 4 or region.height < 4:
        return None
    to_region = _shifted(invert_affine(quad_to_crop(quad, size)), region)
    side = (region.width, region.height)
    source = frame.rgb(region)
    crop = warp(source, invert_affine(to_region), (size, size))
    layers = np.dstack([change.residual, snapped(change.mask, crop)])
    residual, mask = np.split(warp(layers, to_region, side, border=cv2.BORDER_CONSTANT), [3], axis=2)
    mask = np.clip(mask[..., 0], 0, 1)
    if not mask.any():
        return None
    target = _target(source, crop, residual, change, to_region)
    delta = BLENDS[blend](source, np.clip(target, 0, 255), mask) * np.float32(fade)
    frame.add(region, np.clip(source + delta, 0, 255) - np.clip(source, 0, 255))
    return region, mask


def _region(frame: Frame, mask: Array, to_frame: NDArray[np.floating]) -> Region:
    """The box around what the mask covers, cut to the frame and grown to whole chroma samples."""
    return frame.align(_box(mask > 0, to_frame, (frame.width, frame.height), margin=1.0))


def _box(where: NDArray[np.bool_], matrix: NDArray[np.floating], side: tuple[int, int], *, margin: float) -> Region:
    """The box around crop pixels [S,S], grown by `margin` crop px, seen through an affine and cut to a picture of (width, height)."""
    x, y, width, height = cv2.boundingRect(where.astype(np.uint8))
    if not width:
        return Region(0, 0, 0, 0)
    left, top, right, bottom = x - margin, y - margin, x + width + margin, y + height + margin
    found = transform_points(np.array([[left, top], [right, top], [left, bottom], [right, bottom]]), matrix)
    low = np.floor(np.maximum(found.min(0), 0)).astype(int)
    high = np.ceil(np.minimum(found.max(0), side)).astype(int)
    return Region(int(low[0]), int(low[1]), int(max(0, high[0] - low[0])), int(max(0, high[1] - low[1])))


def _shifted(matrix: NDArray[np.floating], region: Region) -> NDArray[np.floating]:
    """The affine into the region's pixels instead of the frame's."""
    out = np.array(matrix, np.float64)
    out[:, 2] -= (region.x, region.y)
    return out


def _target(source: Array, crop: Array, residual: Array, change: Change, to_region: NDArray[np.floating]) -> Array:
    """The face as it shall be, float32 [h,w,3]; meaningful inside the mask only.

    crop [S,S,3]: the source in crop pixels; residual [h,w,3]: the change's, in the region's.
    """
    side = source.shape[1::-1]
    if change.whole:
        return warp(change.after, to_region, side, cubic=True)
    size = len(change.mask)
    # the offset between source and render, coarse: it carries the render into the source's light and colour
    drift = weighted_blur(crop - change.before, (change.mask > 0).astype(np.float32), size * COLOUR_SIGMA)
    target = source.copy()
    _move(target, source, change.flow, to_region)
    _cover(target, change.closed, to_region)
    target += residual
    box = _box(change.replace > 0.01, to_region, side, margin=1.0)
    if box.width and box.height:
        inner, size_inside = _shifted(to_region, box), (box.width, box.height)
        render = warp(_sharpened(_plain(change.after)) + drift, inner, size_inside, cubic=True) + _grain(source[box.slices])
        part = target[box.slices]
        part += (render - part) * warp(change.replace, inner, size_inside)[..., None]
    return target


def _cover(target: Array, closed: Array, to_region: NDArray[np.floating]) -> None:
    """What lies in `closed` (crop) gives way to what lies around it, a little darker: lips that meet. In place."""
    box = _box(closed > 0.05, to_region, target.shape[1::-1], margin=4 * COVER)
    if not box.width or not box.height:
        return
    part = target[box.slices]
    share = warp(closed, _shifted(to_region, box), (box.width, box.height))
    full = np.minimum(share * 1.5, 1)
    around = weighted_blur(part, 1 - full, max(1.0, COVER * quad_scale(to_region)))
    part += (around * (1 - SEAM * share[..., None]) - part) * full[..., None]


def quad_scale(to_region: NDArray[np.floating]) -> float:
    """Frame px per crop px."""
    return float(np.sqrt(abs(np.linalg.det(to_region[:, :2]))))


def _plain(render: Array) -> Array:
    """The generator's pictures with colour as coarse as it knows it: on thin things, such as rims, it is only guessed."""
    grey = render.mean(-1, keepdims=True)
    out: Array = grey + blur(render - grey, len(render) * COLOUR)
    return out


def _sharpened(render: Array) -> Array:
    """The generator's pictures are softer than a camera's."""
    out: Array = render + SHARPEN * (render - blur(render, len(render) * 0.012))
    return out


def _grain(source: Array) -> Array:
    """The source's noise and pores, without its edges."""
    fine = source - cv2.GaussianBlur(source, (0, 0), 1.0)
    grain: Array = np.clip(fine, -GRAIN, GRAIN)
    return grain


def _move(target: Array, source: Array, flow: Array, to_region: NDArray[np.floating]) -> None:
    """The source, moved by the flow of the crop, whose offsets turn and grow with it, into `target`."""
    box = _box(np.abs(flow).max(-1) > 0.01, to_region, target.shape[1::-1], margin=1.0)
    if not box.width or not box.height:
        return
    offsets = warp(flow, _shifted(to_region, box), (box.width, box.height))
    x, y = np.meshgrid(np.arange(box.width, dtype=np.float32) + box.x, np.arange(box.height, dtype=np.float32) + box.y)
    places = cv2.transform(offsets, to_region[:, :2].astype(np.float32)) + cv2.merge([x, y])
    target[box.slices] = cv2.remap(source, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
