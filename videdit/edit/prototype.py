"""Layers of light and dark on a face's own pixels: a prototype of what people with an attribute have in common, brought to the landmarks of
each face (after Rowland and Perrett, 1995: manipulating facial appearance through shape and colour).

What is worn moves with the face, has the same shape in every frame, and lets skin, light and grain below shine through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.edit.axes import Floats, Parts
from videdit.edit.locks import per_frame
from videdit.edit.pixel import Crops, inside
from videdit.errors import UsageError
from videdit.networks.copies import off
from videdit.networks.prototype import Prototypes
from videdit.packs.manifest import direction
from videdit.triangles import spread

NOTHING = 0.02  # of a layer's share, below which it does nothing: a cubic warp rings
EDGE = 4.0  # how much more suddenly a layer ends at the hull of the face than what is drawn into all of it
CLEAR = 0.6  # logarithm by which the lighter parts of a face are lighter than the darker ones, on 19 of 20 photographs or more
COARSE = 0.03  # of the side
ASIDE = (2.0, 4.0)  # how much smaller than on the layer skin is seen where the layer begins to fade, and has: it faces away


def places(points: Floats, to: Floats, side: int, size: int) -> Crops:
    """Where on a layer [side,side] with landmarks `points` [78,2] px each pixel of a square lies in which they are at `to`: float32
    [size,size,2] px, linear between them and still at the border; all from the top-left corner."""
    border = np.array([(x, y) for x in (0.0, 0.5, 1.0) for y in (0.0, 0.5, 1.0) if (x, y) != (0.5, 0.5)])
    ends = np.concatenate([np.asarray(to, np.float64), border * size])
    starts = np.concatenate([np.asarray(points, np.float64), border * side])
    return spread(ends, starts, size)


def laid(layer: NDArray[np.float32], where: Crops) -> Crops:
    """A layer [S,S,C] (C at most 4) read at `places`."""
    where = where - np.float32(0.5)  # OpenCV counts from the first pixel's centre
    return np.asarray(cv2.remap(layer, where[..., 0], where[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)


def warped(layer: NDArray[np.float32], points: Floats, to: Floats, size: int) -> Crops:
    """A layer [S,S,C] (C at most 4) as a square [size,size,C] in which its landmarks `points` [78,2] px lie at `to`."""
    return laid(layer, places(points, to, len(layer), size))


def facing(where: Crops, side: int) -> Crops:
    """[size,size] in 0..1 for `places` on a layer of that side: 0 where skin is turned away, and a layer would be squeezed into streaks.
    Seen coarsely: lips that meet squeeze what lies between them too."""
    size = len(where)
    coarse = cv2.GaussianBlur(where * np.float32(size / side), (0, 0), COARSE * size, borderType=cv2.BORDER_REFLECT)
    across, down = np.gradient(coarse, axis=1), np.gradient(coarse, axis=0)
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]  # how much of the layer, in its pixels, one pixel shows
    share = np.clip((ASIDE[1] - np.where(area > 0, area, np.inf)) / (ASIDE[1] - ASIDE[0]), 0, 1)
    return np.asarray(share, np.float32)


def clearness(crop: Crops, face: Crops) -> float:
    """0..1: how much contrast a face shows beside CLEAR; face [S,S] in 0..1: where it is (`inside`). In haze, or on small or dim pictures,
    black is not black, nor is a layer's."""
    skin = face > 0.5
    if not skin.any():
        return 1.0
    low, high = np.quantile(np.log(np.clip(crop, 0, 255).mean(-1)[skin] + 8), (0.05, 0.95))
    return float(min(1.0, (high - low) / CLEAR))


def grown(layer: Crops, strength: float, limit: float) -> Crops:
    """What a layer does (logarithms, at +1) at a strength: times it, but beyond 1 nothing goes past a limit that was not past it before. So
    more folds show, and the deepest don't become black lines. limit 0: none."""
    if strength <= 1 or not limit:
        return np.asarray(np.float32(strength) * layer, np.float32)
    more = limit * np.tanh(strength * layer / limit)
    return np.where(np.abs(more) < np.abs(layer), layer, more).astype(np.float32)


def apply(
    crops: Crops, landmarks: Floats, strengths: Mapping[str, float | Floats], parts: Parts, *, locks: Sequence[str] = ()
) -> tuple[Crops, Crops]:
    """Edited crops float32 [N,S,S,3] RGB 0..255 of crops and landmarks [N,78,2] px of them; and where they may differ, [N,S,S] in 0..1.

    strengths by source name, one number or one per crop [N], its sign the direction: powers of what the layer multiplies by (but see
    `grown`), less in pictures without contrast (`clearness`). Strength 0 gives the crops, to the bit. Locks are nothing to a layer.
    Raises UsageError for a direction that the pack has no prototype of, PackError where it has none at all.
    """
    known = parts.loaded("prototype")
    assert isinstance(known, Prototypes)
    both = sorted(set(strengths) & set(locks))
    if both:
        raise UsageError(f"{both[0]!r} is both edited and locked", hint="drop one of the two")
    out, reach, size = np.array(crops, np.float32), np.zeros(crops.shape[:3], np.float32), crops.shape[1]
    points = off(known.points)
    asked: list[tuple[int, Floats]] = []  # which layer, how much of it for each crop
    for source, amounts in zip(strengths, per_frame(strengths, len(crops)).T, strict=True):
        for sign in (-1, 1):
            if not (sign * amounts > 0).any():
                continue
            name = direction(source, sign)
            if name not in known.transforms:
                raise UsageError(f"the pack has no prototype {name}", hint="it has: " + ", ".join(known.transforms))
            asked.append((known.transforms.index(name), np.maximum(sign * amounts, 0)))
    layers = {which: np.ascontiguousarray(off(known.layers[which]).transpose(1, 2, 0), np.float32) for which, _ in asked}
    for row, (crop, at) in enumerate(zip(crops, landmarks, strict=True)):
        acting = [(which, float(amounts[row])) for which, amounts in asked if amounts[row] > 0]
        if not acting:
            continue
        face = inside(at, size, "")
        where, clear = places(points, at, known.layers.shape[-1], size), clearness(crop, face)
        shown = np.minimum(1, EDGE * face) * facing(where, known.layers.shape[-1])  # behind the edge of a turned face a layer goes on
        for which, amount in acting:
            on = laid(layers[which], where) * shown[..., None]
            share = np.where(on[..., -1] < NOTHING, 0, np.clip(on[..., -1], 0, 1))
            times = grown(known.scales[which] * on[..., :-1], amount, known.limits[which])
            changed = np.clip(out[row] * np.exp(clear * times), 0, 255)
            out[row] = np.where(share[..., None] > 0, changed, out[row])
            reach[row] = np.maximum(reach[row], share)
    return out, reach
