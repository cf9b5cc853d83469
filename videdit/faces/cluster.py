"""People out of tracks: agglomerative clustering of how faces look, in which nobody is in two places at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from videdit.geometry import Floats

# Average cosine from which two tracks are one person; what it gets right is said in docs/pipeline.md.
ALIKE = 0.6


def cosines(looks: Floats) -> Floats:
    """[N,N] cosines of embeddings [N,D]; 1 between two that are unknown (all zeros), 0 between one that is and one that is not."""
    length = np.linalg.norm(looks, axis=1)
    unit = looks / np.maximum(length, 1e-12)[:, None]
    unknown = length == 0
    return np.where(unknown[:, None] & unknown, 1.0, unit @ unit.T)


def cluster(looks: Floats, frames: Sequence[NDArray[np.integer]], known: Sequence[int], *, alike: float = ALIKE) -> list[int]:
    """Which person each of N tracks is, counted from 0 in the order of the tracks.

    looks float [N,D]: an embedding of each track, zeros where nobody knows; frames: the numbers of the frames it is in; known: tracks
    of one of these numbers are one person, as far as they do not overlap. The two people with the largest average cosine between
    their tracks become one, until it is below `alike`; tracks that share a frame stay two people, whatever they look like.
    """
    number = len(frames)
    if not number:
        return []
    near = cosines(np.asarray(looks, np.float64).reshape(number, -1))
    label = np.asarray(known)
    near = np.where(label[:, None] == label, np.maximum(near, 1.0), near)
    apart = np.array([[i != j and len(np.intersect1d(a, b)) > 0 for j, b in enumerate(frames)] for i, a in enumerate(frames)])
    groups = [[i] for i in range(number)]
    while len(groups) > 1:
        best, pair = alike, None
        for i, one in enumerate(groups):
            for j, other in enumerate(groups[:i]):
                if apart[np.ix_(one, other)].any():
                    continue
                likeness = float(near[np.ix_(one, other)].mean())
                if likeness >= best and (pair is None or likeness > best):
                    best, pair = likeness, (j, i)
        if pair is None:
            break
        groups[pair[0]] += groups.pop(pair[1])
    groups.sort(key=min)
    return [next(g for g, group in enumerate(groups) if track in group) for track in range(number)]
