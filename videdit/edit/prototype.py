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
from videdit.edit.pixel import Crops
from videdit.errors import UsageError
from videdit.networks.copies import off
from videdit.networks.prototype import Prototypes
from videdit.packs.manifest import direction
from videdit.triangles import spread

NOTHING = 0.02  # of a layer's share, below which it does nothing: a cubic warp rings


def warped(layer: NDArray[np.float32], points: Floats, to: Floats, size: int) -> Crops:
    """A layer [S,S,C] (C at most 4) as a square [size,size,C] in which its landmarks `points` [78,2] px lie at `to`, linear between them
    and still at its border; px from the top-left corner."""
    border = np.array([(x, y) for x in (0.0, 0.5, 1.0) for y in (0.0, 0.5, 1.0) if (x, y) != (0.5, 0.5)])
    ends = np.concatenate([np.asarray(to, np.float64), border * size])
    starts = np.concatenate([np.asarray(points, np.float64), border * len(layer)])
    where = spread(ends, starts, size) - np.float32(0.5)  # OpenCV counts from the first pixel's centre
    return np.asarray(cv2.remap(layer, where[..., 0], where[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)


def apply(
    crops: Crops, landmarks: Floats, strengths: Mapping[str, float | Floats], parts: Parts, *, locks: Sequence[str] = ()
) -> tuple[Crops, Crops]:
    """Edited crops float32 [N,S,S,3] RGB 0..255 of crops and landmarks [N,78,2] px of them; and where they may differ, [N,S,S] in 0..1.

    strengths by source name, one number or one per crop [N], its sign the direction: powers of what the layer multiplies by. Strength 0
    gives the crops, to the bit. Locks are nothing to a layer. Raises UsageError for a direction that the pack has no prototype of,
    PackError where it has none at all.
    """
    known = parts.loaded("prototype")
    assert isinstance(known, Prototypes)
    both = sorted(set(strengths) & set(locks))
    if both:
        raise UsageError(f"{both[0]!r} is both edited and locked", hint="drop one of the two")
    out, reach, size = np.array(crops, np.float32), np.zeros(crops.shape[:3], np.float32), crops.shape[1]
    points = off(known.points)
    for source, amounts in zip(strengths, per_frame(strengths, len(crops)).T, strict=True):
        for sign in (-1, 1):
            if not (sign * amounts > 0).any():
                continue
            name = direction(source, sign)
            if name not in known.transforms:
                raise UsageError(f"the pack has no prototype {name}", hint="it has: " + ", ".join(known.transforms))
            which = known.transforms.index(name)
            layer = np.ascontiguousarray(off(known.layers[which]).transpose(1, 2, 0), np.float32)
            for row in np.flatnonzero(sign * amounts > 0):
                on = warped(layer, points, landmarks[row], size)
                share = np.where(on[..., 1] < NOTHING, 0, np.clip(on[..., 1], 0, 1))
                changed = np.clip(out[row] * np.exp(known.scales[which] * abs(float(amounts[row])) * on[..., :1]), 0, 255)
                out[row] = np.where(share[..., None] > 0, changed, out[row])
                reach[row] = np.maximum(reach[row], share)
    return out, reach
