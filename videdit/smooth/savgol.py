"""Savitzky-Golay smoothing in seconds, on real timestamps: a parabola fitted around every sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videdit.smooth.linear import Window, linear

REACH = 4.0  # half the window, in `seconds`: then white noise is damped as by a Gaussian of that standard deviation
SOFT = 0.15  # share of the half window over which weights fall to zero, so that rounding of times does not decide at its border
ORDER = 2


def savgol(
    values: NDArray[np.floating],
    times: NDArray[np.floating],
    valid: NDArray[np.bool_],
    seconds: float,
    *,
    weights: NDArray[np.floating] | None = None,
    start: int = 0,
    stop: int | None = None,
) -> NDArray[np.floating]:
    """The parabola fitted to what lies within 4 x seconds, least squares under the weights (Savitzky and Golay, 1964).

    It keeps peaks better than a Gaussian as steady as it, at the cost of overshoot beside steps. See `Smoother` for the arguments.
    """
    return linear(_taps, REACH, values, times, valid, seconds, weights=weights, start=start, stop=stop)


def _taps(window: Window, seconds: float) -> NDArray[np.float64]:
    """What each sample of the window adds to the fit in its rows: [rows, samples]."""
    return np.stack([_fit(window.times - window.times[row], window.weights, REACH * seconds) for row in window.rows])


def _fit(offset: NDArray[np.float64], weights: NDArray[np.float64], half: float) -> NDArray[np.float64]:
    """[samples], at offset 0; of a lower order where fewer samples have weight."""
    weight = weights * np.clip((1 - np.abs(offset) / half) / SOFT, 0.0, 1.0)
    order = min(ORDER, int((weight > 0).sum()) - 1)
    if order < 0:
        return np.zeros(len(offset))
    basis = (offset[:, None] / half) ** np.arange(order + 1)
    root = np.sqrt(weight)[:, None]
    taps: NDArray[np.float64] = np.linalg.pinv(root * basis)[0] * root[:, 0]
    return taps
