"""Zero-phase Butterworth low-pass in seconds, on real timestamps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videdit.smooth.linear import Window, linear
from videdit.smooth.robust import repaired

REACH = 6.0  # in `seconds`: what the filter still remembers beyond is about 1 %
ORDER = 2
FINE = 6.0  # steps of the even grid per `seconds`, at least


def cutoff(seconds: float) -> float:
    """Hz (-3 dB of one pass): white noise is damped as by a Gaussian of that standard deviation.

    Both ways the response is 1 / (1 + (f/fc)^4), whose noise bandwidth is 3 pi fc / (4 sqrt 2); the Gaussian's is 1 / (2 sqrt(pi) seconds).
    """
    return 4 * np.sqrt(2) / (3 * np.pi) / (2 * np.sqrt(np.pi) * seconds)


def lowpass(
    values: NDArray[np.floating],
    times: NDArray[np.floating],
    valid: NDArray[np.bool_],
    seconds: float,
    *,
    weights: NDArray[np.floating] | None = None,
    start: int = 0,
    stop: int | None = None,
) -> NDArray[np.floating]:
    """A second-order Butterworth filter run there and back (Gustafsson 1996, scipy.signal.sosfiltfilt) over an even grid.

    Straight lines lead from the samples to the grid and back; what a sample's weight lacks of 1, its neighbours stand in for. It has the
    sharpest edge between what it keeps and what it drops, and rings a little beside steps. See `Smoother` for the arguments.
    """
    return linear(_taps, REACH, values, times, valid, seconds, weights=weights, start=start, stop=stop)


def _taps(window: Window, seconds: float) -> NDArray[np.float64]:
    from scipy.signal import butter, sosfiltfilt  # a default run does without

    times, count = window.times, len(window.times)
    if count == 1:
        return np.ones((1, 1))
    source = repaired(times, window.weights)
    if times[-1] == times[0]:  # no time passes
        return source[window.rows.start : window.rows.stop]
    steps = np.diff(times)
    step = min(seconds / FINE, float(np.median(steps[steps > 0])))
    points = int(np.ceil((times[-1] - times[0]) / step)) + 1
    grid = np.linspace(times[0], times[-1], points)
    rate = (points - 1) / (times[-1] - times[0])
    wanted = 2 * cutoff(seconds) / rate
    if wanted >= 1:  # samples lie further apart than anything to be filtered
        return source[window.rows.start : window.rows.stop]
    even = _between(grid, times) @ source
    filters = butter(ORDER, wanted, output="sos")
    border = min(points - 1, int(3 * seconds * rate))
    both = [sosfiltfilt(filters, part, axis=0, padlen=border) for part in (even, even[::-1])]
    taps: NDArray[np.float64] = _between(times[window.rows.start : window.rows.stop], grid) @ ((both[0] + both[1][::-1]) / 2)
    return taps


def _between(wanted: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matrix [wanted, known]: straight lines between samples at known times, read at others."""
    after = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
    gap = known[after] - known[after - 1]
    share = np.clip((wanted - known[after - 1]) / np.where(gap > 0, gap, 1.0), 0.0, 1.0)
    out = np.zeros((len(wanted), len(known)))
    rows = np.arange(len(wanted))
    out[rows, after - 1] = 1 - share
    out[rows, after] += share
    return out
