"""Changes filtered over time, so that flow, residual and mask do not flicker where the latents do not."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.composite.motion import Moved, carried, offsets
from videdit.composite.transfer import Change

REACH = 2.5  # standard deviations that the Gaussian mean looks to either side
FAINT = 0.02  # share of a render that is too little to tell its colour
STEP = 0.5  # of the seconds: how far neighbours lie apart at least that are carried along
Box = tuple[slice, slice]
Planes = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Filter:
    """Another way to smooth: smooth as a function of smooth.METHODS is called; how far it looks back and ahead, in its seconds.

    It is given what lies within that reach of a row and nothing else, so a row comes out the same wherever one begins.
    """

    smooth: Callable[..., NDArray[np.floating]]
    behind: float
    ahead: float


def behind_of(seconds: float, other: Filter | None = None) -> float:
    """How many seconds `steady` looks back."""
    return (REACH if other is None else other.behind) * seconds


def needed_from(times: NDArray[np.floating], row: int, behind: float) -> int:
    """The first row of a track at times [T] s that `steady` looks at for a row, looking back `behind` s."""
    return int(np.flatnonzero(times[row] - times[: row + 1] <= behind)[0])


def steady(
    changes: Iterator[Change],
    times: NDArray[np.floating],
    valid: NDArray[np.bool_],
    *,
    seconds: float = 0.05,
    weights: NDArray[np.floating] | None = None,
    other: Filter | None = None,
    moved: Moved | None = None,
    start: int = 0,
    begun: int = 0,
) -> Iterator[Change]:
    """Gaussian mean (sigma `seconds`, cut at 2.5 sigma) of all fields but `before` over each frame's neighbours.

    times float64 [T] s, valid bool [T] and weights float [T] in 0..1 (how far each is to be trusted, by default fully) belong to the T
    changes; the mean never reaches across an invalid frame. other: another filter instead of the mean. moved: how the face moves in its
    crops (composite.motion); neighbours are carried along it to where this frame has the same skin. Reads ahead only as far as it needs.
    start: the row to begin with, which comes out as it does from the beginning; begun: the
    row that `changes` begin with, `needed_from` at most.
    """
    behind, ahead = behind_of(seconds, other), (REACH if other is None else other.ahead) * seconds
    trust = np.ones(len(times)) if weights is None else np.asarray(weights, np.float64)
    window: deque[tuple[int, Change, Planes]] = deque()
    count, read = len(times), begun
    for now in range(start, count):
        while read < count and (read <= now or times[read] - times[now] <= ahead):
            change = next(changes)
            window.append((read, change, _planes(change)))
            read += 1
        while times[now] - times[window[0][0]] > behind:
            window.popleft()
        centre = next(change for row, change, _ in window if row == now)
        whole = {row: planes for row, _, planes in window if _connected(valid, row, now)} if seconds > 0 and valid[now] else {}
        if len(whole) < 2 or centre.whole:
            yield centre
            continue
        rows = list(whole) if other or moved is None else _sparse(list(whole), times, now, seconds * STEP)
        box = _box([whole[row][2][..., 3] for row in rows])
        lies = [None if moved is None or row == now else offsets(moved, now, row) for row in rows]
        near = {row: _inside(whole[row], box, offset) for row, offset in zip(rows, lies, strict=True)}
        if other is None:
            share = np.exp(-0.5 * ((times[rows] - times[now]) / seconds) ** 2)
            share = share * trust[rows] if (share * trust[rows]).any() else share
            share = (share / share.sum()).astype(np.float32)
            out = tuple(np.tensordot(share, np.stack(them), axes=1) for them in zip(*near.values(), strict=True))
        else:
            out = _filtered(near, times, now, seconds, trust, other)
        yield _with(centre, out, box)


def _connected(valid: NDArray[np.bool_], a: int, b: int) -> bool:
    return bool(valid[min(a, b) : max(a, b) + 1].all())


def _sparse(rows: list[int], times: NDArray[np.floating], now: int, step: float) -> list[int]:
    """Of rows in order those that lie `step` s apart, counted from `now` to both sides: to carry all of them takes long."""
    at = rows.index(now)
    chosen = [now]
    for side in (rows[at + 1 :], rows[:at][::-1]):
        last = times[now]
        for row in side:
            if abs(times[row] - last) >= step - 1e-6:
                chosen.append(row)
                last = times[row]
    return sorted(chosen)


def _planes(change: Change) -> Planes:
    """All that is smoothed: what lies on the skin, [S,S,4] and [S,S,3], and what says where, [S,S,4]."""
    return (
        np.dstack([change.residual, change.replace]),
        change.after * change.replace[..., None],  # where a render does not take over, there may be none
        np.dstack([change.flow, change.closed, change.mask]),
    )


def _box(masks: list[NDArray[np.float32]]) -> Box:
    """Rows and columns where anything changes in any of them, and those next to them."""
    x, y, width, height = cv2.boundingRect(np.maximum.reduce([mask > 0 for mask in masks]).astype(np.uint8))
    return slice(max(0, y - 2), y + height + 2), slice(max(0, x - 2), x + width + 2)


def _inside(planes: Planes, box: Box, offset: NDArray[np.float32] | None) -> Planes:
    """What is in the box; where skin has moved by the offset, what lies on it has too."""
    if offset is None:
        return planes[0][box], planes[1][box], planes[2][box]
    return carried(planes[0], offset, box), carried(planes[1], offset, box), planes[2][box]


def _filtered(
    near: dict[int, Planes], times: NDArray[np.floating], now: int, seconds: float, trust: NDArray[np.float64], other: Filter
) -> tuple[NDArray[np.float32], ...]:
    """All fields as one sample, so that a filter that minds how fast things change minds all of them."""
    rows, shape = list(near), near[now][0].shape[:2]
    at, valid = rows.index(now), np.ones(len(rows), bool)
    values = np.stack([np.dstack(planes).ravel() for planes in near.values()])
    out = other.smooth(values, np.asarray(times)[rows], valid, seconds, weights=trust[rows], start=at, stop=at + 1)[0]
    joined = out.astype(np.float32, copy=False).reshape(*shape, -1)
    return joined[..., :4], joined[..., 4:7], joined[..., 7:]


def _with(centre: Change, planes: tuple[NDArray[np.float32], ...], box: Box) -> Change:
    """The reverse of `_planes`, with nothing outside the box; shares stay shares, whatever overshoots."""
    size = len(centre.mask)
    lying, drawn, place = (np.zeros((size, size, part.shape[2]), np.float32) for part in planes)
    for whole, part in zip((lying, drawn, place), planes, strict=True):
        whole[box] = part
    share, closed, mask = (np.clip(part, 0, 1) for part in (lying[..., 3], place[..., 2], place[..., 3]))
    residual, flow = np.ascontiguousarray(lying[..., :3]), np.ascontiguousarray(place[..., :2])
    after = centre.after
    if share.any():
        after = np.where(share[..., None] > FAINT, drawn / np.maximum(share, FAINT)[..., None], after)
    return replace(centre, flow=flow, residual=residual, after=after, replace=share, closed=closed, mask=mask)
