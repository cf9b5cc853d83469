"""Zero-phase Gaussian smoothing in seconds, on real timestamps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REACH = 3.0  # standard deviations a sample can influence; the weight beyond is 1 %


def reach(seconds: float) -> float:
    """How far, in seconds, smoothing looks to either side."""
    return REACH * max(0.0, seconds)


def runs(valid: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches [start, stop) of consecutive True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(valid, np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def gaussian(
    values: NDArray[np.floating],
    times: NDArray[np.floating],
    valid: NDArray[np.bool_],
    seconds: float,
    *,
    weights: NDArray[np.floating] | None = None,
    start: int = 0,
    stop: int | None = None,
) -> NDArray[np.floating]:
    """Weighted Gaussian mean over the samples of the same stretch of valid ones; never across a gap.

    values float [T,...]; times float [T] s, increasing; valid bool [T]: False separates stretches, such samples are returned
    as they are; seconds: standard deviation of the kernel, 0 or less changes nothing; weights float [T] >= 0, say the
    confidence of each sample (default: all alike). Returns rows start..stop, of values' dtype.

    A constant comes back exactly, and smoothing the reversed sequence reverses the result.
    """
    values = np.asarray(values)
    stop = len(values) if stop is None else min(stop, len(values))
    out = values[start:stop].copy()
    if seconds <= 0:
        return out
    trust = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    for first, last in runs(valid):
        for row in range(max(first, start), min(last, stop)):
            low = first + int(np.searchsorted(times[first:last], times[row] - reach(seconds), "left"))
            high = first + int(np.searchsorted(times[first:last], times[row] + reach(seconds), "right"))
            bell = np.exp(-0.5 * ((times[low:high] - times[row]) / seconds) ** 2)
            # reaching zero at the window's border, so that rounding of times does not decide about a sample there
            kernel = trust[low:high] * np.maximum(bell - np.exp(-0.5 * REACH**2), 0)
            total = kernel.sum()
            if total > 0:
                # Averaging differences to the sample itself keeps a constant to the bit.
                change = np.tensordot(kernel / total, values[low:high].astype(np.float64) - values[row], axes=1)
                out[row - start] = values[row] + change
    return out
