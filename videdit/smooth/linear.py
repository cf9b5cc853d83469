"""What the linear smoothers share: rows of a result as weighted sums over the samples of the same stretch within reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videdit.smooth.gaussian import runs


@dataclass(frozen=True, slots=True)
class Window:
    """Samples of one stretch: times float64 [n] s, weights float64 [n] in 0..1, and for which of them (rows) a result is wanted."""

    times: NDArray[np.float64]
    weights: NDArray[np.float64]
    rows: range


Taps = Callable[[Window, float], NDArray[np.float64]]  # window, seconds -> [rows, samples], each row's sum 1 or, for nothing, 0


def linear(
    taps: Taps,
    reach: float,
    values: NDArray[np.floating],
    times: NDArray[np.floating],
    valid: NDArray[np.bool_],
    seconds: float,
    *,
    weights: NDArray[np.floating] | None,
    start: int,
    stop: int | None,
) -> NDArray[np.floating]:
    """Smooth values [T,...] (see `Smoother`) by the taps of a method that looks `reach` x seconds to either side."""
    values, clock = np.asarray(values), np.asarray(times).astype(np.float64)
    stop = len(values) if stop is None else min(stop, len(values))
    out = values[start:stop].copy()
    if seconds <= 0:
        return out
    trusted = np.ones(len(values)) if weights is None else np.clip(np.asarray(weights, np.float64), 0.0, 1.0)
    for first, last in runs(valid):
        a, b = max(first, start), min(last, stop)
        if a >= b:
            continue
        low = first + int(np.searchsorted(clock[first:last], clock[a] - reach * seconds, "left"))
        high = first + int(np.searchsorted(clock[first:last], clock[b - 1] + reach * seconds, "right"))
        near = slice(low, high)
        rows = taps(Window(clock[near], trusted[near], range(a - low, b - low)), seconds)
        for row, kernel in zip(range(a, b), rows, strict=True):
            # averaging differences to the sample itself keeps a constant to the bit
            out[row - start] = values[row] + np.tensordot(kernel, values[near].astype(np.float64) - values[row], axes=1)
    return out
