"""Find real hands beside training faces with a published network (MediaPipe Hands, Apache-2.0), for videdit.train.hands.

    python -m videdit.train.hand_teacher WORK_DIR         (writes WORK_DIR/hands.npz, 20 minutes on one core)

Nothing here is needed to *use* videdit. It needs mediapipe 0.10.21 (later releases bring no networks along), which wants an older NumPy
than videdit does: an environment of its own, with numpy and opencv-python-headless. The network also sees hands in cheeks and foreheads,
so each is looked for again in the picture flipped, scaled and turned.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
View = tuple[NDArray[np.uint8], Callable[[Floats], Floats]]


def _views(picture: NDArray[np.uint8]) -> Iterator[View]:
    """The picture twice as large, then flipped, smaller in a frame, and turned; each with the way back to px of the picture."""
    large = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    high, wide = large.shape[:2]
    yield large, lambda p: p / 2
    yield large[:, ::-1], lambda p: np.stack([(wide - p[:, 0]) / 2, p[:, 1] / 2], 1)
    yield cv2.copyMakeBorder(cv2.resize(picture, None, fx=1.6, fy=1.6), *[60] * 4, cv2.BORDER_REPLICATE), lambda p: (p - 60) / 1.6
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), 20, 1.0)
    back = cv2.invertAffineTransform(turn)
    yield (
        cv2.warpAffine(large, turn, (wide, high), borderMode=cv2.BORDER_REPLICATE),
        lambda p: (p @ back[:, :2].T + back[:, 2]) / 2,
    )


def find(work: str | Path) -> None:
    """Look for hands in all pictures of a work directory, and write hands.npz there: rows, points, and how far `apart` other views put
    them, float32 [K,3] of their size."""
    from mediapipe.python.solutions.hands import Hands as Finder  # type: ignore[import-not-found]

    work = Path(work)
    pictures = np.load(work / "pictures.npy", mmap_mode="r")
    rows: list[int] = []
    points: list[Floats] = []
    apart: list[list[float]] = []

    def seen(finder: Finder, view: View) -> list[Floats]:
        picture, back = view
        result = finder.process(np.ascontiguousarray(picture))
        marks = [np.array([(p.x, p.y) for p in hand.landmark]) for hand in result.multi_hand_landmarks or ()]
        return [back(hand * picture.shape[1::-1]) for hand in marks]

    options = {"static_image_mode": True, "max_num_hands": 2, "model_complexity": 1}
    with Finder(min_detection_confidence=0.3, **options) as first, Finder(min_detection_confidence=0.2, **options) as again:
        for row, picture in enumerate(pictures):
            views = _views(np.asarray(picture))
            found = seen(first, next(views))
            others = [seen(again, view) for view in views] if found else []
            for hand in found:
                size = float(np.linalg.norm(np.ptp(hand, axis=0)))
                gaps = [min((float(np.linalg.norm(other - hand, axis=1).mean()) / size for other in view), default=9.0) for view in others]
                rows.append(row)
                points.append(hand)
                apart.append(gaps)
            if row % 1000 == 999:
                print(f"{row + 1} of {len(pictures)} pictures, {len(rows)} hands", flush=True)
    np.savez(
        work / "hands.npz",
        rows=np.array(rows, np.int64),
        points=np.array(points, np.float32).reshape(-1, 21, 2),
        apart=np.array(apart, np.float32).reshape(-1, 3),
    )


if __name__ == "__main__":
    find(sys.argv[1])
