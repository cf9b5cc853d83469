"""Smoothing over time. One function serves geometry, latents and changes; METHODS names those that `--smoother` can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from videdit.smooth.fade import bridge, fade
from videdit.smooth.gaussian import REACH as GAUSSIAN
from videdit.smooth.gaussian import gaussian
from videdit.smooth.lowpass import REACH as LOWPASS
from videdit.smooth.lowpass import lowpass
from videdit.smooth.one_euro import REACH as ONE_EURO
from videdit.smooth.one_euro import one_euro
from videdit.smooth.robust import trust
from videdit.smooth.savgol import REACH as SAVGOL
from videdit.smooth.savgol import savgol


class Smoother(Protocol):
    """values float [T,...] at times float [T] s, increasing -> rows start..stop, smoothed, of values' dtype.

    valid bool [T]: False separates stretches, such samples are returned as they are; seconds: how far, as the standard deviation of
    a Gaussian that damps white noise as much, 0 or less changes nothing; weights float [T] in 0..1, the confidence of each sample
    (default: all alike). A constant comes back to the bit.
    """

    def __call__(
        self,
        values: NDArray[np.floating],
        times: NDArray[np.floating],
        valid: NDArray[np.bool_],
        seconds: float,
        *,
        weights: NDArray[np.floating] | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> NDArray[np.floating]: ...


@dataclass(frozen=True, slots=True)
class Method:
    """A smoother; how far it looks to either side, in its `seconds`; and whether it looks at the past only."""

    smooth: Smoother
    reach: float
    causal: bool = False


METHODS: dict[str, Method] = {
    "gaussian": Method(gaussian, GAUSSIAN),
    "savgol": Method(savgol, SAVGOL),
    "lowpass": Method(lowpass, LOWPASS),
    "one-euro": Method(one_euro, ONE_EURO, causal=True),
}


def reach(seconds: float, method: str = "gaussian") -> float:
    """How far, in seconds, smoothing looks to either side."""
    return METHODS[method].reach * max(0.0, seconds)


__all__ = ["METHODS", "Method", "Smoother", "bridge", "fade", "gaussian", "lowpass", "one_euro", "reach", "savgol", "trust"]
