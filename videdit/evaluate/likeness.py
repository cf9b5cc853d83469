"""Embeddings of many pictures, on all cores: dlib's network is slow and takes one picture at a time. With dlib, imports no torch."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videdit.errors import MissingError
from videdit.quality.embedder import Embedder

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]

EMBEDDERS = ("dlib", "facenet")
_own: dict[str, Any] = {}  # one a process, because it takes a second to load


def embed(picture: Bytes, points: Floats, *, embedder: str = "dlib") -> NDArray[np.float64]:
    """The embedding float64 [128 or 512] of the face at points [78,2] px in picture uint8 [H,W,3]."""
    if embedder not in _own:
        _own[embedder] = _load(embedder)
    rgb = np.ascontiguousarray(picture)
    code: NDArray[np.float64] = _own[embedder].embed(rgb, _own[embedder].align(rgb, points))
    return code


def _load(embedder: str) -> Any:
    if embedder == "dlib":
        return Embedder()
    from videdit.quality.facenet import FaceNetEmbedder

    return FaceNetEmbedder()


class Likeness:
    """Use it in a `with`. embedder: one of EMBEDDERS. Raises MissingError at once where it or its weights are not there."""

    def __init__(self, workers: int = 1, *, embedder: str = "dlib") -> None:
        self._embed = functools.partial(embed, embedder=embedder)
        try:
            _own[embedder] = _load(embedder)
        except MissingError as error:
            raise MissingError(str(error), hint=f"{error.hint}; --identities 0 leaves identity out.") from None
        self._pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) if workers > 1 else None

    def __enter__(self) -> Likeness:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def codes(self, pictures: Sequence[Bytes] | Bytes, points: Sequence[Floats] | Floats) -> NDArray[np.float64]:
        """Embeddings float64 [n,128 or 512] of pictures uint8 [H,W,3] RGB, each with the face at points [78,2] px."""
        run = self._pool.map(self._embed, pictures, points, chunksize=4) if self._pool else map(self._embed, pictures, points)
        return np.array(list(run)).reshape(len(pictures), -1)


def strangers_median(codes: Floats, identity: NDArray[np.integer]) -> float:
    """Median cosine between embeddings [n,dim] of different people; NaN where all are one."""
    units = codes / np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-12)
    apart = np.triu(identity[:, None] != identity[None, :], 1)
    return float(np.median((units @ units.T)[apart])) if apart.any() else float("nan")
