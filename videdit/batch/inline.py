"""Tasks one after the other, in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from videdit.batch.places import url_of
from videdit.batch.task import Done, Progress, Task, Tools, as_failure, do
from videdit.errors import MissingError, UnreadableError, UsageError


def run_inline(
    tasks: Sequence[Task], began: Callable[[Task, int], Progress | None], *, stop: Callable[[], bool] = lambda: False
) -> Generator[Done, None, None]:
    """What became of each task, as soon as it is known.

    began: called with each and the process that does it, gives what hears of its progress; stop: asked before each whether to end here.

    A clip that fails does not stop the others, even where that is a bug of ours; of a single one bugs are raised. Raises MissingError and
    UsageError, which would hit the others too.
    """
    tools: Tools | None = None
    for task in tasks:
        if stop():
            return
        progress = began(task, os.getpid())
        try:
            if tools is None:
                check_readable(task.source)
                tools = Tools.load(task)
            yield do(task, tools, progress)
        except UnreadableError as error:
            yield Done(task.number, error=error)
        except Exception as error:
            if len(tasks) == 1 or _of_all(error):
                raise
            yield Done(task.number, error=as_failure(error))


def check_readable(source: Path) -> None:
    """A file that is none is told before PyTorch is imported, which takes seconds. Raises UnreadableError."""
    from videdit.video.probe import probe

    if not url_of(source):
        probe(source)


def _of_all(error: Exception) -> bool:
    """Whether the other clips would fail likewise."""
    return isinstance(error, (MissingError, UsageError, ModuleNotFoundError))
