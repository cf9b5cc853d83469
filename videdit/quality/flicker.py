"""How much an edit flickers: what motion does not explain between two frames, against what the source has of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def motion(current: NDArray[np.uint8], previous: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Flow [h,w,2] px from the current frame back to the previous (DIS, Kroeger et al. 2016), and where it can be trusted [h,w].

    Frames are grey uint8 [h,w]. Trusted: going back and forth returns within 1 px (occlusions do not).
    """
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    empty = np.zeros((*current.shape, 2), np.float32)
    back = np.asarray(dis.calc(current, previous, empty), np.float32)
    forth = np.asarray(dis.calc(previous, current, empty.copy()), np.float32)
    round_trip = back + _sample(forth, back)
    return back, np.hypot(round_trip[..., 0], round_trip[..., 1]) < 1.0


def _sample(picture: Floats, flow: Floats) -> NDArray[np.float32]:
    """picture [h,w(,C)] read at each pixel's place plus flow."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    read = cv2.remap(picture, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(read, np.float32)


def unexplained(current: Floats, previous: Floats, flow: Floats, weight: Floats) -> float:
    """Weighted sum of |current - previous moved along flow| over the pixels; pictures float32 [h,w,3], weight [h,w] >= 0."""
    difference = np.abs(np.asarray(current, np.float32) - _sample(np.asarray(previous, np.float32), flow)).mean(-1)
    return float((difference * weight).sum())


@dataclass(slots=True)
class Flicker:
    """Feed it frame after frame of one shot; `ratio` is 1.0 when the edit adds no flicker (after Lai et al. 2018's warping error).

    The motion is the source's for both, so that a wobbling edit can't excuse itself; ratio of sums, so still frames do not count double.
    """

    source: float = 0.0
    edited: float = 0.0
    frames: int = 0
    _last: tuple[Floats, Floats, Floats] | None = None

    def add(self, source: Floats, edited: Floats, mask: Floats) -> None:
        """source, edited: the same region of consecutive frames, RGB [h,w,3] in 0..255; mask [h,w] in 0..1. Same shape every time."""
        if self._last is not None and self._last[0].shape == source.shape:
            old_source, old_edited, old_mask = self._last
            flow, trusted = motion(_grey(source), _grey(old_source))
            weight = np.maximum(mask, _sample(np.asarray(old_mask, np.float32), flow)) * trusted
            self.source += unexplained(source, old_source, flow, weight)
            self.edited += unexplained(edited, old_edited, flow, weight)
            self.frames += 1
        self._last = (source, edited, mask)

    def cut(self) -> None:
        """The next frame has nothing to do with the last."""
        self._last = None

    @property
    def ratio(self) -> float:
        """NaN before two frames with something in the mask; 1.0 where nothing was edited."""
        return self.edited / self.source if self.source > 0 else float("nan")


def _grey(picture: Floats) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(np.clip(picture, 0, 255).astype(np.uint8), cv2.COLOR_RGB2GRAY), np.uint8)
