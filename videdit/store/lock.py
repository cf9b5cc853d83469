"""A lock on a file that dies with its process, however that ends."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import BinaryIO


class TakenError(Exception):
    """Another process holds the lock; `holder` is its number, "" where it has not said yet."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


def take(path: Path) -> BinaryIO:
    """Lock the file, which is made where it is missing; closing what is returned lets go of it. Raises TakenError, OSError.

    The holder removes the file before it lets go, so a file that is locked but has lost its name is somebody's who has finished: then
    it is tried again. Where a file system has no locks nobody is refused.
    """
    while True:
        file = open(path, "ab+")  # noqa: SIM115  # stays open
        try:
            _lock(file)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(64).decode("ascii", "replace").strip()
            file.close()
            raise TakenError(holder) from None
        try:
            if _is_still(file, path):
                file.truncate(0)
                file.write(str(os.getpid()).encode())
                file.flush()
                return file
        except OSError:  # such as a full disk
            with contextlib.suppress(OSError):
                file.close()
            raise
        file.close()


def _is_still(file: BinaryIO, path: Path) -> bool:
    """Whether an open file has its name yet."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        """Raises BlockingIOError. The byte is beyond what is written, so that others can read who it is."""
        file.seek(1 << 20)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        """Raises BlockingIOError."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # no locks on this file system
            pass
