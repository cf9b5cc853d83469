"""Where the source's pixels go: dense flow, from the movement of landmarks or between two renders. Crop pixels, corner origin.

flow [S,S,2]: the result at x comes from x + flow(x).
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.composite.mask import Array, blur, smoothstep
from videdit.triangles import spread

LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
FLOW_SCALE = 2  # optical flow is computed on renders enlarged by this
INNER_LIPS = slice(60, 68)
# inner upper, inner lower, and what goes with them: outer upper, outer lower
LIP_PAIRS = ((61, 67, (50,), (58, 59)), (62, 66, (51,), (57,)), (63, 65, (52,), (55, 56)))
OPEN = 0.034  # crop sides between the inner lips of a typical open mouth (median of the training faces)
RIM_OF_TEETH = 0.2  # of the gap
CLOSED = 0.1  # share of the gap that stays, so that the order of the lips is never in doubt
NOSE, RIM = slice(27, 36), 1.35  # what lies this far beyond the face, seen from the nose, stays


def flow_of_points(points: NDArray[np.floating], moves: NDArray[np.floating], size: int) -> Array:
    """Flow [S,S,2] of landmarks [78,2] px that move by moves [78,2] px: linear between them (Delaunay), still beyond the face."""
    points, moves = _closing(points, moves, size)
    centre = points[NOSE].mean(0)
    outline = np.concatenate([points[:17], points[68:]])
    far = 4.0 * size
    still = np.concatenate([centre + (outline - centre) * RIM, [[-far, -far], [far, -far], [-far, far], [far, far]]])
    sides = _lip_sides(len(points))
    where = np.concatenate([points + moves, sides @ (points + moves), still])
    offsets = np.concatenate([-moves, -sides @ moves, np.zeros_like(still)])
    # Delaunay orders coincident points (closed lips) as they come; the smallest gap keeps both lips
    where = where + np.linspace(0, 1e-3, len(where))[:, None]
    return blur(spread(where, offsets, size), size * 0.008)


def _closing(points: NDArray[np.floating], moves: NDArray[np.floating], size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points and moves where they close the mouth by so much *of a typical open one*: a broad grin closes too, and lips never cross.

    The inner lips of a mouth that closes are taken a little wider than found, or a rim of teeth would stay.
    """
    at, out = np.array(points, np.float64), np.array(moves, np.float64)
    for upper, lower, above, below in LIP_PAIRS:
        gap, less = points[lower, 1] - points[upper, 1], moves[lower, 1] - moves[upper, 1]
        if less < 0 < gap:
            left = max(CLOSED, 1 + less / (OPEN * size))
            more = gap * left - (gap + less)
            rim = RIM_OF_TEETH * gap * (1 - left)
            out[[upper, *above], 1] -= more / 2
            out[[lower, *below], 1] += more / 2
            at[upper, 1] -= rim / 2
            at[lower, 1] += rim
            out[upper, 1] += rim / 2
            out[lower, 1] -= rim
    return at, out


@cache
def _lip_sides(count: int) -> NDArray[np.float64]:
    """[8,count] weights of points that trace the inner lips towards the corners, where the 78 have none: boxy arcs, |u|^4."""
    rows = []
    for middle in (62, 66):
        for u in (-0.85, -0.6, 0.6, 0.85):
            depth, row = 1 - abs(u) ** 4, np.zeros(count)
            row[[60, 64]] = np.array([1 - u, 1 + u]) / 2
            row[[60, 64, middle]] += depth * np.array([-0.5, -0.5, 1.0])
            rows.append(row)
    return np.stack(rows)


def opening(points: NDArray[np.floating], moves: NDArray[np.floating], size: int) -> Array:
    """[S,S] 0..1: the inside of a mouth that the edit opens; nothing where it closes, or was open and shows its own teeth."""
    inner = (points + moves)[INNER_LIPS]
    more, gap = (moves[66, 1] - moves[62, 1]) / size, (points[66, 1] - points[62, 1]) / size
    mask = np.zeros((size, size), np.float32)
    cv2.fillPoly(mask, [np.rint((inner - 0.5) * 16).astype(np.int32)], (1.0,), cv2.LINE_AA, 4)
    share = smoothstep(np.full(1, more, np.float32), 0.003, 0.016) * (1 - smoothstep(np.full(1, gap, np.float32), 0.02, OPEN))
    inside: Array = blur(mask, size * 0.008) * share
    return inside


def flow_of_renders(engine: cv2.DISOpticalFlow, before: Array, after: Array) -> Array:
    """Optical flow [S,S,2] between renders [S,S,3]: after(x) ~ before(x + flow), less where it explains little of the change."""
    size = len(before)
    side = size * FLOW_SCALE
    grey = [cv2.resize(brightness(p), (side, side), interpolation=cv2.INTER_CUBIC) for p in (after, before)]
    first, second = (np.clip(g, 0, 255).astype(np.uint8) for g in grey)
    dense = engine.calc(first, second, None)
    flow = blur(cv2.resize(dense, (size, size), interpolation=cv2.INTER_AREA) / np.float32(FLOW_SCALE), size * 0.012)
    flow *= _explained(before, after, flow, size)[..., None]
    return flow


def _explained(before: Array, after: Array, flow: Array, size: int) -> Array:
    """Share [S,S] of the change that moving explains: 1 where it removes most of the difference, 0 where it does not help."""
    plain = blur(difference(after, before), size * 0.04)
    left = blur(difference(after, warp_by(before, flow)), size * 0.04)
    return smoothstep(1 - left / (plain + 1.0), 0.05, 0.35)


def warp_by(picture: Array, flow: Array) -> Array:
    """picture(x + flow(x)) for offsets in pixels."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def brightness(picture: Array) -> Array:
    """[h,w,3] RGB to luma [h,w]."""
    return cv2.transform(picture, LUMA)


def difference(a: Array, b: Array) -> Array:
    """Mean absolute difference over the channels, [h,w]."""
    return cv2.transform(np.abs(a - b), np.full((1, 3), 1 / 3, np.float32))
