"""Public files on this machine: where `videdit models get` puts them, what it notes beside them, and whether they are still whole.

WEIGHTS/NAME/FILE with FILE.json beside it: name, url, sha256, bytes, when it came, and the licence that was accepted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from videdit.errors import PackError
from videdit.packs.manifest import user_folder
from videdit.packs.registry import SHA256, Entry, read_registry


def weights_folder() -> Path:
    """$VIDEDIT_WEIGHTS, else `weights` beside the user's packs."""
    named = os.environ.get("VIDEDIT_WEIGHTS")
    return Path(named) if named else user_folder().parent / "weights"


def place(entry: Entry, folder: Path | None = None) -> Path:
    """Where an entry's file lies; folder: given with --to."""
    return (folder if folder is not None else weights_folder() / entry.name) / entry.file


def find_weights(name: str) -> Path | None:
    """The file of an entry that was fetched, whole; None where it was not. Raises PackError for one that is damaged."""
    entry = read_registry().get(name)
    if entry is None or not place(entry).is_file():
        return None
    path = place(entry)
    known = entry.sha256 or str(read_record(path).get("sha256", ""))
    if known and digest(path) != known:
        raise PackError(f"{path} is damaged: its sha256 is not {known}", hint=f"`videdit models get {name}` fetches it again.")
    return path


def record_of(path: Path) -> Path:
    """The note beside a file."""
    return path.with_name(path.name + ".json")


def read_record(path: Path) -> Mapping[str, Any]:
    """What was noted of a file; empty where nothing was, or nothing that can be read."""
    try:
        found = json.loads(record_of(path).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and SHA256.fullmatch(str(found.get("sha256", ""))) else {}


def write_record(path: Path, values: Mapping[str, Any]) -> None:
    """Note it, whole or not at all. Raises OSError."""
    target = record_of(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        draft.write_text(json.dumps(dict(values), indent=2) + "\n", "utf-8")
        os.replace(draft, target)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def digest(path: Path) -> str:
    """sha256 of a file as 64 hexadecimal digits. Raises OSError."""
    facts = path.stat()
    return _digest(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=32)
def _digest(path: Path, mtime_ns: int, size: int) -> str:
    """The other arguments are there for the cache."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
