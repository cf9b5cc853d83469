"""The One-Euro filter: causal, steady while little happens and quick while much does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videdit.smooth.gaussian import runs

REACH = 14.0  # in `seconds`, back in time: e^-8 of a sample is left beyond
SLOPE = 5.0  # how much the cut-off rises with speed, in units of the noise's own
SPEED_CUTOFF = 2.0  # Hz
FASTEST = 1e3  # Hz, where nothing is held back any more
NOISE = 1.0  # s of the past whose quieter frames say how large the noise is


def cutoff(seconds: float) -> float:
    """Hz, at rest: white noise is damped as by a Gaussian of that standard deviation (noise bandwidth pi fc = 1 / (2 sqrt(pi) seconds))."""
    return float(1 / (2 * np.pi**1.5 * seconds))


def one_euro(
    values: NDArray[np.floating],
    times: NDArray[np.floating],
    valid: NDArray[np.bool_],
    seconds: float,
    *,
    weights: NDArray[np.floating] | None = None,
    start: int = 0,
    stop: int | None = None,
) -> NDArray[np.floating]:
    """An exponential mean whose cut-off rises with speed (Casiez, Roussel and Vogel, CHI 2012); it looks at the past only.

    All components of a sample share one cut-off. Speed is their RMS, filtered as the paper filters it, over the noise's: the median
    of what the frames of the past second moved. So one slope serves pixels and latents alike. A sample's weight scales how much of it
    is taken in. See `Smoother` for the arguments; a result begins afresh 14 x seconds before `start`.
    """
    values, clock = np.asarray(values), np.asarray(times).astype(np.float64)
    stop = len(values) if stop is None else min(stop, len(values))
    out = values[start:stop].copy()
    if seconds <= 0:
        return out
    trusted = np.ones(len(values)) if weights is None else np.clip(np.asarray(weights, np.float64), 0.0, 1.0)
    for first, last in runs(valid):
        a, b = max(first, start), min(last, stop)
        if a < b:
            low = first + int(np.searchsorted(clock[first:last], clock[a] - REACH * seconds, "left"))
            _follow(values[low:b], clock[low:b], trusted[low:b], seconds, out[a - start : b - start])
    return out


def _follow(
    values: NDArray[np.floating],
    times: NDArray[np.float64],
    weights: NDArray[np.float64],
    seconds: float,
    out: NDArray[np.floating],
) -> None:
    """Filter a stretch from its start; the last rows go into `out`."""
    skip = len(values) - len(out)
    state = values[int(np.argmax(weights > 0))].astype(np.float64)  # the first that is to be trusted at all
    speed = np.zeros_like(state)
    steps: list[tuple[float, float]] = []  # time, and what the frame moved a second
    for i in range(len(values)):
        gap = times[i] - times[i - 1] if i > 0 else 0.0
        if gap > 0:  # what has the time of the sample before is not taken in
            moved = (values[i].astype(np.float64) - values[i - 1]) / gap if min(weights[i], weights[i - 1]) > 0 else speed
            steps = [s for s in steps if s[0] >= times[i] - NOISE] + [(times[i], _rms(moved))]
            speed = speed + _alpha(SPEED_CUTOFF, gap) * (moved - speed)
            usual = float(np.median([s for _, s in steps]))
            fast = _rms(speed) / max(usual, 1e-300)
            share = _alpha(min(cutoff(seconds) * (1 + SLOPE * fast), FASTEST), gap) * weights[i]
            state = state + share * (values[i] - state)
        if i >= skip:
            out[i - skip] = state


def _alpha(cut: float, gap: float) -> float:
    """How much of a new sample is taken in."""
    return float(1 / (1 + 1 / (2 * np.pi * cut * gap)))


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else 0.0
