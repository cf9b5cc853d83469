"""Changes filtered over time, so that flow, residual and mask do not flicker where the latents do not."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from videdit.composite.transfer import Change

REACH = 2.5  # standard deviations that the Gaussian mean looks to either side
FIELDS = ("flow", "residual", "replace", "closed", "mask")


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
    start: int = 0,
    begun: int = 0,
) -> Iterator[Change]:
    """Gaussian mean (sigma `seconds`, cut at 2.5 sigma) of flow, residual, replace, closed and mask over each frame's neighbours.

    times float64 [T] s, valid bool [T] and weights float [T] in 0..1 (how far each is to be trusted, by default fully) belong to the T
    changes; the mean never reaches across an invalid frame. other: another filter instead of the mean. Reads ahead only as far as
    it needs. The renders themselves stay each frame's own. start: the row to begin with, which comes out as it does from the
    beginning; begun: the row that `changes` begin with, `needed_from` at most.
    """
    behind, ahead = behind_of(seconds, other), (REACH if other is None else other.ahead) * seconds
    trust = np.ones(len(times)) if weights is None else np.asarray(weights, np.float64)
    window: deque[tuple[int, Change]] = deque()
    count, read = len(times), begun
    for now in range(start, count):
        while read < count and (read <= now or times[read] - times[now] <= ahead):
            window.append((read, next(changes)))
            read += 1
        while times[now] - times[window[0][0]] > behind:
            window.popleft()
        centre = next(c for i, c in window if i == now)
        near = [(i, c) for i, c in window if _connected(valid, i, now)] if seconds > 0 and valid[now] else []
        if len(near) < 2 or centre.whole:
            yield centre
        else:
            yield _mean(near, times, now, seconds, trust) if other is None else _filtered(near, times, now, seconds, trust, other)


def _connected(valid: NDArray[np.bool_], a: int, b: int) -> bool:
    return bool(valid[min(a, b) : max(a, b) + 1].all())


def _mean(near: list[tuple[int, Change]], times: NDArray[np.floating], now: int, seconds: float, trust: NDArray[np.float64]) -> Change:
    rows = [i for i, _ in near]
    weights = np.exp(-0.5 * ((times[rows] - times[now]) / seconds) ** 2)
    if (weights * trust[rows]).any():
        weights = weights * trust[rows]
    weights = (weights / weights.sum()).astype(np.float32)

    def mean(name: str) -> NDArray[np.float32]:
        return np.sum([w * getattr(c, name) for w, (_, c) in zip(weights, near, strict=True)], axis=0, dtype=np.float32)

    return _with(near, now, [mean(name) for name in FIELDS])


def _filtered(
    near: list[tuple[int, Change]], times: NDArray[np.floating], now: int, seconds: float, trust: NDArray[np.float64], other: Filter
) -> Change:
    """All fields as one sample, so that a filter that minds how fast things change minds all of them."""
    rows = [i for i, _ in near]
    at, valid = rows.index(now), np.ones(len(near), bool)
    values = np.stack([np.concatenate([getattr(c, name).ravel() for name in FIELDS]) for _, c in near])
    out = other.smooth(values, np.asarray(times)[rows], valid, seconds, weights=trust[rows], start=at, stop=at + 1)[0]
    shapes = [getattr(near[at][1], name).shape for name in FIELDS]
    parts = np.split(out.astype(np.float32, copy=False), np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1])
    fields = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    for field in fields[2:]:
        np.clip(field, 0, 1, out=field)  # shares: a filter may overshoot
    return _with(near, now, fields)


def _with(near: list[tuple[int, Change]], now: int, fields: list[NDArray[np.float32]]) -> Change:
    centre = next(c for i, c in near if i == now)
    flow, residual, share, closed, mask = fields
    return replace(centre, flow=flow, residual=residual, replace=share, closed=closed, mask=mask)
