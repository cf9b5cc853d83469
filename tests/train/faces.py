"""A work directory of made-up faces, as videdit.train.data writes it: the smiling ones have a light bar below."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from videdit.faces.shape import MEAN_FACE
from videdit.packs.celeba import CELEBA


def make_work(folder: Path, *, people: int = 12, each: int = 4) -> Path:
    """people * each faces over the six shards; a person lives in one shard and has a colour."""
    draw = np.random.default_rng(0)
    count = people * each
    identity = np.repeat(np.arange(people), each)
    labels = draw.integers(0, 2, (count, len(CELEBA))).astype(np.uint8)
    colors = draw.integers(40, 200, (people, 3))
    faces = np.clip(colors[identity][:, None, None] + draw.normal(0, 12, (count, 128, 128, 3)), 0, 255)
    faces[labels[:, CELEBA.index("Smiling")] == 1, 90:110, 40:90] = 240
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "faces.npy", faces.astype(np.uint8))
    np.save(folder / "pictures.npy", np.zeros((count, 218, 178, 3), np.uint8))
    np.savez(
        folder / "meta.npz",
        id=np.array([f"{i:06d}" for i in range(count)]),
        identity=identity,
        shard=identity % 6,
        labels=labels,
        attributes=np.array(CELEBA),
        points=np.repeat((MEAN_FACE * 42 + np.array([89, 100]))[None], count, axis=0).astype(np.float32),
        presence=np.ones(count, np.float32),
    )
    return folder
