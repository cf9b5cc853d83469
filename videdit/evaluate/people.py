"""The people an evaluation is made on: whole pictures, their faces, latents and renders."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videdit.errors import MissingError, UsageError
from videdit.evaluate.bench import Bench, as_bytes
from videdit.geometry import crop_quad, face_quad, quad_to_crop, transform_points
from videdit.train import data as faces_data

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class People:
    """N faces; S is the pack's size, A the judge's attributes.

    pictures uint8 [N,H,W,3] RGB; quads float64 [N,4,2] and points [N,78,2] px of the picture, marks [N,78,2] px of the crop;
    identity int [N]; w float32 [N,L,D]; before float32 [N,S,S,3] 0..255: the renders of w; seen, drawn float32 [N,A]: the judge's
    probabilities on the pictures' faces and on the renders.
    """

    pictures: Bytes
    quads: Floats
    points: Floats
    marks: Floats
    identity: NDArray[np.integer]
    w: NDArray[np.float32]
    before: NDArray[np.float32]
    seen: NDArray[np.float32]
    drawn: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.pictures)

    def only(self, rows: NDArray[np.integer]) -> People:
        """Some of them."""
        return People(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def flips(self, column: int, rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """What an edit asks of these faces so that the judge changes its mind: +1 where it does not see attribute `column`, else -1."""
        return np.where(self.seen[rows, column] < 0.5, 1.0, -1.0)


def open_data(data: str | Path) -> faces_data.Faces:
    """The prepared faces. Raises MissingError."""
    try:
        return faces_data.load(data)
    except OSError as error:
        raise MissingError(f"{error.filename or data} is not there", hint="`python -m videdit.train.data` prepares the data.") from None


def choose(known: faces_data.Faces, bench: Bench, *, count: int, seed: int) -> People:
    """`count` faces of people of shard 5 who took no part in any training or choice, inverted and judged.

    Raises UsageError when there is nobody.
    """
    held = known.held_out(choosing=False)
    if len(held) < 2:
        raise UsageError(f"there are {len(held)} faces of shard 5 to measure on", hint="Every fourth person is left out.")
    rows = np.random.default_rng(seed).permutation(held)[:count]
    pictures, points = np.asarray(known.pictures[rows]), known.points[rows].astype(np.float64)
    size = bench.pack.size
    quads = np.stack([face_quad(p, bench.pack.face_frame) for p in points])
    crops = as_bytes(np.stack([crop_quad(np.ascontiguousarray(p), q, size, cubic=True) for p, q in zip(pictures, quads, strict=True)]))
    marks = np.stack([transform_points(p, quad_to_crop(q, size)) for p, q in zip(points, quads, strict=True)])
    w = bench.encode(crops)
    before = bench.render(w)
    return People(pictures, quads, points, marks, known.identity[rows], w, before, bench.judged(crops), bench.judged(before))
