"""How latents move landmarks, and light: linear maps, fitted on real faces. One turns an edit into a movement of the face's points.

Renders are soft, so optical flow between two of them says little about where a lip goes. The points of tens of thousands of faces do:
regressed on the faces' latents they give the movement of any edit, and the source's own pixels can follow it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.geometry import face_quad, quad_to_crop, transform_points
from videdit.train.data import FACE_FRAME

Floats = NDArray[np.floating]
RIDGE = 0.01  # of the latents' mean variance


def crop_points(points: Floats) -> NDArray[np.float64]:
    """Points [N,P,2] px of pictures to the pack's crop, in crop sides (0..1, corner origin)."""
    return np.stack([transform_points(p, quad_to_crop(face_quad(p, FACE_FRAME), 1)) for p in points])


def fit(w: Floats, points: Floats, *, ridge: float = RIDGE) -> NDArray[np.float32]:
    """[P,2,L,D]: the movement of each point, in crop sides, per unit of each latent. w [N,L,D], points [N,P,2] in crop sides.

    Likewise the change [P,3,L,D] of what `light` finds.
    """
    x = w.reshape(len(w), -1).astype(np.float64)
    y = points.reshape(len(points), -1).astype(np.float64)
    x, y = x - x.mean(0), y - y.mean(0)
    gram = x.T @ x / len(x)
    slope = np.linalg.solve(gram + ridge * gram.diagonal().mean() * np.eye(len(gram)), x.T @ y / len(x))  # [LD,2P]
    return slope.T.reshape(*points.shape[1:], *w.shape[1:]).astype(np.float32)


def light(faces: NDArray[np.uint8], cells: int) -> NDArray[np.float32]:
    """Mean colours of faces [N,S,S,3], in 0..1, over cells x cells squares that lie an eighth inside: [N,cells**2,3], for `fit`."""
    inside = faces.shape[1] // 8
    parts = faces[:, inside:-inside, inside:-inside]
    means = [cv2.resize(part.astype(np.float32), (cells, cells), interpolation=cv2.INTER_AREA) for part in parts]
    return (np.stack(means).reshape(len(faces), -1, 3) / 255).astype(np.float32)


def explained(shape: Floats, w: Floats, points: Floats) -> NDArray[np.float64]:
    """Share [P,2] of the points' variance that the map explains on faces it was not fitted on."""
    found = np.tensordot(w - w.mean(0), shape, axes=([1, 2], [2, 3]))
    left = (points - points.mean(0) - found).var(0)
    return 1 - left / points.var(0).clip(1e-12)
