"""Does the edit do what was asked, and nothing else, in the eyes of an attribute classifier.

Probabilities are float [T] or [T,A] in 0..1; the classifier should not be one that took part in training.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def change_rate(before: Floats, after: Floats, sign: float, *, threshold: float = 0.5) -> tuple[float, int]:
    """Share of the frames that needed changing that crossed `threshold` the asked way, and how many needed it.

    before, after [T]: probability of the attribute in source and edited frames. sign > 0 asks for it, < 0 against it. NaN and 0
    when every frame was on the asked side before.
    """
    before, after = np.asarray(before), np.asarray(after)
    needed = before < threshold if sign > 0 else before >= threshold
    if not needed.any():
        return float("nan"), 0
    reached = after >= threshold if sign > 0 else after < threshold
    return float(reached[needed].mean()), int(needed.sum())


def preservation(before: Floats, after: Floats, changed: list[int], *, tolerance: float = 0.25) -> float:
    """Share of the other attributes, over all frames, whose probability moved by less than `tolerance`.

    before, after [T,A]; changed: columns that were asked to change (and are left out).
    """
    others = np.setdiff1d(np.arange(np.asarray(before).shape[1]), changed)
    return float((np.abs(np.asarray(after) - np.asarray(before))[:, others] < tolerance).mean())


def mean_shift(before: Floats, after: Floats) -> float:
    """Mean difference of probabilities [T]: how far the attribute moved, also where nothing crossed."""
    return float((np.asarray(after) - np.asarray(before)).mean())
