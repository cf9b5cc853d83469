"""Quads and the warps between a picture and a face's square crop.

Convention, here and wherever a warp is named: a point is (x, y) in pixels with the origin at the top-left *corner*, so the
first pixel's centre is (0.5, 0.5). OpenCV counts from pixel centres; `_cv` moves a matrix between the two. A quad holds
the crop's corners in the picture, in the order top-left, bottom-left, bottom-right, top-right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """Which part of the face a pack sees: the FFHQ quad, scaled about its centre and moved down.

    scale: 1.0 is the FFHQ quad; smaller is tighter. shift: in half sides of the FFHQ quad, positive towards the chin.
    """

    scale: float = 1.0
    shift: float = 0.0


def face_quad(points: Floats, frame: FaceFrame = FaceFrame()) -> Floats:
    """The crop's quad float64 [4,2] px from landmarks [>=68,2] px in iBUG order (FFHQ alignment, Karras et al. 2019)."""
    points = np.asarray(points, np.float64)
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    eye, mouth = (left + right) / 2, (points[48] + points[54]) / 2
    across, down = right - left, mouth - eye
    x = across - np.array([-down[1], down[0]])
    x *= max(2.0 * np.hypot(*across), 1.8 * np.hypot(*down)) / max(np.hypot(*x), 1e-9)
    y = np.array([-x[1], x[0]])
    centre = eye + 0.1 * down + frame.shift * y
    x, y = x * frame.scale, y * frame.scale
    return np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y])


def quad_to_crop(quad: Floats, size: int) -> Floats:
    """Affine float64 [2,3] from the picture to a crop of size x size px; corner-origin pixels on both sides."""
    q = np.asarray(quad, np.float64)
    basis = np.stack([(q[3] - q[0]) / size, (q[1] - q[0]) / size], axis=1)
    inverse = np.linalg.inv(basis)
    return np.concatenate([inverse, -(inverse @ q[0])[:, None]], axis=1)


def invert_affine(matrix: Floats) -> Floats:
    """The inverse of an affine [2,3]."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.concatenate([inverse, -(inverse @ matrix[:, 2])[:, None]], axis=1)


def transform_points(points: Floats, matrix: Floats) -> Floats:
    """points [...,2] through an affine [2,3]."""
    return np.asarray(points) @ matrix[:, :2].T + matrix[:, 2]


def quad_side(quad: Floats) -> float:
    """Length in px of the quad's top side."""
    return float(np.hypot(*(np.asarray(quad)[3] - np.asarray(quad)[0])))


def _cv(matrix: Floats) -> Floats:
    """The same map for pixel-centre coordinates, as OpenCV takes it."""
    out = np.array(matrix, np.float64)
    out[:, 2] += 0.5 * out[:, :2].sum(1) - 0.5
    return out


def warp(picture: Floats, matrix: Floats, size: tuple[int, int], *, border: int = cv2.BORDER_REPLICATE, cubic: bool = False) -> Floats:
    """picture [H,W(,C)] through an affine [2,3] (picture -> output, corner origin) to [h,w(,C)], size = (w, h).

    A shrinking warp is preceded by an area average, so that large faces do not alias.
    """
    (a, b), (c, d) = matrix[:, :2].tolist()
    shrink = 1.0 / math.sqrt(abs(a * d - b * c))
    if shrink >= 2.0:
        factor = 1.0 / int(shrink)
        height, width = picture.shape[:2]
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        matrix = np.array(matrix, np.float64)
        matrix[:, 0] *= width / small[0]
        matrix[:, 1] *= height / small[1]
    return cv2.warpAffine(picture, _cv(matrix), size, flags=cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR, borderMode=border)


def crop_quad(picture: Floats, quad: Floats, size: int, *, cubic: bool = False) -> Floats:
    """The quad of a picture [H,W(,C)] as a crop [size,size(,C)]; beyond the picture its edge is repeated."""
    return warp(picture, quad_to_crop(quad, size), (size, size), cubic=cubic)
