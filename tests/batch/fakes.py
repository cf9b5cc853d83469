"""Workers that only pretend: what they do stands in a task's name. Nothing here imports torch, so that processes start quickly."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

from videdit.batch.task import Done, Task
from videdit.errors import MissingError, UnreadableError


def serve(pipe: Connection, slot: int, threads: int) -> None:
    """good; bad: can't be read; once: killed the first time; crash: dies every time; stop: no weights; long: until told to end; last: ends
    when it is done."""
    try:
        while (task := pipe.recv()) is not None:
            log(task, f"begin {slot} {threads}")
            act(task, pipe)
            log(task, "end")
    except EOFError:
        return


def act(task: Task, pipe: Connection) -> None:
    name = task.source.stem.rstrip("0123456789")
    pipe.send(("step", "edit", 1, 1))
    error = None
    if name == "bad":
        error = UnreadableError("it is no clip", hint="Look at it.")
    elif name == "once" and not task.target.exists():
        task.target.write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
    elif name == "crash":
        os._exit(7)
    elif name == "stop":
        pipe.send(("stop", MissingError("no weights", hint="Get some.")))
        return
    elif name == "long":
        time.sleep(60)
    time.sleep(0.02)
    pipe.send(("last" if name == "last" else "done", Done(task.number, error=error)))
    if name == "last":
        os._exit(0)


def log(task: Task, words: str) -> None:
    """What happened, in order, for the test to read."""
    with open(task.target.parent / "log", "a") as file:
        file.write(f"{task.source.stem} {words}\n")


def tasks(folder: Path, names: str) -> list[Task]:
    return [Task(number, Path(f"{name}.mp4"), folder / f"{name}.mp4", {}) for number, name in enumerate(names.split())]
