"""Embeddings of many pictures, on all cores: dlib's network is slow and takes one picture at a time. Imports no torch."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from videdit.errors import MissingError
from videdit.quality.embedder import Embedder

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]

_own: list[Embedder] = []  # one a process, because it takes a second to load


def embed(picture: Bytes, points: Floats) -> NDArray[np.float64]:
    """The embedding float64 [128] of the face at points [78,2] px in picture uint8 [H,W,3]."""
    if not _own:
        _own.append(Embedder())
    rgb = np.ascontiguousarray(picture)
    return _own[0].embed(rgb, _own[0].align(rgb, points))


class Likeness:
    """Use it in a `with`. Raises MissingError at once where dlib or its weights are not there."""

    def __init__(self, workers: int = 1) -> None:
        try:
            Embedder()
        except MissingError as error:
            raise MissingError(str(error), hint=f"{error.hint}; --identities 0 leaves identity out.") from None
        self._pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) if workers > 1 else None

    def __enter__(self) -> Likeness:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def codes(self, pictures: Sequence[Bytes] | Bytes, points: Sequence[Floats] | Floats) -> NDArray[np.float64]:
        """Embeddings float64 [n,128] of pictures uint8 [H,W,3] RGB, each with the face at points [78,2] px."""
        run = self._pool.map(embed, pictures, points, chunksize=4) if self._pool else map(embed, pictures, points)
        return np.array(list(run)).reshape(len(pictures), -1)


def strangers_median(codes: Floats, identity: NDArray[np.integer]) -> float:
    """Median cosine between embeddings [n,dim] of different people; NaN where all are one."""
    units = codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-12)
    apart = np.triu(identity[:, None] != identity[None, :], 1)
    return float(np.median((units @ units.T)[apart])) if apart.any() else float("nan")
