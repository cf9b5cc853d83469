"""Which faces teach a pixel transform: those without what is wanted, those with it, and for each of the former some that are like it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from videdit.edit.pixel import inside
from videdit.packs.load import Pack
from videdit.train.augment import to_batch
from videdit.train.pictures import Faces

ALIKE = ("Male", "Young", "Smiling")  # a picture to learn from is like the one to change in these, or they would be learned too


@torch.inference_mode()
def sides(faces: Faces, pack: Pack, column: int, sign: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """bool [N]: pictures without what is wanted, and with it. By label, or by the pack's classifier where there is none."""
    known = faces.labels[:, column].copy()
    for rows in np.array_split(np.flatnonzero(np.isnan(known)), max(1, int(np.isnan(known).sum()) // 64)):
        if len(rows) and column < pack.manifest.networks["classifier"].config.get("attributes", 40):
            known[rows] = (pack.classifier(to_batch(faces.faces[rows], pack.device))[:, column] > 0).float().cpu().numpy()
    has = known == (1 if sign > 0 else 0)
    return ~has & ~np.isnan(known), has


def partners(faces: Faces, rows: NDArray[np.integer], column: int) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Of which kind every face is [N], by its labels of ALIKE; for every kind rows of faces of it [K,M], or of any where none are."""
    columns = [faces.names.index(name) for name in ALIKE if name in faces.names and faces.names.index(name) != column]
    kinds = (faces.labels[:, columns] == 1) @ (1 << np.arange(len(columns)))
    picked = []
    for kind in range(1 << len(columns)):
        same = rows[kinds[rows] == kind]
        picked.append(np.resize(same if len(same) else rows, len(rows)))
    return kinds, np.stack(picked)


def compared(
    faces: Faces, having: NDArray[np.integer], lacking: NDArray[np.integer], column: int, *, count: int, seed: int
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Rows of up to `count` of the faces that have it, and for each of one that lacks it and is like it otherwise."""
    dice = np.random.default_rng(seed)
    kinds, alike = partners(faces, lacking, column)
    some = dice.permutation(having)[:count]
    return some, np.array([alike[kinds[row], dice.integers(alike.shape[1])] for row in some], np.int64)


def batch(faces: Faces, rows: NDArray[np.integer], region: str, pack: Pack) -> tuple[Tensor, Tensor]:
    """Pictures [N,3,S,S] in [-1,1], and where they may be redrawn [N,1,S,S]."""
    masks = np.stack([inside(points, pack.size, region) for points in faces.points[rows]])
    return to_batch(faces.faces[rows], pack.device), torch.from_numpy(masks)[:, None].to(pack.device)
