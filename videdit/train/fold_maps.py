"""Maps of the folds that faces have, which to learn from, and which of those that were drawn to take (train.folds)."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from videdit.edit.pixel import hull, inside
from videdit.edit.prototype import warped
from videdit.packs.load import Pack
from videdit.train import pixel_faces, prototype
from videdit.train.augment import to_batch
from videdit.train.pictures import Faces
from videdit.train.tints import blur, brought, even

BLUR = 0.04  # of the side: what is wider is light, or the shape of the head
# landmarks of what has edges of its own, how much larger than it, and how soft (px of 128): lids with brows, eyes, nose, lips; and
# between the brows, where a frown is: that is a mood
OWN_EDGES = (
    ((17, 18, 19, 20, 21, 36, 37, 38, 39), 1.1, 1.2),
    ((22, 23, 24, 25, 26, 42, 43, 44, 45), 1.1, 1.2),
    (tuple(range(36, 42)), 1.5, 1.5),
    (tuple(range(42, 48)), 1.5, 1.5),
    ((28, 31, 32, 33, 34, 35), 1.3, 2.0),
    (tuple(range(48, 60)), 1.15, 1.2),
    ((20, 21, 22, 23, 27), 1.2, 2.0),
)
COVERED = (("Eyeglasses", 1), ("Wearing_Hat", 1), ("Bangs", 1), ("No_Beard", 0), ("Mustache", 1), ("Goatee", 1), ("Blurry", 1))
AGAINST = 1.2  # of the classifier's logit against the label: such a face is no example
TURNED = 0.6  # logarithm of how much farther one side of the jaw is from the nose than the other
EFFECTIVE, BOLD = 0.86, 0.9  # shares of the maps: those that change a face most, and of these the least bold, which are no hair
FEWEST, JUDGES, UNSEEN = 64, 8, 24  # maps to learn from; faces that their effect is seen on, and that of what is drawn
Floats = NDArray[np.float32]


def skin(points: Floats, size: int) -> Floats:
    """[size,size] in 0..1: where a face with these landmarks [78,2] px shows skin and no edges but folds; the same on both sides."""
    share = inside(points, size, "")
    for numbers, grown, soft in OWN_EDGES:
        share = share * (1 - blur(hull(points, size, numbers, grown).astype(np.float32), soft * size / 128))
    return even(share)


def examples(faces: Faces, pack: Pack, column: int, sign: int, points: Floats) -> tuple[NDArray[np.integer], NDArray[np.bool_]]:
    """Rows of faces to learn from: with the attribute, uncovered, looking into the camera; and bool [N]: those without it, likewise."""
    without, has = pixel_faces.sides(faces, pack, column, sign)
    judged = pack.manifest.networks["classifier"].config.get("attributes", 40)
    with torch.inference_mode():
        parts = np.array_split(np.arange(len(faces.faces)), max(1, len(faces.faces) // 64))
        logits = np.concatenate([pack.classifier(to_batch(faces.faces[part], pack.device)).cpu().numpy() for part in parts])
    bare = np.abs(faces.points - points).mean((1, 2)) < prototype.ASKEW * pack.size
    left, right = (np.linalg.norm(faces.points[:, jaw] - faces.points[:, 30], axis=-1) for jaw in (2, 14))
    bare &= np.abs(np.log(left / np.maximum(right, 1e-6))) < TURNED
    for name, value in COVERED:
        if name in faces.names:
            at = faces.names.index(name)
            seen = (logits[:, at] > 0) == bool(value) if at < judged else False
            bare &= ~((faces.labels[:, at] == value) | seen)  # labels miss some of the glasses
    surely = sign * logits[:, column] > -AGAINST if column < judged else np.ones(len(bare), bool)
    return np.flatnonzero(has & bare & surely & ~faces.held), without & bare


def fold(faces: Faces, row: int, points: Floats, share: Floats) -> Floats:
    """The map of a face [S,S]: the logarithm of its skin over its blur, brought to landmarks `points`; what is no skin takes no part."""
    light = np.log(brought(faces, row, points).mean(-1) + 8)
    weight, wide = share + 1e-3, BLUR * len(light)
    return np.asarray(light - blur(light * weight, wide) / blur(weight, wide), np.float32)


class Effect:
    """How far the pack's classifier goes towards an attribute when maps are laid on unseen faces."""

    def __init__(self, faces: Faces, rows: NDArray[np.integer], pack: Pack, points: Floats, column: int, sign: int) -> None:
        self.faces, self.rows, self.pack, self.points, self.column, self.sign = faces, rows, pack, points, column, sign

    @torch.inference_mode()
    def logits(self, maps: Floats, count: int) -> Floats:
        """float32 [K,count]: the logit towards the attribute for maps [K,S,S], each on the first faces."""
        out = np.empty((len(maps), min(count, len(self.rows))), np.float32)
        for face, row in enumerate(self.rows[:count]):
            for start in range(0, len(maps), 4):  # as many channels as a warp takes
                some = np.ascontiguousarray(maps[start : start + 4].transpose(1, 2, 0))
                on = warped(some, self.points, self.faces.points[row], self.pack.size).reshape(*some.shape[:2], -1)
                pictures = self.faces.faces[row] * np.exp(on.transpose(2, 0, 1))[..., None]
                batch = to_batch(np.clip(np.rint(pictures), 0, 255).astype(np.uint8), self.pack.device)
                out[start : start + 4, face] = self.pack.classifier(batch)[:, self.column].cpu().numpy() * self.sign
        return out


