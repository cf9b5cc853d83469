"""Pixels instead of latents (DIAT, Li et al. 2016): crops in, crops out, without a generator; a network per direction of an attribute.

A local attribute acts in the hull of its landmarks, and outside it the result is the source. A network draws the whole change, `scales`
times that is a strength of 1; strengths fade or exaggerate it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from videdit.edit.axes import Floats, Parts
from videdit.edit.locks import per_frame
from videdit.errors import UsageError
from videdit.networks.copies import off, onto
from videdit.networks.transform import PixelEditors
from videdit.packs.manifest import direction

Crops = NDArray[np.float32]

# landmarks whose hull is a region, and how much larger than it the region is: frames lie outside the eyes, and a mouth takes the chin along
REGIONS: dict[str, tuple[tuple[int, ...], float]] = {
    "eyes": ((0, 16, *range(17, 31), *range(36, 48)), 1.15),
    "mouth": ((*range(4, 13), *range(31, 36), *range(48, 68)), 1.05),
}
LOCAL = {
    "Eyeglasses": "eyes",
    "Narrow_Eyes": "eyes",
    "Arched_Eyebrows": "eyes",
    "Bushy_Eyebrows": "eyes",
    "Bags_Under_Eyes": "eyes",
    "Mouth_Slightly_Open": "mouth",
    "Smiling": "mouth",
    "Big_Lips": "mouth",
    "Wearing_Lipstick": "mouth",
}
SOFT = 0.02  # of the crop's side: how far a region's edge fades, inwards
FACE = 0.04  # likewise where the region is all of the face: what lies behind its edge must not be drawn onto it, nor hair
DRAWN = 0.1  # likewise, for what a network draws into all of the face: near the edge it takes what lies behind for skin, and lights it up
OWN = (range(36, 42), range(42, 48), range(60, 68))  # what shows between lids and lips: no change there is exaggerated
BOLD = 24.0  # levels beyond which a change of all of the face is not exaggerated


class Drawer(Protocol):
    """A method that goes from crops to crops, and says where they may differ; see `apply`."""

    def __call__(
        self, crops: Crops, landmarks: Floats, strengths: Mapping[str, float | Floats], parts: Parts, *, locks: Sequence[str] = ...
    ) -> tuple[Crops, Crops]: ...


def inside(landmarks: Floats, size: int, region: str, fade: float | None = None) -> Crops:
    """[size,size] in 0..1: where a region's network may act, from landmarks [>=68,2] px of the crop; exactly 0 outside the hull, which
    without a region is that of the face. fade: instead of SOFT or FACE."""
    numbers, grow = REGIONS[region] if region else (range(len(landmarks)), 1.0)
    mask = hull(landmarks, size, numbers, grow)
    mask[[0, -1]] = mask[:, [0, -1]] = 0  # the crop's border is an edge too
    fade = fade or (SOFT if region else FACE)
    return _smooth(cv2.distanceTransform(mask, cv2.DIST_L2, 3) / (2 * fade * size))


def but_own(landmarks: Floats, size: int) -> Crops:
    """[size,size] in 0..1: 0 where OWN is seen, 1 from SOFT beside it on."""
    share = np.ones((size, size), np.float32)
    for own in OWN:
        share *= _smooth(cv2.distanceTransform(1 - hull(landmarks, size, own, 1.0), cv2.DIST_L2, 3) / (SOFT * size))
    return share


def hull(landmarks: Floats, size: int, numbers: Iterable[int], grow: float) -> NDArray[np.uint8]:
    """[size,size], 1 inside the convex hull of these landmarks, `grow` times as large as it is."""
    points = np.asarray(landmarks, np.float64)[list(numbers)]
    points = points.mean(0) + (points - points.mean(0)) * grow
    outline = cv2.convexHull(points.astype(np.float32).reshape(-1, 1, 2)).reshape(-1, 2)
    mask = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(mask, np.rint((outline - 0.5) * 16).astype(np.int32), (1,), cv2.LINE_8, 4)
    return mask


def _smooth(depth: Floats) -> Crops:
    """0 to 1 as depth goes there, without a kink at either end."""
    depth = np.clip(depth, 0, 1)
    return np.asarray(depth**2 * (3 - 2 * depth), np.float32)


@torch.inference_mode()
def apply(
    crops: Crops, landmarks: Floats, strengths: Mapping[str, float | Floats], parts: Parts, *, locks: Sequence[str] = ()
) -> tuple[Crops, Crops]:
    """Edited crops float32 [N,S,S,3] RGB 0..255 of crops and landmarks [N,78,2] px of them; and where they may differ, [N,S,S] in 0..1.

    strengths by source name, one number or one per crop [N], its sign the direction; each transform works on what the one before it made.
    Strength 0 gives the crops, to the bit. Locks are nothing to a network that draws one thing. Raises UsageError for a direction that
    the pack has no transform for, PackError where it has none at all.
    """
    network = parts.loaded("pixel")
    assert isinstance(network, PixelEditors)
    both = sorted(set(strengths) & set(locks))
    if both:
        raise UsageError(f"{both[0]!r} is both edited and locked", hint="drop one of the two")
    device, size = next(network.parameters()).device, crops.shape[1]
    out, reach = np.array(crops, np.float32), np.zeros(crops.shape[:3], np.float32)
    for source, amounts in zip(strengths, per_frame(strengths, len(crops)).T, strict=True):
        for sign in (-1, 1):
            asked = np.maximum(sign * amounts, 0)
            if not asked.any():
                continue
            which = number(network, source, sign)
            share = (network.scales[which] * asked).astype(np.float32)[:, None, None, None]
            region = network.regions[which]
            masks = np.stack([inside(points, size, region, None if region else DRAWN) for points in landmarks])
            image = onto(out, device).permute(0, 3, 1, 2).div(127.5).sub(1).contiguous(memory_format=torch.channels_last)
            change: Crops = np.float32(127.5) * off(network(image, which, onto(masks, device)[:, None]).float().permute(0, 2, 3, 1))
            if region or (share <= 1).all():
                change = change * share
            else:
                free = np.stack([but_own(points, size) for points in landmarks])[..., None]
                change = exaggerated(change, np.minimum(share, 1) + np.maximum(share - 1, 0) * free)
            moved = np.clip(out + change, 0, 255)
            out = np.where(masks[..., None] * share > 0, moved, out).astype(np.float32)
            reach = np.maximum(reach, masks * (asked > 0)[:, None, None])
    return out, reach


def exaggerated(change: Crops, share: Floats) -> Crops:
    """A change of all of the face, in levels, times shares of it that broadcast to it. Beyond 1 only what is faint grows, up to BOLD: a
    fold gets deeper, while brows and lids, which are bold already, would turn white."""
    more = BOLD * np.tanh(change * share / BOLD)
    more = np.where(np.abs(more) < np.abs(change), change, more)
    return np.where(share > 1, more, change * share).astype(np.float32)


def number(network: PixelEditors, source: str, sign: float) -> int:
    """Which of the transforms. Raises UsageError naming what there is."""
    name = direction(source, sign)
    if name not in network.transforms:
        raise UsageError(f"the pack has no pixel transform {name}", hint="it has: " + ", ".join(network.transforms))
    return network.transforms.index(name)
