"""Changes filtered over time, so that flow, residual and mask do not flicker where the latents do not."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from videdit.composite.transfer import Change

REACH = 2.5  # standard deviations looked at on either side


def needed_from(times: NDArray[np.floating], row: int, seconds: float) -> int:
    """The first row that `steady` looks at for a row of a track at times [T] s."""
    return int(np.flatnonzero(times[row] - times[: row + 1] <= REACH * seconds)[0])


def steady(
    changes: Iterator[Change],
    times: NDArray[np.floating],
    valid: NDArray[np.bool_],
    *,
    seconds: float = 0.05,
    start: int = 0,
    begun: int = 0,
) -> Iterator[Change]:
    """Gaussian mean (sigma `seconds`, cut at 2.5 sigma) of flow, residual, replace, closed and mask over each frame's neighbours.

    times float64 [T] s and valid bool [T] belong to the T changes; the mean never reaches across an invalid frame. Reads
    ahead only as far as it needs. The renders themselves stay each frame's own. start: the row to begin with, which comes out as it
    does from the beginning; begun: the row that `changes` begin with, `needed_from` at most.
    """
    reach = REACH * seconds
    window: deque[tuple[int, Change]] = deque()
    count, read = len(times), begun
    for now in range(start, count):
        while read < count and (read <= now or times[read] - times[now] <= reach):
            window.append((read, next(changes)))
            read += 1
        while times[now] - times[window[0][0]] > reach:
            window.popleft()
        centre = next(c for i, c in window if i == now)
        near = [(i, c) for i, c in window if _connected(valid, i, now)] if seconds > 0 and valid[now] else []
        yield _mean(near, times, now, seconds) if len(near) > 1 and not centre.whole else centre


def _connected(valid: NDArray[np.bool_], a: int, b: int) -> bool:
    return bool(valid[min(a, b) : max(a, b) + 1].all())


def _mean(near: list[tuple[int, Change]], times: NDArray[np.floating], now: int, seconds: float) -> Change:
    weights = np.exp(-0.5 * ((times[[i for i, _ in near]] - times[now]) / seconds) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)

    def mean(name: str) -> NDArray[np.float32]:
        return np.sum([w * getattr(c, name) for w, (_, c) in zip(weights, near, strict=True)], axis=0, dtype=np.float32)

    centre = next(c for i, c in near if i == now)
    return Change(mean("flow"), mean("residual"), mean("replace"), mean("closed"), mean("mask"), centre.before, centre.after, centre.whole)
