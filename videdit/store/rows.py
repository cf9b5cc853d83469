"""Long arrays in the cache: written row by row while they are made, read from disk in parts once they are whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from videdit.store.durable import commit


class Rows:
    """uint8 rows of one shape; a context manager. `path` None keeps nothing.

    `read` answers only when an earlier run has written all of them; `write` takes them in order, and after the last one the file
    moves into its place and `kept` is called. What is not whole when the block ends, or can't be written, is dropped.
    """

    def __init__(self, path: Path | None, shape: tuple[int, ...], *, kept: Callable[[Path], None] = lambda _: None) -> None:
        self.shape, self._path, self._kept = shape, path, kept
        self._known = _open(path, shape) if path else None
        self._part: tuple[BinaryIO, Path] | None = None
        self._next = 0

    @property
    def whole(self) -> bool:
        """Whether an earlier run has written all of them."""
        return self._known is not None

    def read(self, start: int, stop: int) -> NDArray[np.uint8] | None:
        """Rows start..stop, or None when they are not there."""
        return None if self._known is None else np.array(self._known[start:stop])

    def write(self, start: int, rows: NDArray[np.uint8]) -> None:
        """Keep rows [n,...] that follow those written before; others are ignored."""
        if self._path is None or self._known is not None or start != self._next:
            return
        try:
            if start == 0:
                self._part = _begin(self._path, self.shape)
            if self._part is None:
                return
            file, part = self._part
            file.write(np.ascontiguousarray(rows).tobytes())
            self._next += len(rows)
            if self._next == self.shape[0]:
                file.close()
                commit(part, self._path)  # it has no checksums: after a power cut it must not have rows of zeros
                self._part = None
                self._kept(self._path)
        except OSError:  # a cache that can't be written is no reason to fail
            self._drop()

    def _drop(self) -> None:
        if self._part:
            file, part = self._part
            self._part = None
            with contextlib.suppress(OSError):
                file.close()
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._drop()
        self._known = None


def _open(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """The file's array, mapped; None when it is absent, damaged or another."""
    try:
        found = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError):
        return None
    if found.dtype != np.uint8 or found.shape != shape:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used just now
    return found


def _begin(path: Path, shape: tuple[int, ...]) -> tuple[BinaryIO, Path]:
    """A file beside `path` with the head of an array of this shape. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    file = os.fdopen(handle, "wb")
    try:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    except OSError:
        with contextlib.suppress(OSError):
            file.close()
        Path(name).unlink(missing_ok=True)
        raise
    return file, Path(name)
