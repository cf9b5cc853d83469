"""Does the person stay the same, from frame to frame and against the source.

Embeddings are float [T,D], one row a frame; their length does not matter, cosines are taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def _unit(embeddings: Floats) -> NDArray[np.float64]:
    values = np.asarray(embeddings, np.float64)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)


def cosines(source: Floats, edited: Floats) -> NDArray[np.float64]:
    """Cosine [T] between each source frame's embedding and its edited frame's. Both [T,D]."""
    return (_unit(source) * _unit(edited)).sum(1)


def temporal_identity(source: Floats, edited: Floats) -> tuple[float, float]:
    """TL-ID and TG-ID of a track (Tzaban et al. 2022, "Stitch it in Time"): 1.0 is as consistent as the source.

    source, edited [T,D]. S = E E^T of unit embeddings, R = S_edited / S_source elementwise; TL-ID is the mean of R's first
    superdiagonal (neighbouring frames), TG-ID of everything off the diagonal. Doing nothing scores 1: never quote them
    without the change rate. NaN with fewer than two frames.
    """
    if len(source) < 2:
        return float("nan"), float("nan")
    a, b = _unit(source), _unit(edited)
    ratio = (b @ b.T) / (a @ a.T)
    off = ~np.eye(len(ratio), dtype=bool)
    return float(np.diagonal(ratio, 1).mean()), float(ratio[off].mean())


def strangers(groups: list[Floats]) -> float:
    """Mean cosine between embeddings of different people: one array [T,D] a person. What "not the same" scores. NaN alone."""
    means = []
    for i, first in enumerate(groups):
        for second in groups[i + 1 :]:
            means.append(float((_unit(first) @ _unit(second).T).mean()))
    return float(np.mean(means)) if means else float("nan")
