"""`--lock` for methods that are no axes: the part of a move that goes along a locked attribute's axis is taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from videdit.edit.axes import AxisSet, Floats
from videdit.errors import UsageError

MOST = 2.0  # a move that mostly went along a locked axis is not stretched back to its length, only this far


def check_names(strengths: Mapping[str, object], locks: Sequence[str], known: Sequence[str], what: str) -> None:
    """Raises UsageError for a strength the method does not know and for an attribute both asked for and locked."""
    for name in strengths:
        if name not in known:
            raise UsageError(f"the pack has no {what} for {name!r}", hint="it has: " + ", ".join(known))
    both = sorted(set(strengths) & set(locks))
    if both:
        raise UsageError(f"{both[0]!r} is both edited and locked", hint="drop one of the two")


def hold(moves: Floats, axes: AxisSet, locks: Sequence[str]) -> NDArray[np.float64]:
    """Moves [T,L,D] made orthogonal to the locked attributes' axes, and brought back to their length as far as MOST allows.

    Raises UsageError for a lock the axes do not know.
    """
    moves = np.asarray(moves, np.float64)
    for name in locks:
        if name not in axes.order:
            raise UsageError(f"the pack has no axis {name!r}", hint="it has: " + ", ".join(axes.order))
    flat = moves.reshape(len(moves), -1)
    locked = np.asarray([axes.directions[list(axes.order).index(name)] for name in locks], np.float64).reshape(len(locks), -1)
    # the locked axes' span, without directions that are there only by rounding
    basis, sizes, _ = np.linalg.svd(locked.T, full_matrices=False)
    basis = basis[:, sizes > 1e-6]
    rest = flat - (flat @ basis) @ basis.T
    before, after = np.linalg.norm(flat, axis=1), np.linalg.norm(rest, axis=1)
    stretch = np.minimum(before / np.maximum(after, 1e-12), MOST)
    return (rest * stretch[:, None]).reshape(moves.shape)


def per_frame(strengths: Mapping[str, float | Floats], count: int) -> NDArray[np.float32]:
    """Strengths as an array [T,K]: one number serves every frame."""
    columns = [np.broadcast_to(np.asarray(value, np.float32).reshape(-1), (count,)) for value in strengths.values()]
    return np.stack(columns, 1) if columns else np.zeros((count, 0), np.float32)
