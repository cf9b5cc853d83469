"""What an edit changes between two renders: what moves (flow), what comes or goes (residual), what must be replaced.

The generator's pictures are smooth, so dense flow between them is easy; it then moves the *source's* skin and teeth. What the
flow does not explain is added. Where that remainder is large the source shows something that the edit must hide (teeth,
glasses), and adding would leave a ghost: there the render itself takes over.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.composite.mask import Array, blur, face_hull, smoothstep

LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
FLOW_SCALE = 2  # flow is computed on renders enlarged by this


@dataclass(slots=True)
class Change:
    """One frame's change in crop pixels (corner origin); S is the pack's size.

    flow [S,S,2]: where in the source the result at a pixel comes from, as an offset. residual [S,S,3]: RGB, in 0..255 units, to
    add after moving. replace [S,S] 0..1: share of the render `after`. mask [S,S] 0..1. before, after [S,S,3]: the renders.
    whole: paste the render as it is (the papers' way) instead of transferring the change.
    """

    flow: Array
    residual: Array
    replace: Array
    mask: Array
    before: Array
    after: Array
    whole: bool = False

    @property
    def empty(self) -> bool:
        """True when nothing changes."""
        return not self.mask.any()


def analyse(
    before: Array, after: Array, landmarks: NDArray[np.floating], *, mode: str = "transfer"
) -> list[Change]:
    """Changes from renders before, after float32 [N,S,S,3] RGB 0..255 and landmarks [N,78,2] px of the crop.

    mode "transfer" takes the change between the renders, "render" the whole generated face.
    """
    if mode == "render":
        return [_whole(b, a, p) for b, a, p in zip(before, after, landmarks, strict=True)]
    engine = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    engine.setFinestScale(1)
    return [_one(engine, b, a, p) for b, a, p in zip(before, after, landmarks, strict=True)]


def _whole(before: Array, after: Array, points: NDArray[np.floating]) -> Change:
    size = len(before)
    zero = np.zeros((size, size), np.float32)
    return Change(np.zeros((size, size, 2), np.float32), after - before, zero + 1, face_hull(points, size), before, after, True)


def _one(engine: cv2.DISOpticalFlow, before: Array, after: Array, points: NDArray[np.floating]) -> Change:
    size = len(before)
    if np.array_equal(before, after):
        zero = np.zeros((size, size), np.float32)
        return Change(np.zeros((size, size, 2), np.float32), after - before, zero, zero, before, after)
    hull = face_hull(points, size)
    flow = _flow(engine, before, after)
    flow = blur(flow, size * 0.012) * hull[..., None]
    flow *= _explained(before, after, flow, size)[..., None]
    moved = warp_by(before, flow)
    residual = _calm(after - moved)
    energy = np.abs(brightness(residual))
    replace = smoothstep(blur(cv2.dilate(energy, np.ones((3, 3), np.uint8)), size * 0.015), 18.0, 55.0) * hull
    acts = blur(_difference(after, before) + 4 * np.hypot(flow[..., 0], flow[..., 1]), size * 0.03)
    mask = hull * smoothstep(acts, 1.5, 6.0)
    return Change(flow, residual, replace, mask, before, after)


def _flow(engine: cv2.DISOpticalFlow, before: Array, after: Array) -> Array:
    """Offsets [S,S,2] in crop pixels: after(x) ~ before(x + flow)."""
    side = len(before) * FLOW_SCALE
    grey = [cv2.resize(brightness(p), (side, side), interpolation=cv2.INTER_CUBIC) for p in (after, before)]
    first, second = (np.clip(g, 0, 255).astype(np.uint8) for g in grey)
    dense = engine.calc(first, second, None)
    return cv2.resize(dense, (len(before), len(before)), interpolation=cv2.INTER_AREA) / np.float32(FLOW_SCALE)


def _explained(before: Array, after: Array, flow: Array, size: int) -> Array:
    """Share [S,S] of the change that moving explains: 1 where it removes most of the difference, 0 where it does not help."""
    plain = blur(_difference(after, before), size * 0.04)
    left = blur(_difference(after, warp_by(before, flow)), size * 0.04)
    return smoothstep(1 - left / (plain + 1.0), 0.05, 0.35)


def warp_by(picture: Array, flow: Array) -> Array:
    """picture(x + flow(x)) for offsets in pixels."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def brightness(picture: Array) -> Array:
    """[h,w,3] RGB to luma [h,w]."""
    return cv2.transform(picture, LUMA)


def _difference(a: Array, b: Array) -> Array:
    """Mean absolute difference over the channels, [h,w]."""
    return cv2.transform(np.abs(a - b), np.full((1, 3), 1 / 3, np.float32))


def _calm(residual: Array) -> Array:
    """The residual less what only drifts: small values shrink to nothing, colour is held back more than brightness."""
    luma = brightness(residual)[..., None]
    chroma = residual - luma
    luma = luma * smoothstep(np.abs(luma), 0.5, 5.0)
    strength = np.sqrt(cv2.transform(chroma * chroma, np.ones((1, 3), np.float32)))[..., None]
    return luma + chroma * (0.8 * smoothstep(strength, 3.0, 15.0))
