"""How a face moves within its crops from frame to frame, so that what is smoothed over time is smoothed along it.

Crops are placed by smoothed landmarks: skin still stirs in them, by turning, by talking and by what was smoothed away. What is drawn
onto it, such as the rim of glasses, would shake against it.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.composite.mask import Array

GRID = 32  # cells of a crop's side, each with one movement
SIDE = 128  # px of the pictures in which movement is looked for
UNLIKE = (3.0, 6.0)  # levels that are left where skin has moved, from which on it has not moved but changed, as in a mouth that opens
MOST = 0.08  # of the crop's side in one frame; what seems to move farther is something else, such as a hand
Moved = NDArray[np.float16]  # [T,GRID,GRID,2] in crop sides (x, y): where in row t-1 is what is seen in a cell of row t


def grey_of(crop: Array) -> NDArray[np.uint8]:
    """A crop [S,S,3] RGB 0..255 as `moved_from` takes it: [SIDE,SIDE]."""
    grey = cv2.cvtColor(np.clip(np.rint(crop), 0, 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA if len(crop) > SIDE else cv2.INTER_LINEAR))


def moved_from(now: NDArray[np.uint8], before: NDArray[np.uint8]) -> NDArray[np.float16]:
    """[GRID,GRID,2]: the offset from each cell of `now` to the same skin in `before`, in crop sides (DIS, Kroeger et al. 2016)."""
    engine = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    engine.setVariationalRefinementIterations(0)  # half the time; cells are means anyway
    engine.setFinestScale(0)  # a tenth of a pixel shows: a rim that does not follow the skin shakes
    flow = engine.calc(now, before, np.zeros((SIDE, SIDE, 2), np.float32))
    off = cv2.blur(cv2.absdiff(now, _read(before, flow, cv2.INTER_LINEAR)), (9, 9)).astype(np.float32)
    alike = np.clip((UNLIKE[1] - off) / (UNLIKE[1] - UNLIKE[0]), 0, 1)
    cells = cv2.resize(flow * alike[..., None] / np.float32(SIDE), (GRID, GRID), interpolation=cv2.INTER_AREA)
    cells = cv2.blur(cells, (3, 3))
    cells[np.abs(cells).max(-1) > MOST] = 0
    return np.asarray(cells, np.float16)


def still(rows: int) -> Moved:
    """Nothing moves in so many rows."""
    return np.zeros((rows, GRID, GRID, 2), np.float16)


def offsets(moved: Moved, now: int, other: int) -> Array:
    """[GRID,GRID,2] in crop sides: where in row `other` is what is seen in a cell of row `now`."""
    out = np.zeros((GRID, GRID, 2), np.float32)
    while now > other:
        out += _at(moved[now].astype(np.float32), out)
        now -= 1
    while now < other:
        now += 1
        back = moved[now].astype(np.float32)
        out -= _at(_at(back, -back), out)  # the way there is the way back, seen from where it began
    return out


def along(moved: Moved, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """[T,n,2] in crop sides: how far the skin below each of points [T,n,2] (crop sides, origin at the top-left corner) has moved by each
    row since the first, added up where the points lie."""
    out = np.zeros(points.shape)
    for row in range(1, len(points)):
        at = (points[row] * GRID - 0.5).astype(np.float32)  # OpenCV counts from the first cell's centre
        back = cv2.remap(moved[row].astype(np.float32), at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        out[row] = out[row - 1] - back[0]
    return out


def carried(planes: Array, offset: Array, box: tuple[slice, slice] = (slice(None), slice(None))) -> Array:
    """Planes [S,S,C], C at most 4, of another row, brought to this one: each pixel of the box (rows, columns) is read at its place plus
    the offset [GRID,GRID,2] of its cell. Cubic, for the mean of many that are a little blurred is blurred: values may overshoot."""
    if not offset.any() or not planes.any():
        return planes[box]
    far = cv2.resize(offset, planes.shape[1::-1], interpolation=cv2.INTER_LINEAR) * np.float32(len(planes))
    return _read(planes, far, cv2.INTER_CUBIC, box)


def _at(field: Array, where: Array) -> Array:
    """A field [GRID,GRID,2] read at each cell plus an offset [GRID,GRID,2], in crop sides."""
    return _read(field, GRID * where, cv2.INTER_LINEAR)


def _read(picture: NDArray[Any], offset: Array, how: int, box: tuple[slice, slice] = (slice(None), slice(None))) -> NDArray[Any]:
    """A square picture [S,S(,C)] at each pixel of a box plus an offset [S,S,2] in px; as both are differences, it is the same whether
    corners or centres of pixels count."""
    pixels = np.arange(len(picture), dtype=np.float32)
    x, y = pixels[None, box[1]] + offset[box][..., 0], pixels[box[0], None] + offset[box][..., 1]
    return cv2.remap(picture, x, y, how, borderMode=cv2.BORDER_REPLICATE)
