"""Prepared faces with whole pictures and landmarks, as `videdit evaluate` reads them; nobody's."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tests.train.faces import make_work
from videdit.faces.shape import MEAN_FACE


def make_people(folder: Path) -> Path:
    """72 faces of 18 people; the pictures of shard 5 show a smooth pattern around landmarks that fit in."""
    work = make_work(folder, people=18)
    draw = np.random.default_rng(1)
    meta = dict(np.load(work / "meta.npz"))
    count = len(meta["id"])
    noise = draw.integers(0, 255, (count, 218, 178, 3)).astype(np.uint8)
    np.save(work / "pictures.npy", np.stack([cv2.GaussianBlur(picture, (0, 0), 6) for picture in noise]))
    meta["points"] = (MEAN_FACE * 36 + np.array([89, 105]) + draw.normal(0, 3, (count, 1, 2))).astype(np.float32)
    np.savez(work / "meta.npz", **meta)
    return work
