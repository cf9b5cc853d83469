"""Real hands beside training faces, which videdit.train.hand_teacher found: where they are in their pictures, and cut out of them.

A hand counts that is found again in most other views of its picture; a picture with one that is not is no example of anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from videdit.geometry import Floats, crop_quad, face_quad, warp
from videdit.train import data as faces_data

FINGERS = ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))
PALM = (0, 1, 5, 9, 13, 17)
SAME = 0.15  # of a hand's size: points of two views that lie closer on average are one hand
VIEWS = 2  # of the three others that must show it
THICK = 0.1  # half a finger's width, of the length from wrist to middle knuckle
DETAIL = 2  # masks are cut at this many times the picture's size
LEAST = 0.01  # of a crop, to be an example


@dataclass(slots=True)
class Hands:
    """rows int64 [K] of a work directory's pictures, points float32 [K,21,2] px of them (corner origin), sure bool [K]."""

    rows: NDArray[np.int64]
    points: NDArray[np.float32]
    sure: NDArray[np.bool_]


def load(work: str | Path) -> Hands | None:
    """What the teacher found, or None where it has not looked."""
    path = Path(work) / "hands.npz"
    if not path.is_file():
        return None
    known = np.load(path)
    return Hands(known["rows"], known["points"], (known["apart"] < SAME).sum(1) >= VIEWS)


def beside(hands: Hands, faces: faces_data.Faces, rows: NDArray[np.integer], size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Faces of these rows with hands before them, all of them sure: crops uint8 [K,size,size,3] RGB, and uint8 [K,2,size,size] in 0..255:
    where hands are, and where that is known."""
    crops, masks = [], []
    for row in np.intersect1d(hands.rows, rows):
        here = hands.rows == row
        if not hands.sure[here].all():
            continue
        picture, quad = np.asarray(faces.pictures[row]), face_quad(faces.points[row], faces_data.FACE_FRAME)
        both = np.stack([mask_of(picture, points) for points in hands.points[here]])
        # known to be one hand, or known to be none
        there, known = both[:, 0].max(0), (both[:, 0] & both[:, 1]).max(0) | both[:, 1].min(0)
        side = faces.faces.shape[1]
        pair = [crop_quad(plane.astype(np.float32) * 255, quad * DETAIL, 2 * side) for plane in (there, known)]
        mask = [cv2.resize(plane, (size, size), interpolation=cv2.INTER_AREA) for plane in pair]
        if (mask[0] > 127).mean() > LEAST:
            crops.append(cv2.resize(np.asarray(faces.faces[row]), (size, size), interpolation=cv2.INTER_AREA))
            masks.append(np.stack(mask).astype(np.uint8))
    none = np.zeros((0, size, size, 3), np.uint8), np.zeros((0, 2, size, size), np.uint8)
    return (np.stack(crops), np.stack(masks)) if crops else none


def cut_out(hands: Hands, faces: faces_data.Faces, rows: NDArray[np.integer], side: int) -> NDArray[np.uint8]:
    """The sure hands of these rows, fingers up, in the middle: uint8 [K,4,side,side], RGB and opacity in 0..255."""
    out = []
    for row, points in zip(hands.rows[hands.sure], hands.points[hands.sure], strict=True):
        if row not in rows or points.min() < 0 or (points > faces.pictures.shape[2:0:-1]).any():
            continue  # a part of it lies outside the picture
        picture = np.asarray(faces.pictures[row])
        hand, _ = mask_of(picture, points)
        up, middle = points[9] - points[0], (points.min(0) + points.max(0)) / 2
        # the length of a palm as in drawn hands; corner origins, px of the crop from px of the picture
        scale = 0.3 * side / max(1.0, float(np.linalg.norm(up)))
        angle = np.arctan2(up[0], -up[1])
        turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        matrix = np.column_stack([turn, side / 2 - turn @ middle])
        planes = [warp(picture.astype(np.float32), matrix, (side, side), cubic=True)]
        planes.append(warp(hand.astype(np.float32) * 255, matrix @ np.diag([1 / DETAIL, 1 / DETAIL, 1]), (side, side))[..., None])
        out.append(np.concatenate(planes, 2).clip(0, 255).astype(np.uint8).transpose(2, 0, 1))
    return np.stack(out) if out else np.zeros((0, 4, side, side), np.uint8)


def mask_of(picture: NDArray[np.uint8], points: NDArray[np.floating]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Where a hand is in a picture [H,W,3], by its points [21,2] px, and where that is known: both [DETAIL*H,DETAIL*W] in 0/1.

    Strokes along its bones are the hand; a wide band around them, where GrabCut (Rother et al. 2004) decides, and the arm are not known.
    """
    large = cv2.resize(picture, None, fx=DETAIL, fy=DETAIL, interpolation=cv2.INTER_CUBIC)
    bones = np.asarray(points, np.float64) * DETAIL - 0.5
    length = float(np.linalg.norm(bones[0] - bones[9]))
    core, reach = _strokes(large.shape[:2], bones, 0.6 * THICK * length), _strokes(large.shape[:2], bones, 2.4 * THICK * length)
    trimap = np.where(core > 0, cv2.GC_FGD, np.where(reach > 0, cv2.GC_PR_FGD, cv2.GC_BGD)).astype(np.uint8)
    hand = core.copy()
    if core.any() and not core.all():
        near = cv2.boundingRect(cv2.dilate(reach, np.ones((25, 25), np.uint8)))  # colours of what is around, not of all the picture
        part = np.s_[near[1] : near[1] + near[3], near[0] : near[0] + near[2]]
        cut = np.ascontiguousarray(trimap[part])
        if (cut == cv2.GC_BGD).any():
            cv2.grabCut(np.ascontiguousarray(large[part]), cut, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
        hand[part] = np.isin(cut, (cv2.GC_FGD, cv2.GC_PR_FGD))
    arm = np.zeros_like(core)
    away = bones[0] + 3 * (bones[0] - bones[9])
    cv2.line(arm, _whole(bones[0]), _whole(away), (1,), max(1, round(0.9 * length)))
    known = 1 - np.clip(reach + arm - core, 0, 1)
    return hand, np.where(core > 0, 1, known).astype(np.uint8)


def _strokes(shape: tuple[int, ...], bones: Floats, thick: float) -> NDArray[np.uint8]:
    """Fingers as strokes of this half width, and the palm."""
    out = np.zeros(shape, np.uint8)
    for finger in FINGERS:
        cv2.polylines(out, [np.rint(bones[list(finger)]).astype(np.int32)], False, (1,), max(1, round(2 * thick)))
    palm = cv2.convexHull(np.rint(bones[list(PALM)]).astype(np.int32))
    cv2.fillConvexPoly(out, palm, (1,))
    cv2.polylines(out, [palm], True, (1,), max(1, round(thick)))
    return out


def _whole(point: Floats) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
