"""The hidden folder beside an output in which everything lies that is not finished yet; it is gone when the output is there.

    .out.mp4.videdit/
        lock        held while a process works on out.mp4
        faces/      what pass 1 has found so far (pipeline.facelog)
        video/      encoded segments (video.segments)
        part        the output while it is joined

Each of the three says by itself what it was made from, so whatever does not fit the command any more is left out and removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from videdit.errors import MissingError, OutputError, UsageError
from videdit.store.lock import TakenError, take

LONGEST = 200  # bytes of a name, so that there is room for ours


def work_folder(target: Path) -> Path:
    """Where the work on an output lies."""
    name = os.fsencode(target.name)
    if len(name) > LONGEST:
        return target.with_name(f".{hashlib.sha256(name).hexdigest()[:40]}.videdit")
    return target.with_name(f".{target.name}.videdit")


class Work:
    """The folder of an output, for one process at a time; a context manager.

    Leaving the block as it should be removes the folder, and so does leaving it by an error that the same command would meet again
    (usage, something missing) or with nothing in it that is worth going on from. Raises OutputError when the place can't be
    written, or another process works on the same output.
    """

    def __init__(self, target: Path) -> None:
        self.target, self.folder = target, work_folder(target)
        self.keep = False  # whether the folder stays though the block is left as it should be: others go on with what is in it
        self._lock: BinaryIO | None = None

    @property
    def part(self) -> Path:
        """The output while it is written."""
        return self.folder / "part"

    def place(self, name: str) -> Path:
        """A folder in it, made where it is missing. Raises OutputError."""
        path = self.folder / name
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise unwritable(self.target, error) from error
        return path

    def __enter__(self) -> Work:
        try:
            while self._lock is None:
                self.folder.mkdir(exist_ok=True)
                with contextlib.suppress(FileNotFoundError):  # another process has just finished and removed the folder
                    self._lock = take(self.folder / "lock")
        except TakenError as error:
            who = f" ({error.holder})" if error.holder else ""
            raise OutputError(f"another process{who} is writing {self.target}", hint="Wait for it, or name another output.") from None
        except OSError as error:
            raise unwritable(self.target, error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._lock is not None
        try:
            with contextlib.suppress(OSError):  # somebody has removed the folder, or the disk can only be read now
                self._tidy(again=kind is not None and not issubclass(kind, (UsageError, MissingError)))
        finally:
            self._lock.close()
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def _tidy(self, *, again: bool) -> None:
        """Remove what is half, and everything where nobody goes on, or from nothing. Raises OSError."""
        for path in self.folder.rglob("*part"):
            path.unlink(missing_ok=True)
        if self.keep or (again and self.worth):
            return
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
        for lock in self.folder.glob("lock*"):  # of parts too, that died
            lock.unlink(missing_ok=True)  # Windows removes no open file; then an empty lock stays

    @property
    def worth(self) -> bool:
        """Whether there is anything to go on from."""
        return any(path.is_file() for place in self.folder.iterdir() if place.is_dir() for path in place.iterdir())


def sweep(target: Path) -> None:
    """Remove what a process left that ended between putting an output in its place and tidying up; not where another one is at work."""
    if work_folder(target).is_dir():
        with contextlib.suppress(OutputError), Work(target):
            pass


def unwritable(target: Path, error: OSError) -> OutputError:
    """Why an output can't be written."""
    reason = (error.strerror or str(error)).splitlines()[0].lower()
    return OutputError(f"{target} can't be written: {reason}", hint="Is the folder there, writable, and the disk not full?")
