"""A new attribute out of a folder of labelled pictures: an axis beside the ones a pack has, and a flag for it.

    videdit train attribute --pack face-128 --data photos

photos/labels.csv says who has it. The axis is the slope of the latents on the label while other attributes stay, as the pack's own axes are
(train.axes), and +1.0 is measured as for an editor's own attributes (train.editors). Everything else in the pack stays as it is.
(Shrinking principal components by what chance would find there was tried on 500 faces: it helps a smile and loses glasses.)
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videdit.errors import UsageError
from videdit.packs.load import load_pack
from videdit.packs.save import add_axes
from videdit.train.axes import slopes
from videdit.train.editors import Judged, Move, writable
from videdit.train.latents import Latents, classify, prepare
from videdit.train.measure import Floats
from videdit.train.run import Progress

FEWEST = 20  # pictures with it, and as many without
RELATED = 0.5  # correlation from which on another attribute is a part of this one


def train(
    data: Path,
    out: Path,
    *,
    pack: str | Path,
    seed: int = 0,
    device: str = "auto",
    faces: int = 30000,
    progress: Progress | None = None,
) -> Path:
    """Find an axis for every column of labels.csv that the pack has no attribute for, and put it into the pack; returns the axes' file.

    data: a folder of pictures with a labels.csv (train.pictures); out: the run's folder, which gets attribute.json. A pack asked for by
    name is not written to: the user's copy is. Raises MissingError, PackError, UsageError.
    """
    loaded, out = load_pack(pack, device=device), Path(out)
    latents = prepare(Path(data), loaded, out, count=faces, seed=seed, progress=progress)
    judge = classify(latents, loaded.device, seed=seed, progress=progress)
    known = latents.seen.shape[1]
    rows = [row for row in range(known, len(latents.names)) if np.isfinite(latents.labels[:, row]).any()]
    if not rows:
        raise UsageError(
            f"{data} has no labels of an attribute that is new to the pack", hint="Add a column to its labels.csv: 1, 0 or -1."
        )
    axes = np.stack([direction(latents, row) for row in rows])
    judged = Judged(loaded, latents, judge)
    distances = [judged.distance(mover(axis), row) for row, axis in zip(rows, axes, strict=True)]
    names = [latents.names[row] for row in rows]
    notes = {name: {"distance": round(far, 3), **counts(latents, row)} for name, row, far in zip(names, rows, distances, strict=True)}
    out.mkdir(parents=True, exist_ok=True)
    (out / "attribute.json").write_text(json.dumps(notes, indent=1) + "\n", "utf-8")
    return add_axes(writable(loaded, pack), axes, np.array(distances), names)


def mover(axis: Floats) -> Move:
    """Moves along an axis [L,D], whatever the attribute's number."""

    def move(w: Floats, _row: int, distance: float) -> NDArray[np.float32]:
        return np.asarray(w + distance * axis, np.float32)

    return move


def counts(latents: Latents, row: int) -> dict[str, int]:
    """Pictures with an attribute and without."""
    return {"with": int((latents.labels[:, row] == 1).sum()), "without": int((latents.labels[:, row] == 0).sum())}


def direction(latents: Latents, row: int) -> NDArray[np.float64]:
    """The axis [L,D], unit length, of the attribute in column `row`. Raises UsageError for too few labels."""
    rows = np.isfinite(latents.labels[:, row])
    known = counts(latents, row)
    if min(known.values()) < FEWEST:
        raise UsageError(
            f"{latents.names[row]} is labelled in {known['with']} pictures with it and {known['without']} without",
            hint=f"At least {FEWEST} of each are needed; a few hundred are better.",
        )
    labels, w = latents.labels[rows, row].astype(np.float64), latents.w[rows].astype(np.float64)
    held = others(latents.truth()[rows, : latents.seen.shape[1]], labels)
    slope = slopes(np.concatenate([labels[:, None], held], 1), w.reshape(len(w), -1))[0]
    return (slope / np.linalg.norm(slope)).reshape(w.shape[1:])


def others(truth: Floats, labels: Floats) -> NDArray[np.float64]:
    """The attributes [N,K] of truth [N,A] that are to stay: those that vary and are not the same thing as labels [N] under another name."""
    spread = truth.std(0) * labels.std()
    related = np.abs(((truth - truth.mean(0)) * (labels - labels.mean())[:, None]).mean(0)) / np.maximum(spread, 1e-9)
    return np.asarray(truth[:, (truth.std(0) > 0) & (related < RELATED)], np.float64)
