"""The cache: arrays by key, in the user's cache folder.

A key is the sha256 of everything the arrays depend on: the clip's content, the pack's id, the stage's version and its
settings. An entry is one .npz, or one .npy of rows, written beside its place and renamed, so that a killed run leaves no half
entry; a damaged one reads as absent. What was not used for longest goes when there is too much. Nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videdit.store.plain import DAMAGED
from videdit.store.rows import Rows

LIMIT = 4 << 30  # bytes kept
ABANDONED = 24 * 3600.0  # s after which a part that nobody has written to is a killed run's
VERSIONS = {"tracks": 7, "tuned": 3, "renders": 3}  # raised when a stage's results change


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored result: stage, file, bytes, and when it was last used, s since 1970."""

    stage: str
    path: Path
    size: int
    used: float = 0.0


def default_folder() -> Path:
    """$VIDEDIT_CACHE, else videdit in the user's cache folder (XDG_CACHE_HOME, ~/Library/Caches, %LOCALAPPDATA%)."""
    if named := os.environ.get("VIDEDIT_CACHE"):
        return Path(named)
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "videdit" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "videdit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "videdit"


def content_key(path: str | Path) -> str:
    """sha256 of a file's bytes. Raises OSError."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def stage_key(stage: str, *parts: object) -> str:
    """Key of a stage's result from what it depends on; parts must be JSON values."""
    text = json.dumps([stage, VERSIONS[stage], *parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


class Cache:
    """Arrays by stage and key under a folder. `folder` None keeps nothing and finds nothing; limit: bytes kept."""

    def __init__(self, folder: Path | None, *, limit: int = LIMIT) -> None:
        self.folder, self.limit = folder, limit

    def path(self, stage: str, key: str) -> Path:
        """Where an entry lies. Raises ValueError without a folder."""
        if self.folder is None:
            raise ValueError("this cache has no folder")
        return self.folder / stage / f"{key}.npz"

    def load(self, stage: str, key: str) -> dict[str, NDArray[np.generic]] | None:
        """The arrays of an entry; None when it is not there or can't be read."""
        if self.folder is None:
            return None
        try:
            with np.load(self.path(stage, key), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except DAMAGED:
            return None
        with contextlib.suppress(OSError):
            os.utime(self.path(stage, key))  # used just now
        return arrays

    def save(self, stage: str, key: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Keep arrays. A cache that can't be written is no reason to fail: the entry is then missing."""
        if self.folder is None:
            return
        target = self.path(stage, key)
        with contextlib.suppress(OSError):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    np.savez(file, **dict(arrays))  # type: ignore[arg-type]
                os.replace(name, target)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            self._trim(keep=target)

    def rows(self, stage: str, key: str, shape: tuple[int, ...]) -> Rows:
        """A uint8 array of this shape, a row per frame, to read or to write; an eighth of the limit is the most that one may take."""
        fits = self.folder is not None and math.prod(shape) <= self.limit // 8
        return Rows(self.path(stage, key).with_suffix(".npy") if fits else None, shape, kept=lambda path: self._trim(keep=path))

    def _trim(self, *, keep: Path) -> None:
        """Remove what was not used for longest until the rest is within the limit; `keep` stays. Raises OSError."""
        assert self.folder is not None
        found = _files(self.folder, "*/*.np[yz]")
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total > self.limit and path != keep:
                path.unlink(missing_ok=True)
                total -= size
        for changed, _, path in _files(self.folder, "*/*.part"):
            if changed < time.time() - ABANDONED:
                path.unlink(missing_ok=True)

    def entries(self) -> list[Entry]:
        """Everything kept, the largest first."""
        if self.folder is None:
            return []
        found = [Entry(path.parent.name, path, size, used) for used, size, path in _files(self.folder, "*/*.np[yz]")]
        return sorted(found, key=lambda e: (-e.size, e.path.name))

    def size(self) -> int:
        """Bytes in use."""
        return sum(entry.size for entry in self.entries())

    def clear(self) -> int:
        """Remove every entry, and what killed runs have left half written; returns the bytes freed."""
        freed = 0
        for _, size, path in _files(self.folder, "*/*.np[yz]", "*/*.part") if self.folder else ():
            with contextlib.suppress(OSError):
                path.unlink()
                freed += size
        return freed


def _files(folder: Path, *patterns: str) -> list[tuple[float, int, Path]]:
    """When they were changed, s since 1970, bytes and paths; without those that another process is just removing."""
    found = []
    for path in (path for pattern in patterns for path in folder.glob(pattern)):
        with contextlib.suppress(OSError):
            about = path.stat()
            found.append((about.st_mtime, about.st_size, path))
    return found
