"""Finding faces: MTCNN (Zhang et al. 2016) on a picture shrunk to a few hundred pixels.

The weights are those inside the facenet-pytorch wheel (MIT), which is looked up on disk but never imported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import torch
from cv2.typing import MatLike
from numpy.typing import NDArray

from videdit.errors import MissingError
from videdit.geometry import Floats
from videdit.networks.mtcnn import ONet, PNet, RNet
from videdit.types import Face

WINDOW = 12  # px, what PNet sees
STEP = 0.709  # from one level of the pyramid to the next: half the area
THRESHOLDS = (0.6, 0.7, 0.8)  # of the three stages
MOST = 96  # proposals kept for the second stage, best first
HINT = "pip install --no-deps facenet-pytorch==2.5.3 (its wheel carries the detector's weights)"


def weights_folder() -> Path:
    """Where pnet.pt, rnet.pt and onet.pt lie. Raises MissingError."""
    spec = importlib.util.find_spec("facenet_pytorch")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "data"
        if all((folder / f"{name}.pt").exists() for name in ("pnet", "rnet", "onet")):
            return folder
    raise MissingError("the face detector's weights are not installed", hint=HINT)


class MtcnnDetector:
    """Detects faces from about 4 % of the picture's long side up.

    long_side: px the picture is shrunk to; smallest: px of the smallest face there.
    """

    def __init__(self, *, long_side: int = 352, smallest: int = 20, weights: Path | None = None) -> None:
        folder = weights or weights_folder()
        self.long_side, self.smallest = long_side, smallest
        self._pnet, self._rnet, self._onet = PNet(), RNet(), ONet()
        for name, net in (("pnet", self._pnet), ("rnet", self._rnet), ("onet", self._onet)):
            net.load_state_dict(torch.load(folder / f"{name}.pt", map_location="cpu", weights_only=True))
            net.eval().requires_grad_(False)

    @torch.inference_mode()
    def detect(self, rgb: MatLike) -> list[Face]:
        """rgb uint8 [H,W,3] upright -> faces, largest first; landmarks [5,2]: eyes, nose, mouth corners, image left to right."""
        height, width = rgb.shape[:2]
        scale = min(1.0, self.long_side / max(height, width))
        small: MatLike = rgb
        if scale < 1:
            small = cv2.resize(rgb, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
        stretch = np.array([width / small.shape[1], height / small.shape[0]])
        boxes, points, scores = self._refine(small, self._propose(small))
        faces = [Face(b * np.tile(stretch, 2), p * stretch, float(s)) for b, p, s in zip(boxes, points, scores, strict=True)]
        return sorted(faces, key=lambda f: -_area(f.box))

    def _propose(self, rgb: MatLike) -> Floats:
        """Square boxes [K,4] of the first stage."""
        height, width = rgb.shape[:2]
        scale, boxes, scores = WINDOW / self.smallest, [np.zeros((0, 4))], [np.zeros(0)]
        while min(height, width) * scale >= WINDOW:
            level = cv2.resize(rgb, (int(np.ceil(width * scale)), int(np.ceil(height * scale))), interpolation=cv2.INTER_AREA)
            move, score = (t[0].numpy() for t in self._pnet(_tensor(level[None])))
            rows, columns = np.nonzero(score > THRESHOLDS[0])
            corner = np.stack([columns, rows], 1) * 2.0 / scale
            box = np.concatenate([corner, corner + WINDOW / scale], 1) + move[:, rows, columns].T * WINDOW / scale
            keep = keep_apart(box, score[rows, columns], 0.5)
            boxes.append(box[keep])
            scores.append(score[rows, columns][keep])
            scale *= STEP
        box, score = np.concatenate(boxes), np.concatenate(scores)
        return box[keep_apart(box, score, 0.7)[:MOST]]

    def _refine(self, rgb: MatLike, boxes: Floats) -> tuple[Floats, Floats, Floats]:
        """Second and third stage: boxes [K,4], points [K,5,2], scores [K]."""
        none = np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0)
        if not len(boxes):
            return none
        squares = _square(boxes)
        move, score = (t.numpy() for t in self._rnet(_tensor(_crops(rgb, squares, 24))))
        passed = score > THRESHOLDS[1]
        boxes, score = _moved(squares, move)[passed], score[passed]
        boxes = boxes[keep_apart(boxes, score, 0.7)]
        if not len(boxes):
            return none
        squares = _square(boxes)
        move, inside, score = (t.numpy() for t in self._onet(_tensor(_crops(rgb, squares, 48))))
        passed = score > THRESHOLDS[2]
        side = squares[passed, 2:] - squares[passed, :2]
        points = squares[passed, None, :2] + inside[passed] * side[:, None]
        boxes, score = _moved(squares, move)[passed], score[passed]
        keep = keep_apart(boxes, score, 0.6, by_smaller=True)
        return boxes[keep], points[keep], score[keep]


def _tensor(images: MatLike) -> torch.Tensor:
    """[N,h,w,3] -> [N,3,h,w] in about [-1,1]."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float().sub_(127.5).mul_(1 / 128)


def _crops(rgb: MatLike, boxes: Floats, size: int) -> MatLike:
    """Boxes [K,4], black beyond the picture, as [K,size,size,3]."""
    height, width = rgb.shape[:2]
    out = np.zeros((len(boxes), size, size, 3), np.uint8)
    for i, (left, top, right, bottom) in enumerate(np.rint(boxes).astype(int)):
        side = max(1, right - left, bottom - top)
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
        if x1 <= x0 or y1 <= y0:
            continue
        part = rgb[y0:y1, x0:x1]
        if part.shape[:2] != (side, side):
            part = cv2.copyMakeBorder(part, y0 - top, top + side - y1, x0 - left, left + side - x1, cv2.BORDER_CONSTANT)
        out[i] = cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_LINEAR)
    return out


def _square(boxes: Floats) -> Floats:
    """Each box grown to a square about its centre."""
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(1, keepdims=True) / 2
    return np.concatenate([centre - half, centre + half], 1)


def _moved(boxes: Floats, move: NDArray[np.floating]) -> Floats:
    """Boxes with the networks' offsets, which count in box sides."""
    return boxes + move * np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def _area(box: Floats) -> float:
    return float(max(box[2] - box[0], 0) * max(box[3] - box[1], 0))


def overlap(box: Floats, others: Floats, *, by_smaller: bool = False) -> Floats:
    """Intersection of a box [4] with others [K,4], over their union (or the smaller of the two) -> [K]."""
    corner, end = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.clip(end - corner, 0, None).prod(1)
    area, areas = np.prod(box[2:] - box[:2]), (others[:, 2:] - others[:, :2]).prod(1)
    return shared / np.maximum(np.minimum(area, areas) if by_smaller else area + areas - shared, 1e-9)


def keep_apart(boxes: Floats, scores: NDArray[np.floating], most: float, *, by_smaller: bool = False) -> NDArray[np.intp]:
    """Non-maximum suppression: indices of boxes [K,4] to keep, best score [K] first, none overlapping another by more than `most`."""
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        first, order = order[0], order[1:]
        kept.append(first)
        order = order[overlap(boxes[first], boxes[order], by_smaller=by_smaller) <= most]
    return np.array(kept, np.intp)
