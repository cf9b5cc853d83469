"""Hard cuts, so that no track and no filter runs across one."""

from __future__ import annotations

from collections import deque
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.types import Frame

SIZE = (32, 18)  # thumbnail, px
SHIFT = (10, 5)  # px of it that a picture may move from one frame to the next, across and down
FLAT = 2.0  # 8-bit units of spread below which a thumbnail shows nothing to compare


def thumbnail(frame: Frame) -> NDArray[np.float32]:
    """The frame's planes, tiny: float32 [P,18,32] in 8-bit units."""
    unit = np.float32(1.0 / (1 << (frame.color.depth - 8)))
    return np.stack([cv2.resize(p, SIZE, interpolation=cv2.INTER_AREA).astype(np.float32) * unit for p in frame.planes[:3]])


class CutDetector:
    """A cut is a frame that differs from the one before by much more than its neighbours do, and is no other view of the same.

    least: mean difference of the thumbnails' samples (8-bit units) below which nothing is a cut; times: how often the recent
    median it must be, so that fast motion and flashing lights are not cut to pieces; same: correlation from which a picture moved or
    made brighter is still the picture before, so that whip pans and flashes are no cuts. docs/pipeline.md compares it with PySceneDetect's.
    """

    def __init__(self, *, least: float = 5.0, times: float = 2.0, remember: int = 9, same: float = 0.7) -> None:
        self._least, self._times, self._same = least, times, same
        self._before: NDArray[np.float32] | None = None
        self._recent: deque[float] = deque(maxlen=remember)

    def state(self) -> dict[str, Any]:
        """What the next frame's answer depends on, for `restore`."""
        return {"before": self._before, "recent": list(self._recent)}

    def restore(self, state: dict[str, Any]) -> None:
        """Stand where another one stood."""
        self._before = state["before"]
        self._recent.extend(state["recent"])

    def update(self, frame: Frame) -> bool:
        """True when this frame starts a new shot; the first frame does not."""
        now = thumbnail(frame)
        before, self._before = self._before, now
        if before is None or before.shape != now.shape:
            return False
        change = float(np.abs(now - before).mean())
        usual = float(np.median(self._recent)) if self._recent else self._least / 2
        self._recent.append(change)
        return change > max(self._least, self._times * usual) and likeness(now, before) < self._same


def likeness(now: NDArray[np.float32], before: NDArray[np.float32]) -> float:
    """The highest correlation between two thumbnails [P,h,w] over shifts of up to SHIFT px; 0 where one of them shows nothing."""
    if min(float(now[0].std()), float(before[0].std())) < FLAT:
        return 0.0
    best = 0.0
    for dy in range(-SHIFT[1], SHIFT[1] + 1):
        for dx in range(-SHIFT[0], SHIFT[0] + 1):
            a, b = _shared(now, dx, dy), _shared(before, -dx, -dy)
            a, b = a - a.mean((1, 2), keepdims=True), b - b.mean((1, 2), keepdims=True)
            best = max(best, float((a * b).sum() / np.sqrt(max(float((a * a).sum() * (b * b).sum()), 1e-9))))
    return best


def _shared(thumb: NDArray[np.float32], dx: int, dy: int) -> NDArray[np.float32]:
    """What is left of a thumbnail [P,h,w] when `dx` columns and `dy` rows (from the right and below where negative) leave it."""
    height, width = thumb.shape[1:]
    return thumb[:, max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
