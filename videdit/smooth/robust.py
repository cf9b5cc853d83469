"""Whom to trust: samples that lie far off what their neighbours say get no weight (after Hampel, 1974)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videdit.smooth.gaussian import runs

NEAR = 2  # samples on either side that say where one should lie; a misplaced frame is one frame at any rate
SCALE = 1.0  # s on either side that say how far samples usually lie off
DOUBT, REFUSE = 6.0, 9.0  # times as far off as usual from which a sample loses weight, and has none
STEP = 0.5  # of the way from one sample to the next may count as usual, however little samples lie off
CERTAIN = 0.5  # weight from which a sample may stand in for others


def trust(
    values: NDArray[np.floating],
    times: NDArray[np.floating],
    valid: NDArray[np.bool_],
    *,
    floor: float = 0.0,
    start: int = 0,
    stop: int | None = None,
) -> NDArray[np.float64]:
    """Weight float64 [n] in 0..1 of rows start..stop: exactly 1 but for samples that stand alone.

    values float [T,...]; times float [T] s; valid bool [T], gaps are never looked across. A sample's distance is the RMS, over its
    components, to the median of itself and two samples on either side, so that ramps, steps and whatever lasts three samples are
    no outliers; it is measured in the median of such distances within a second, or in half the median step from sample to sample
    where that is more. floor: a distance, in the values' unit, up to which nothing is doubted. The first and last two of a stretch
    are held against lines through their neighbours, and the way from one neighbour to the other is granted.
    """
    values = np.asarray(values)
    stop = len(values) if stop is None else min(stop, len(values))
    out = np.ones(max(0, stop - start))
    for first, last in runs(valid):
        if last - first < 2 * NEAR + 1 or last <= start or first >= stop:
            continue
        low = first + int(np.searchsorted(times[first:last], times[max(first, start)] - SCALE, "left"))
        high = first + int(np.searchsorted(times[first:last], times[min(last, stop) - 1] + SCALE, "right"))
        off = np.array([_distance(values, times, i, first, last) for i in range(low, high)])
        moved = np.array([_rms(values[min(i + 1, last - 1)].astype(np.float64) - values[i]) for i in range(low, high)])
        for row in range(max(first, start), min(last, stop)):
            here = slice(*np.searchsorted(times[low:high], [times[row] - SCALE, times[row] + SCALE]))
            rounding = 1e-6 * float(np.abs(values[row]).max(initial=0.0))
            usual = max(float(np.median(off[here])), STEP * float(np.median(moved[here])), floor / DOUBT, rounding, 1e-300)
            out[row - start] = np.clip((REFUSE - off[row - low] / usual) / (REFUSE - DOUBT), 0.0, 1.0)
    return out


def _distance(values: NDArray[np.floating], times: NDArray[np.floating], i: int, first: int, last: int) -> float:
    """How far sample i lies off its neighbours in first..last: RMS over its components."""
    here = np.asarray(values[i], np.float64)
    if first + NEAR <= i < last - NEAR:
        return _rms(here - np.median(values[i - NEAR : i + NEAR + 1], axis=0))
    if i - first == 1 or last - i == 2:  # one neighbour on one side
        return min(_rms(here - np.median(values[i - 1 : i + 2], axis=0)), _rms(here - _line(values, times, i, i - 1, i + 1)))
    step = 1 if i - first < NEAR else -1
    lines = [_line(values, times, i, i + a * step, i + b * step) for a, b in ((1, 2), (1, 3), (2, 3))]
    near, next_one = (values[i + n * step].astype(np.float64) for n in (1, 2))
    found = min(_rms(here - other) for other in (*lines, near, next_one))
    return max(0.0, found - _rms(near - next_one))  # it may have gone on as its neighbours went, wherever to


def _line(values: NDArray[np.floating], times: NDArray[np.floating], i: int, a: int, b: int) -> NDArray[np.float64]:
    """Where the line through samples a and b is at the time of i; between them, where both have the same time."""
    span = times[b] - times[a]
    share = (times[i] - times[a]) / span if span else 0.5
    return np.asarray(values[a] + share * (values[b].astype(np.float64) - values[a]))


def _rms(difference: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(difference)))) if difference.size else 0.0


def repaired(times: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Matrix [T,T] that pulls samples of a stretch, by what their weight [T] lacks of 1, to the line between trusted neighbours.

    For methods that take no weights: the identity where all are 1.
    """
    out = np.eye(len(times))
    known = np.flatnonzero(weights >= CERTAIN)
    for i in np.flatnonzero(weights < 1) if len(known) else ():
        others = known[known != i]
        if not len(others):
            continue
        after = int(np.searchsorted(others, i))
        a, b = others[max(after - 1, 0)], others[min(after, len(others) - 1)]
        share = 0.0 if times[a] == times[b] else float((times[i] - times[a]) / (times[b] - times[a]))
        out[i] *= weights[i]
        out[i, a] += (1 - weights[i]) * (1 - share)
        out[i, b] += (1 - weights[i]) * share
    return out
