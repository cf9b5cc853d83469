"""Files that are whole or not there, after a power cut too.

The order is always the same: write beside the place, flush, fsync the file, rename it into its place, fsync the folder. So whatever
has its name has its contents: a name never reaches the disk before what it names. Whoever reads checks all the same (checksums of
packets, of members of an .npz), for disks that lie about fsync, and takes what is damaged for not there.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path


def commit(part: Path, place: Path) -> None:
    """Move a finished, closed file into its place, so that it is there after a power cut. Raises OSError."""
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, place)
    sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last. Not every system and file system can be asked to: there the rename lasts when it lasts."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
