"""Crops for training the landmark network: faces as a tracker would cut them, disturbed, and crops that show no face.

Everything is drawn from one numpy Generator per batch, so a batch depends on (seed, step) only.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from videdit.geometry import _cv, transform_points
from videdit.train.data import Faces

# Point i of a mirrored picture is point MIRROR[i] of the picture. Point 68 (FaceMesh 162) has no partner: it is not learned there.
MIRROR = np.r_[
    range(16, -1, -1), range(26, 16, -1), range(27, 31), range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    range(54, 47, -1), range(59, 54, -1), range(64, 59, -1), range(67, 64, -1),
    68, 77, 76, 75, 74, 73, 72, 71, 70, 69,
]  # fmt: skip
UNPAIRED = 68
NEGATIVES = 0.1  # share of crops without a face


@dataclass(frozen=True, slots=True)
class Batch:
    """images uint8 [N,S,S,3] RGB; points float32 [N,78,2] in 0..1 of the crop; weight [N,78] (0: unknown); face float32 [N] 0 or 1."""

    images: NDArray[np.uint8]
    points: NDArray[np.float32]
    weight: NDArray[np.float32]
    face: NDArray[np.float32]


def make_batch(faces: Faces, index: NDArray[np.integer], size: int, rng: np.random.Generator, *, disturb: bool = True) -> Batch:
    """Crops of the pictures `index` [N]. disturb=False: only a tracker's small errors of placement, no negatives."""
    count = len(index)
    images = np.empty((count, size, size, 3), np.uint8)
    points = np.zeros((count, 78, 2), np.float32)
    weight = np.ones((count, 78), np.float32)
    face = np.ones(count, np.float32)
    for i, row in enumerate(index):
        picture, found = np.ascontiguousarray(faces.pictures[row]), faces.points[row].astype(np.float64)
        if disturb and rng.random() < NEGATIVES:
            images[i], face[i], weight[i] = _no_face(picture, found, size, rng), 0, 0
        else:
            flip = bool(rng.random() < 0.5)
            matrix = _placement(found, size, rng, wide=disturb and rng.random() < 0.35, flip=flip)
            images[i] = _cut(picture, matrix, size, rng)
            points[i] = transform_points(found, matrix) / size
            if flip:
                points[i] = points[i][MIRROR]
                weight[i, UNPAIRED] = 0
            if disturb and rng.random() < 0.2:
                _occlude(images[i], faces.pictures[index[rng.integers(count)]], rng)
        if disturb:
            images[i] = _disturb(images[i], rng)
    return Batch(images, points, weight, face)


def _affine(
    centre: NDArray[np.float64], side: float, turn: float, size: int, stretch: float = 1.0, flip: bool = False
) -> NDArray[np.float64]:
    """[2,3] from the picture to a crop whose centre sees `centre`, `side` px of the picture wide, turned by `turn` radians."""
    scale, c, s = size / side, np.cos(turn), np.sin(turn)
    linear = scale * np.diag([-stretch if flip else stretch, 1 / stretch]) @ np.array([[c, s], [-s, c]])
    return np.concatenate([linear, (size / 2 - linear @ centre)[:, None]], axis=1)


def _placement(found: NDArray[np.float64], size: int, rng: np.random.Generator, *, wide: bool, flip: bool) -> NDArray[np.float64]:
    """Where a tracker (or, wide, a detector or a fast head) would put the crop."""
    eyes = found[42:48].mean(0) - found[36:42].mean(0)
    upright = np.arctan2(eyes[1], eyes[0])
    if wide:
        turn, grow, shift = rng.uniform(-0.8, 0.8), rng.uniform(1.15, 2.2), rng.uniform(-0.16, 0.16, 2)
    else:
        turn, grow, shift = rng.normal(0, 0.1), rng.normal(1.4, 0.08), rng.normal(0, 0.03, 2)
    stretch = np.exp(rng.normal(0, 0.09 if wide else 0.04))
    box = found @ np.array([[np.cos(upright), -np.sin(upright)], [np.sin(upright), np.cos(upright)]])
    low, high = box.min(0), box.max(0)
    reach = float((high - low).max())
    centre = (low + high) / 2 @ np.array([[np.cos(upright), np.sin(upright)], [-np.sin(upright), np.cos(upright)]])
    return _affine(centre + shift * reach, reach * max(grow, 1.1), upright + turn, size, stretch, flip)


