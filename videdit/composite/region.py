"""The part of a frame that a change touches: its box, warps into it, and how it is gone through."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.geometry import transform_points
from videdit.types import Region

STRIP = 32768  # px worked on at a time: what they need stays in the processor's cache


def strips(width: int, height: int) -> Iterator[slice]:
    """Rows of a picture from top to bottom, so many at a time that they fit into the cache."""
    step = max(8, STRIP // width // 8 * 8)
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


def box_of(where: NDArray[np.bool_], matrix: NDArray[np.floating], side: tuple[int, int], *, margin: float) -> Region:
    """The box around crop pixels [S,S], grown by `margin` crop px, seen through an affine and cut to a picture of (width, height)."""
    x, y, width, height = cv2.boundingRect(where.astype(np.uint8))
    if not width:
        return Region(0, 0, 0, 0)
    left, top, right, bottom = x - margin, y - margin, x + width + margin, y + height + margin
    found = transform_points(np.array([[left, top], [right, top], [left, bottom], [right, bottom]]), matrix)
    low = np.floor(np.maximum(found.min(0), 0)).astype(int)
    high = np.ceil(np.minimum(found.max(0), side)).astype(int)
    return Region(int(low[0]), int(low[1]), int(max(0, high[0] - low[0])), int(max(0, high[1] - low[1])))


def shifted(matrix: NDArray[np.floating], region: Region) -> NDArray[np.floating]:
    """The affine into a region's pixels instead of the picture's."""
    out = np.array(matrix, np.float64)
    out[:, 2] -= (region.x, region.y)
    return out


def scale_of(matrix: NDArray[np.floating]) -> float:
    """Px of the picture per crop px."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