def best(maps: Floats, judge: Effect) -> NDArray[np.integer]:
    """Rows of the maps that change faces most, and are not hair, a hand or the rim of glasses: those are bolder than any fold."""
    effect = judge.logits(maps, JUDGES).mean(1)
    effective = np.argsort(-effect, kind="stable")[: max(FEWEST, round(EFFECTIVE * len(maps)))]
    bold = np.quantile(np.abs(maps[effective]), 0.99, axis=(1, 2))
    return effective[bold <= np.quantile(bold, BOLD)]


def _deepest(maps: Floats) -> Floats:
    """How deep the deepest furrows of maps [N,S,S] are."""
    return np.asarray(np.quantile(np.maximum(-maps, 0), 0.99, axis=(1, 2)), np.float32)


def choose(drawn: Floats, maps: Floats, judge: Effect) -> tuple[int, dict[str, Any]]:
    """Which of the drawn maps [K,S,S] does most on unseen faces: no bolder than `maps`, no more like one of them than they are alike."""
    unit, of = (_unit(some) for some in (drawn, maps))
    known = np.concatenate([of, _unit(maps[..., ::-1])])
    near = (unit @ known.T).max(1)
    among = of @ known.T
    among[np.arange(len(of)), np.arange(len(of))] = -1  # itself
    limit = float(np.median(among.max(1)))
    logits = judge.logits(drawn, UNSEEN)
    fine = _deepest(drawn) <= np.quantile(_deepest(maps), BOLD)
    merit = np.where((near <= limit) & fine, logits.mean(1), -np.inf)
    chosen = int(np.argmax(merit if np.isfinite(merit).any() else -near))
    plain = judge.logits(np.zeros_like(drawn[:1]), UNSEEN)[0]
    facts = {"drawn": len(drawn), "nearest": near[chosen], "limit": limit, "logit": logits[chosen].mean(), "before": plain.mean()}
    return chosen, {name: round(float(value), 4) for name, value in facts.items()}


def _unit(maps: Floats) -> Floats:
    """As rows of length 1 [N,P], at half the size."""
    maps = np.ascontiguousarray(maps, np.float32)
    small: Floats = np.stack([cv2.resize(some, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).ravel() for some in maps])
    return np.asarray(small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-9), np.float32)
