"""Values given at points, linear between them: over the triangles of a Delaunay triangulation, which is OpenCV's: SciPy takes half a
second to import."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
FLAT = 1e-12  # twice the area of triangles that are none
HAIR = 1e-6  # px; a pixel on a border belongs to either side


def spread(points: Floats, values: Floats, size: int) -> NDArray[np.float32]:
    """values [n,C] of points [n,2] px (corner origin) at the centres of a square's pixels: float32 [size,size,C], 0 beyond the points."""
    corners = _triangles(points - size / 2)  # where most points are, float32 tells them apart best
    at = points[corners]
    one, two = at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]
    area = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    some = np.abs(area) > FLAT
    at, one, two, area, corners = at[some], one[some], two[some], area[some, None], corners[some]
    # how far each corner counts [m,3]: linear in x, linear in y, and what it counts at the origin
    across, down = np.stack([two[:, 1], -one[:, 1]], 1) / area, np.stack([-two[:, 0], one[:, 0]], 1) / area
    across, down = (np.concatenate([-part.sum(1, keepdims=True), part], 1) for part in (across, down))
    base = np.array([1.0, 0, 0]) - across * at[:, :1, 0] - down * at[:, :1, 1]
    label = _labels(at, across, down, base, size)
    slopes = [np.einsum("mk,mkc->cm", part, values[corners]) for part in (across, down, base)]  # of each value: [C,m]
    centres, beyond = np.arange(size) + 0.5, label < 0
    out = np.empty((size, size, values.shape[1]), np.float32)
    for channel, (x, y, start) in enumerate(zip(*slopes, strict=True)):
        plane = x[label] * centres + y[label] * centres[:, None] + start[label]
        plane[beyond] = 0
        out[..., channel] = plane
    return out


def _triangles(points: Floats) -> NDArray[np.integer]:
    """The corners [m,3] of the triangles, as rows of the points [n,2]."""
    at = points.astype(np.float32)
    low, high = np.floor(at.min(0)).astype(int) - 2, np.ceil(at.max(0)).astype(int) + 2
    plane = cv2.Subdiv2D((*low.tolist(), *(high - low).tolist()))
    rows: dict[tuple[float, float], int] = {}
    for row, (x, y) in enumerate(at.tolist()):
        rows.setdefault((x, y), row)
        plane.insert((x, y))
    found = [(rows.get((a, b), -1), rows.get((c, d), -1), rows.get((e, f), -1)) for a, b, c, d, e, f in plane.getTriangleList().tolist()]
    corners = np.array(found, int).reshape(-1, 3)
    return corners[(corners >= 0).all(1)]


def _labels(at: Floats, across: Floats, down: Floats, base: Floats, size: int) -> NDArray[np.integer]:
    """The triangle [size,size] that the centre of each pixel lies in, -1 where none; at [m,3,2]: their corners."""
    first = np.clip(np.ceil(at[..., 1].min(1) - 0.5 - HAIR), 0, size).astype(int)
    last = np.clip(np.floor(at[..., 1].max(1) - 0.5 + HAIR), -1, size - 1).astype(int)
    which, y = _runs(first, last)  # every row of every triangle
    slope, rest = across[which], down[which] * (y[:, None] + 0.5) + base[which]
    with np.errstate(divide="ignore", invalid="ignore"):
        cut = -rest / slope  # where a corner's share is zero
    low, high = np.where(slope > 0, cut, -np.inf).max(1), np.where(slope < 0, cut, np.inf).min(1)
    never = ((slope == 0) & (rest < -HAIR)).any(1)
    left = np.clip(np.ceil(low - 0.5 - HAIR), 0, size).astype(int)
    right = np.where(never, -1, np.clip(np.floor(high - 0.5 + HAIR), -1, size - 1)).astype(int)
    span, x = _runs(left, right)
    label = np.full((size, size), -1)
    label[y[span], x] = which[span]
    return label


def _runs(first: NDArray[np.integer], last: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """All whole numbers from first[i] to last[i], and the i of each."""
    count = np.maximum(last - first + 1, 0)
    which = np.repeat(np.arange(len(count)), count)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(count) - count - first, count)
