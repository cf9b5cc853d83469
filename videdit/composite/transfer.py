"""What an edit changes between two renders: what moves (flow), what comes or goes (residual), what must be replaced.

The flow (composite.flow) moves the *source's* skin and lips. Of what it does not explain, light and shadow are added, and all of it inside
a mouth that opens (with optical flow, for packs without a map of landmarks: all of it everywhere). Lips that meet cover what lay between
them. Where strong structure comes or goes that is no movement (glasses), adding would leave a ghost: there the render itself takes over.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.composite.flow import brightness, difference, flow_of_points, flow_of_renders, opening, warp_by
from videdit.composite.mask import Array, about_eyes, blur, face_hull, own_parts, smoothstep

STRUCTURE = 0.05  # of the crop's side: what is finer is no lighting, but something that is there or not
SHADING = 0.022  # likewise: what is finer lies where it lay before the move
TINT = 0.2  # share of that shading's colour
MOVING = (0.3, 1.5)  # px of a 128 px crop
SQUEEZED = (0.6, 1.6)  # source rows in excess per row of the result
REPLACE = (20.0, 48.0)  # levels of changed structure at which the render begins to take over, and has
RIMS = (48.0, 96.0)  # likewise about the eyes where pixels move: no lid changes that much, a rim does


@dataclass(slots=True)
class Change:
    """One frame's change in crop pixels (corner origin); S is the pack's size.

    flow [S,S,2]: where in the source the result at a pixel comes from, as an offset. residual [S,S,3]: RGB, in 0..255 units, to
    add after moving. replace [S,S] 0..1: share of the render `after`. closed [S,S] 0..1: where
    what lay between two parts that now meet is to be covered with them. mask [S,S] 0..1. before, after [S,S,3]: the renders.
    whole: paste the render as it is (the papers' way) instead of transferring the change.
    """

    flow: Array
    residual: Array
    replace: Array
    closed: Array
    mask: Array
    before: Array
    after: Array
    whole: bool = False

    @property
    def empty(self) -> bool:
        """True when nothing changes."""
        return not self.mask.any()


def moves_of(change: NDArray[np.floating], shape: NDArray[np.floating] | None, size: int) -> NDArray[np.floating] | None:
    """How changes of latents [N,L,D] move landmarks [N,78,2], in px of a crop of that size, as `analyse` takes it; shape [78,2,L,D]: see
    packs.load.Pack.shape, None where the pack does not say."""
    return None if shape is None else size * np.tensordot(change, shape, axes=([1, 2], [2, 3]))


def analyse(
    before: Array,
    after: Array,
    landmarks: NDArray[np.floating],
    *,
    mode: str = "transfer",
    moves: NDArray[np.floating] | None = None,
    within: Array | None = None,
) -> list[Change]:
    """Changes from renders before, after float32 [N,S,S,3] RGB 0..255 and landmarks [N,78,2] px of the crop.

    mode "transfer" takes the change between the renders, "render" the whole generated face. moves [N,78,2] px: how the edit moves
    the landmarks; where the pack does not say, optical flow between the renders serves. within [N,S,S] 0..1: `before` is the source's
    crop, drawn over there and nowhere else: nothing moves, and nothing changes where it is 0.
    """
    if within is not None:
        still = np.zeros((*before.shape[1:3], 2), np.float32)
        whole = mode == "render"
        rows = zip(before, after, landmarks, within, strict=True)
        return [_whole(b, a, p, w) if whole else _one(b, a, p, still, within=w) for b, a, p, w in rows]
    if mode == "render":
        return [_whole(b, a, p) for b, a, p in zip(before, after, landmarks, strict=True)]
    if moves is not None:
        size = before.shape[1]
        rows = zip(before, after, landmarks, moves, strict=True)
        return [_one(b, a, p, flow_of_points(p, m, size), opening(p, m, size)) for b, a, p, m in rows]
    engine = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    engine.setFinestScale(1)
    return [_one(b, a, p, flow_of_renders(engine, b, a)) for b, a, p in zip(before, after, landmarks, strict=True)]


def _whole(before: Array, after: Array, points: NDArray[np.floating], within: Array | None = None) -> Change:
    size = len(before)
    zero = np.zeros((size, size), np.float32)
    mask = face_hull(points, size) * _drawn(within)
    return Change(np.zeros((size, size, 2), np.float32), after - before, zero + 1, zero, mask, before, after, True)


def _drawn(within: Array | None) -> Array | float:
    """The share of a mask where something was drawn; it ends with that."""
    return 1.0 if within is None else smoothstep(within, 0.0, 0.5)


def _one(
    before: Array, after: Array, points: NDArray[np.floating], flow: Array, opened: Array | None = None, within: Array | None = None
) -> Change:
    size = len(before)
    if np.array_equal(before, after):
        zero = np.zeros((size, size), np.float32)
        return Change(np.zeros((size, size, 2), np.float32), after - before, zero, zero, zero, before, after)
    hull = face_hull(points, size)
    flow = flow * hull[..., None]
    residual = _calm(after - warp_by(before, flow))
    # shading may be added to whatever the source shows; structure that appears or goes must not lie over the source's own
    luma = brightness(residual)
    structure = np.abs(luma - blur(luma, size * STRUCTURE))
    much = blur(cv2.dilate(structure, np.ones((5, 5), np.uint8)), size * 0.015)
    replace = smoothstep(much, *REPLACE) * hull
    if opened is not None:
        moving = _moving(flow)
        own = own_parts(points, size) * (1 - moving) * (1 - opened)  # nobody looks with a generator's eyes
        worn = smoothstep(much, *RIMS) * about_eyes(points, size)
        replace *= (1 - moving * (1 - opened) * (1 - worn)) * (1 - own)
        residual = _shading(residual, moving, opened) * (1 - own[..., None])
    if within is None:
        acts = blur(difference(after, before) + 4 * np.hypot(flow[..., 0], flow[..., 1]), size * 0.03)
        mask = hull * smoothstep(acts, 1.5, 6.0)
    else:  # a method that draws knows where; a mask drawn close about rims and lips would pale them when it is blended
        mask = hull * _drawn(within)
    return Change(flow, residual, replace, _squeezed(flow) * hull, mask, before, after)


def _moving(flow: Array) -> Array:
    """0..1: where pixels move."""
    return smoothstep(blur(np.hypot(flow[..., 0], flow[..., 1]), len(flow) * 0.02), *MOVING)


def _shading(residual: Array, moving: Array, opened: Array) -> Array:
    """The residual as light and shadow: details of renders lie where they lay before, or lie about what the camera saw. Where pixels
    move, colour is held back too; a mouth that opens shows all that is new."""
    grey = brightness(residual)[..., None]
    shading = blur(residual + moving[..., None] * (1 - TINT) * (grey - residual), len(residual) * SHADING)
    out: Array = shading + opened[..., None] * (residual - shading)
    return out


def _squeezed(flow: Array) -> Array:
    """0..1: where rows that lay apart come together, such as teeth between lips that close."""
    share = smoothstep(np.gradient(flow[..., 1], axis=0), *SQUEEZED)
    return blur(cv2.dilate(share, np.ones((3, 1), np.uint8)), 0.6)


def _calm(residual: Array) -> Array:
    """The residual less what only drifts: small values shrink to nothing, colour is held back more than brightness."""
    luma = brightness(residual)[..., None]
    chroma = residual - luma
    luma = luma * smoothstep(np.abs(luma), 0.5, 5.0)
    strength = np.sqrt(cv2.transform(chroma * chroma, np.ones((1, 3), np.float32)))[..., None]
    return luma + chroma * (0.8 * smoothstep(strength, 3.0, 15.0))
