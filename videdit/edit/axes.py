"""TL-GAN feature axes (S. Guan, 2018) in W+: w' = w + strength x calibration x axis, with attributes held by `locks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from videdit.errors import UsageError

if TYPE_CHECKING:
    from torch.nn import Module

Floats = NDArray[np.floating]


class AxisSet(Protocol):
    """What an edit needs of a pack (packs.load.Axes): `order`, the names of the A axes; `directions` float [A,L,D] of unit length
    over L*D; `distance` float [A], how far +1.0 goes along them."""

    @property
    def order(self) -> Sequence[str]: ...
    @property
    def directions(self) -> Floats: ...
    @property
    def distance(self) -> Floats: ...


class Parts(Protocol):
    """What methods use of a pack (packs.load.Pack): its axes, and its networks by name. Both raise PackError where it has none."""

    def axes(self) -> AxisSet: ...
    def has(self, name: str, /) -> bool: ...
    def loaded(self, name: str, /) -> Module: ...


class Mapper(Protocol):
    """An editing method: latents float32 [T,L,D] and strengths by source name, one number or one per frame [T], to edited latents of
    the same shape. Strength 0 gives w, to the bit; attributes in `locks` are held. Raises UsageError for names it does not know."""

    def __call__(self, w: Floats, strengths: Mapping[str, float | Floats], parts: Parts, *, locks: Sequence[str] = ...) -> Floats: ...


def disentangle(vectors: Floats, locked: Sequence[int]) -> Floats:
    """Unit axes [A,L,D] such that moving along any but the locked ones leaves the locked attributes' axes alone.

    The locked axes are orthonormalised among themselves (Gram-Schmidt), every other one is projected orthogonal to them and
    brought back to unit length; an axis that lies in their span becomes zero.
    """
    flat = np.asarray(vectors, np.float64).reshape(len(vectors), -1).copy()
    basis: list[NDArray[np.float64]] = []
    for index in locked:
        rest = _without(flat[index], basis)
        if np.linalg.norm(rest) > 1e-6:
            basis.append(rest / np.linalg.norm(rest))
            flat[index] = basis[-1]
    for index in range(len(flat)):
        if index not in locked and basis:
            rest = _without(flat[index], basis)
            length = np.linalg.norm(rest)
            flat[index] = rest / length if length > 1e-6 else 0.0
    return flat.reshape(np.shape(vectors))


def _without(vector: NDArray[np.float64], basis: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The part of a vector orthogonal to an orthonormal basis."""
    for axis in basis:
        vector = vector - (vector @ axis) * axis
    return vector


def apply(w: Floats, strengths: Mapping[str, float | Floats], parts: Parts, *, locks: Sequence[str] = ()) -> Floats:
    """Edited latents float32 [T,L,D].

    w float32 [T,L,D]; strengths by axis name, one number or one per frame [T]; +1.0 is the distance between a typical face
    without and a typical face with the attribute; locks: axis names to hold. Raises UsageError for a name the pack lacks and
    for an attribute both asked for and locked.
    """
    axes = parts.axes()
    names = list(axes.order)
    for name in (*strengths, *locks):
        if name not in names:
            raise UsageError(f"the pack has no axis {name!r}", hint="it has: " + ", ".join(names))
    both = sorted(set(strengths) & set(locks))
    if both:
        raise UsageError(f"{both[0]!r} is both edited and locked", hint="drop one of the two")
    vectors = disentangle(axes.directions, [names.index(n) for n in dict.fromkeys(locks)]) if locks else axes.directions
    out = np.array(w, np.float64)
    for name, strength in strengths.items():
        index = names.index(name)
        amount = np.asarray(strength, np.float64) * float(axes.distance[index])
        out += amount.reshape(-1, 1, 1) * np.asarray(vectors[index], np.float64)
    return out.astype(np.float32)
