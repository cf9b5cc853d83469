"""Hard cuts, so that no track and no filter runs across one."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.types import Frame

SIZE = (32, 18)  # thumbnail, px


def thumbnail(frame: Frame) -> NDArray[np.float32]:
    """The frame's planes, tiny: float32 [P,18,32] in 8-bit units."""
    unit = np.float32(1.0 / (1 << (frame.color.depth - 8)))
    return np.stack([cv2.resize(p, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32) * unit for p in frame.planes[:3]])


class CutDetector:
    """A cut is a frame that differs from the one before by much more than its neighbours do.

    least: mean difference of the thumbnails' samples (8-bit units) below which nothing is a cut; times: how often the recent
    median it must be, so that fast motion and flashing lights are not cut to pieces.
    """

    def __init__(self, *, least: float = 10.0, times: float = 4.0, remember: int = 9) -> None:
        self._least, self._times = least, times
        self._before: NDArray[np.float32] | None = None
        self._recent: deque[float] = deque(maxlen=remember)

    def update(self, frame: Frame) -> bool:
        """True when this frame starts a new shot; the first frame does not."""
        now = thumbnail(frame)
        before, self._before = self._before, now
        if before is None or before.shape != now.shape:
            return False
        change = float(np.abs(now - before).mean())
        usual = float(np.median(self._recent)) if self._recent else self._least / 2
        self._recent.append(change)
        return change > max(self._least, self._times * usual)