def _cut(picture: MatLike, matrix: NDArray[np.float64], size: int, rng: np.random.Generator) -> MatLike:
    shrink = 1 / np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if shrink > 1.7:  # first by area, or fine detail becomes noise; halving is the fast case
        half = (picture.shape[1] // 2, picture.shape[0] // 2)
        matrix = np.array(matrix)
        matrix[:, :2] *= picture.shape[1] / half[0], picture.shape[0] / half[1]
        picture = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
    border = rng.choice([cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT, cv2.BORDER_TRANSPARENT], p=[0.5, 0.25, 0.25])
    if border == cv2.BORDER_TRANSPARENT:
        level, spread = rng.integers(0, 256, 3), rng.choice([0.0, 10.0, 50.0])
        out = np.clip(level + rng.normal(0, 1, (size, size, 1)) * spread, 0, 255).astype(np.uint8)
    else:
        out = np.empty((size, size, 3), np.uint8)
    return cv2.warpAffine(picture, _cv(matrix), (size, size), dst=out, flags=cv2.INTER_LINEAR, borderMode=int(border))


def _no_face(picture: MatLike, found: NDArray[np.float64], size: int, rng: np.random.Generator) -> MatLike:
    """Background, a piece of a face, a face far off or tiny, shapes, noise."""
    low, high = found.min(0), found.max(0)
    centre, reach, kind = (low + high) / 2, float((high - low).max()), rng.random()
    if kind < 0.35:  # a corner of the picture, away from the face
        x, y = rng.uniform(8, 30), rng.uniform(8, 33)
        corner = np.array([x if rng.random() < 0.5 else 178 - x, y if rng.random() < 0.5 else 218 - y])
        return _cut(picture, _affine(corner, rng.uniform(25, 60), rng.uniform(-3, 3), size), size, rng)
    if kind < 0.5:  # a piece of the face
        where = found[rng.integers(78)]
        return _cut(picture, _affine(where, reach * rng.uniform(0.1, 0.35), rng.uniform(-3, 3), size), size, rng)
    if kind < 0.75:  # half outside, or further
        angle, grow = rng.uniform(0, 2 * np.pi), rng.uniform(0.9, 1.8)
        away = np.array([np.cos(angle), np.sin(angle)]) * reach * grow * rng.uniform(0.6, 1.0)
        return _cut(picture, _affine(centre + away, reach * grow, rng.normal(0, 0.5), size), size, rng)
    if kind < 0.85:  # tiny
        away = rng.uniform(-1.0, 1.0, 2) * reach
        return _cut(picture, _affine(centre + away, reach * rng.uniform(5, 9), rng.normal(0, 0.4), size), size, rng)
    return _shapes(size, rng)


def _shapes(size: int, rng: np.random.Generator) -> MatLike:
    """Flat shapes and noise of a random grain."""
    grain = int(rng.choice([2, 4, 8, 16, size]))
    noise = rng.normal(rng.integers(30, 225, 3), rng.uniform(5, 60), (grain, grain, 3)).clip(0, 255).astype(np.uint8)
    out = cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(rng.integers(0, 8)):
        x, y, a, b = (int(v) for v in rng.integers(0, size, 4))
        color = tuple(int(c) for c in rng.integers(0, 256, 3))
        if rng.random() < 0.5:
            cv2.ellipse(out, (x, y), (a // 2 + 1, b // 2 + 1), float(rng.uniform(0, 180)), 0, 360, color, -1)
        else:
            cv2.rectangle(out, (x, y), (x + a // 2, y + b // 2), color, -1)
    return out


def _occlude(image: MatLike, other: MatLike, rng: np.random.Generator) -> None:
    """Cover a part with a flat color or a piece of another picture, in place."""
    size = len(image)
    width, height = (int(v) for v in rng.integers(size // 8, size // 2, 2))
    x, y = int(rng.integers(-width // 3, size - width // 2)), int(rng.integers(-height // 3, size - height // 2))
    if rng.random() < 0.4:
        cover = np.empty_like(image)
        cover[:] = rng.integers(0, 256, 3)
    else:
        top, left = int(rng.integers(0, 218 - size)), int(rng.integers(0, 178 - size))
        cover = other[top : top + size, left : left + size]
    mask = np.zeros((size, size), np.uint8)
    if rng.random() < 0.5:
        cv2.ellipse(mask, (x + width // 2, y + height // 2), (width // 2 + 1, height // 2 + 1), float(rng.uniform(0, 180)), 0, 360, 255, -1)
    else:
        cv2.rectangle(mask, (x, y), (x + width, y + height), 255, -1)
    cv2.copyTo(cover, mask, image)


def _disturb(image: MatLike, rng: np.random.Generator) -> MatLike:
    """Low resolution, blur, color, noise and JPEG damage, each on some crops."""
    size, dice = len(image), rng.random(6)
    if dice[0] < 0.12:
        small = int(rng.integers(size // 3, size))
        image = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (size, size), interpolation=cv2.INTER_LINEAR)
    if dice[1] < 0.12:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.4) * size / 96))
    elif dice[1] < 0.2:
        length = int(rng.integers(2, 6))
        image = cv2.blur(image, (length, 1) if rng.random() < 0.7 else (1, length))
    if dice[2] < 0.7:
        image = _recolor(image, rng)
    if dice[3] < 0.2:
        noise = rng.integers(0, 256, image.shape, np.uint8).astype(np.int16) - 128
        image = np.clip(image + (noise * rng.uniform(0.02, 0.2)).astype(np.int16), 0, 255).astype(np.uint8)
    if dice[4] < 0.12:
        coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])[1]
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return image


def _recolor(image: MatLike, rng: np.random.Generator) -> MatLike:
    """Contrast, saturation, tint and brightness as one affine map of RGB; sometimes gray."""
    gray = np.full((3, 3), 1 / 3)
    saturation = 0.0 if rng.random() < 0.08 else rng.uniform(0.4, 1.4)
    mix = np.diag(np.exp(rng.normal(0, 0.12, 3))) @ (saturation * np.eye(3) + (1 - saturation) * gray) * np.exp(rng.normal(0, 0.25))
    offset = 128 - mix @ np.full(3, 128.0) + rng.normal(0, 25)
    return cv2.transform(image, np.concatenate([mix, offset[:, None]], axis=1))
