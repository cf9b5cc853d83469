"""What lies in front of a face, found in its crops, kept with its track, and left out of every change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.composite import Change
from videdit.composite.mask import smoothstep
from videdit.invert.encoder import in_batches, to_image
from videdit.networks.copies import off
from videdit.packs.load import Pack

FOUND = (0.25, 0.6)  # share of a pixel that is said to be covered, at which the edit begins to give way, and has
LEAST = 0.01  # of the crop: less is a mistake
GAP = 0.14  # of the mask's side: what lies between two covered places is covered too, such as a stripe of a cup
Masks = NDArray[np.uint8]
Look = Callable[[NDArray[np.float32]], Masks]  # crops [N,S,S,3] RGB 0..255 -> covered [N,s,s] in 0..255


@dataclass(slots=True)
class Covers:
    """Of a track: masks uint8 [K,s,s] (255: covered) of its rows `rows` [K], increasing; nothing lies in front in the others."""

    rows: NDArray[np.integer] = field(default_factory=lambda: np.zeros(0, np.int64))
    masks: Masks = field(default_factory=lambda: np.zeros((0, 1, 1), np.uint8))

    def at(self, row: int, size: int) -> NDArray[np.float32] | None:
        """How far the edit gives way in a row of the track: [size,size] in 0..1, or None for nowhere.

        The median of a row and its neighbours, so that what is seen once only does not count, in this row or the next or the one before,
        so that what comes and goes is not late; crops follow the face, so it stays in its place meanwhile.
        """
        seen = [middle for near in (row - 1, row, row + 1) if (middle := self._middle(near)) is not None]
        if not seen:
            return None
        middle = np.max(seen, axis=0)
        wide = 2 * round(GAP * len(middle) / 2) + 1
        # what leaves the crop ends nowhere
        framed = cv2.copyMakeBorder(middle.astype(np.float32) / 255, *[wide] * 4, cv2.BORDER_REPLICATE)
        closed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide)))
        grown = cv2.dilate(closed, np.ones((3, 3), np.uint8))[wide:-wide, wide:-wide]
        return smoothstep(cv2.resize(grown, (size, size), interpolation=cv2.INTER_LINEAR), *FOUND)

    def _middle(self, row: int) -> NDArray[np.floating] | Masks | None:
        """The median [s,s] of a row and its neighbours; None where only one of them is covered, or none."""
        near = np.searchsorted(self.rows, (row - 1, row, row + 1))
        found = [self.masks[i] for i, r in zip(near, (row - 1, row, row + 1), strict=True) if i < len(self.rows) and self.rows[i] == r]
        if len(found) < 2:
            return None
        return np.median(np.stack(found), axis=0) if len(found) == 3 else np.minimum(*found)


def looker(pack: Pack) -> Look | None:
    """The pack's network for it, if it has one."""
    if not pack.has("occluder"):
        return None
    network = pack.loaded("occluder")

    def look(crops: NDArray[np.float32]) -> Masks:
        found = in_batches(network, to_image(crops, pack.device)).sigmoid()
        return (off(found.float()) * 255).astype(np.uint8)

    return look


def covers(mask: Masks) -> bool:
    """Whether there is enough in a mask [s,s] to be kept."""
    return bool((mask > 127).mean() > LEAST)


def covers_of(seen: Mapping[int, Masks]) -> Covers:
    """The masks by row."""
    return Covers(np.array(sorted(seen), np.int64), np.stack([seen[row] for row in sorted(seen)])) if seen else Covers()


def uncovered(changes: Iterator[Change], covers: Covers, size: int, *, start: int = 0) -> Iterator[Change]:
    """The same changes, from row `start` of the track on, which leave alone what lies in front of the face."""
    for row, change in enumerate(changes, start):
        cover = covers.at(row, size)
        if cover is not None:
            change = replace(change, mask=change.mask * (1 - cover))  # the other one still serves its neighbours
        yield change
