"""Progress of several files at once, on stderr: a bar for each in a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Protocol

from videdit.cli.progress import STAGES, UNITS, Plain, Reporter, reporter

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Step = Callable[[str, int, int | None], None]  # stage, done, total


class Crowd(Protocol):
    """Who shows progress of files by their numbers; a context manager."""

    def __enter__(self) -> Crowd: ...
    def __exit__(self, *args: object) -> None: ...
    def begin(self, number: int, name: str) -> Step:
        """A file begins; gives what hears of its progress."""

    def end(self, number: int) -> None:
        """It is done, or failed."""


def crowd(mode: str, files: int, *, together: bool, stream: IO[str] | None = None) -> Crowd:
    """mode: auto (bars in a terminal, else plain), plain or none; together: several files at once."""
    stream = stream or sys.stderr
    if not together:
        return OneByOne(reporter(mode, stream))
    if mode == "none":
        return OneByOne(reporter("none"))
    return Bars(files) if mode == "auto" and stream.isatty() else PlainLines(stream)


class OneByOne:
    """One file after the other, by a reporter of one."""

    def __init__(self, talk: Reporter) -> None:
        self._talk = talk

    def __enter__(self) -> OneByOne:
        self._talk.__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        self._talk.__exit__(*args)

    def begin(self, number: int, name: str) -> Step:
        self._talk.file(name)
        return self._talk

    def end(self, number: int) -> None:
        pass


class PlainLines:
    """Lines as for one file, each with the file's name."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __enter__(self) -> PlainLines:
        return self

    def __exit__(self, *args: object) -> None:
        pass

    def begin(self, number: int, name: str) -> Step:
        talk = Plain(self._stream)
        talk.file(name)
        return talk

    def end(self, number: int) -> None:
        pass


class Bars:
    """A bar for each file that is worked on, and one for all."""

    def __init__(self, files: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (
            TextColumn("{task.fields[name]}", markup=False),
            TextColumn("{task.description}", style="cyan"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.fields[of]}"),
            TextColumn("{task.fields[rate]}", style="magenta"),
        )
        self._progress: Progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._all = self._progress.add_task("files", total=files, name="", of=files, rate="")
        self._tasks: dict[int, TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._progress.stop()

    def begin(self, number: int, name: str) -> Step:
        self.end(number, counted=False)
        task = self._tasks[number] = self._progress.add_task("", total=None, name=name, of="?", rate="")
        known: dict[str, float] = {}

        def step(stage: str, done: int, total: int | None) -> None:
            now = time.monotonic()
            since = now - known.setdefault(stage, now)
            rate = f"{done / since:.1f} {UNITS.get(stage, 'frames')}/s" if since > 0.5 else ""
            self._progress.update(task, description=STAGES.get(stage, stage), completed=done, total=total, of=total or "?", rate=rate)

        return step

    def end(self, number: int, *, counted: bool = True) -> None:
        if number in self._tasks:
            self._progress.remove_task(self._tasks.pop(number))
        if counted:
            self._progress.advance(self._all)
