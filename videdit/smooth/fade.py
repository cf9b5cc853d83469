"""How much of an edit shows in each frame of a track: all of it, but for a short ramp where the face comes or goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videdit.smooth.gaussian import runs

FADE = 0.2  # seconds from nothing to all
BLINK = 0.2  # seconds between two sights of a face that the edit is carried over: it could not go and come back in less


def bridge(times: NDArray[np.floating], valid: NDArray[np.bool_], seconds: float = BLINK) -> NDArray[np.bool_]:
    """valid bool [T] with gaps of at most `seconds` between two valid stretches filled."""
    out = np.array(valid, bool)
    for start, stop in runs(~out):
        if start > 0 and stop < len(out) and times[stop] - times[start - 1] <= seconds:
            out[start:stop] = True
    return out


def fade(
    times: NDArray[np.floating], valid: NDArray[np.bool_], *, seconds: float = FADE, open_start: bool = False, open_end: bool = False
) -> NDArray[np.float32]:
    """Share of the edit float32 [T] in 0..1: 0 in gaps, a smooth ramp of `seconds` beside them and at the track's ends.

    times float [T] s; valid bool [T]. open_start, open_end: the track begins (ends) with the clip or at a cut, so that end needs no
    ramp. A frame next to a gap is as far from it as from the last frame that shows no face.
    """
    out = np.zeros(len(times), np.float32)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    for start, stop in runs(valid):
        here = np.asarray(times[start:stop], np.float64)
        ramp = np.ones(stop - start)
        if seconds > 0 and not (start == 0 and open_start):
            before = times[start - 1] if start > 0 else here[0] - step
            ramp = np.minimum(ramp, (here - before) / seconds)
        if seconds > 0 and not (stop == len(times) and open_end):
            after = times[stop] if stop < len(times) else here[-1] + step
            ramp = np.minimum(ramp, (after - here) / seconds)
        ramp = np.clip(ramp, 0.0, 1.0)
        out[start:stop] = ramp * ramp * (3 - 2 * ramp)
    return out
