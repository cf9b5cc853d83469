"""Who of those out of sight is who of those found: by where they should be by now, and by their looks.

An assignment as in SORT (Bewley et al. 2016), with an identity's cosine beside the overlap as in DeepSORT (Wojke et al. 2017).
"""

from __future__ import annotations

import numpy as np

from videdit.faces.detect import overlap
from videdit.geometry import Floats

COAST = 0.6  # s for which somebody out of sight is thought to go on moving
NEAR = 0.1  # overlap with where they should be from which somebody found may be somebody lost
STRANGER = 0.1  # cosine below which they are not, wherever they are
LOOKS = 0.5  # what a cosine counts beside an overlap
FORBIDDEN = 1e6


def moved(box: Floats, velocity: Floats, seconds: float) -> Floats:
    """A box (left, top, right, bottom px) where it would be `seconds` later at a velocity [2] px/s."""
    return box + np.tile(velocity, 2) * min(max(seconds, 0.0), COAST)


def cosine(a: Floats | None, b: Floats | None) -> float:
    """Of two embeddings [D]; NaN where one is not known."""
    if a is None or b is None:
        return float("nan")
    return float(np.dot(a, b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))


def costs(found: Floats, last: Floats, due: Floats, alike: Floats) -> Floats:
    """What it costs [N,M] to take found box n [N,4] px for lost person m, last seen at [M,4] px and due at [M,4] px by now.

    alike [N,M]: cosines of their looks, NaN where unknown. FORBIDDEN for a pair that is too far apart or does not look alike.
    """
    near = np.stack([np.maximum(overlap(box, last), overlap(box, due)) for box in found]) if len(found) else np.zeros((0, len(last)))
    looks = np.where(np.isnan(alike), 0.0, 1.0 - alike)
    return np.where((near > NEAR) & ~(alike < STRANGER), 1.0 - near + LOOKS * looks, FORBIDDEN)


def assign(cost: Floats) -> list[tuple[int, int]]:
    """The cheapest pairs (row, column) of costs [N,M], each row and column at most once, none of them FORBIDDEN."""
    if not cost.size or cost.min() >= FORBIDDEN:
        return []
    if min(cost.shape) == 1:
        row, column = np.unravel_index(int(cost.argmin()), cost.shape)
        return [(int(row), int(column))]
    from scipy.optimize import linear_sum_assignment  # only where several are lost at once

    rows, columns = linear_sum_assignment(cost)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if cost[r, c] < FORBIDDEN]
