"""The other side of `local`: a process that does one task after the other, told by a pipe."""

from __future__ import annotations

import logging
import os
import signal
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from videdit.batch.task import Done, Task, Tools, as_failure, do
from videdit.batch.told import told
from videdit.errors import MissingError, UsageError
from videdit.video.patience import left_behind

EVERY = 0.1  # s between two steps that are told


def serve(pipe: Connection, slot: int, threads: int) -> None:
    """Do tasks until the pipe ends or holds None; slot: which of the workers this is; threads: of the networks.

    Sends ("step", stage, done, total), ("note", text), ("done", Done), and ("stop", error) for what would hit every task. Where native code
    was given up, which still takes a core, it sends ("last", Done) and ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who gave us work decides
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up as Ctrl-C does
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is imported
    log = logging.getLogger("videdit")
    log.addHandler(Notes(pipe))
    log.propagate = False
    tools: Tools | None = None
    try:
        while (task := pipe.recv()) is not None:
            task = placed(task, slot, threads)
            tools = tools or _load(task, pipe)
            if tools is not None:
                _answer(task, tools, pipe)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return  # nobody listens, or we are told to end


def placed(task: Task, slot: int, threads: int) -> Task:
    """The task on this worker's device: with several GPUs each worker has its own, as long as there are.

    OpenCV's threads stay as they are in a run without workers: its flow is cut into as many stripes, so that results depend on them.
    """
    import torch

    torch.set_num_threads(threads)
    return replace(task, settings=replace(task.settings, device=device_of(task.settings.device, slot, torch.cuda.device_count())))


def device_of(asked: str, slot: int, count: int) -> str:
    """Which device a worker takes; count: of GPUs."""
    return f"cuda:{slot % count}" if asked in ("auto", "cuda") and count > 1 else asked


def _load(task: Task, pipe: Connection) -> Tools | None:
    try:
        return Tools.load(task)
    except (MissingError, UsageError, ModuleNotFoundError) as error:
        pipe.send(("stop", _said(error)))
        return None


def _answer(task: Task, tools: Tools, pipe: Connection) -> None:
    """Do a task and tell. Raises BrokenPipeError where nobody listens any more."""
    try:
        done = do(task, tools, Steps(pipe))
    except BrokenPipeError:
        raise
    except (MissingError, UsageError, ModuleNotFoundError) as error:
        pipe.send(("stop", _said(error)))
        return
    except Exception as error:
        done = Done(task.number, error=as_failure(error))
    pipe.send(("last" if left_behind() else "done", told(done)))
    if left_behind():
        os._exit(0)


def _said(error: Exception) -> Exception:
    """What can be sent: the same in a class of ours."""
    if isinstance(error, ModuleNotFoundError):
        return MissingError(f"a dependency is missing: {error.name}", hint="`videdit doctor` says what else is not there.")
    return error


class Steps:
    """Progress into a pipe, not more often than it is shown. Raises BrokenPipeError where nobody listens, which ends the edit."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._stage, self._said = pipe, "", 0.0

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if stage != self._stage or done == total or now - self._said >= EVERY:
            self._stage, self._said = stage, now
            self._pipe.send(("step", stage, done, total))


class Notes(logging.Handler):
    """Log records as notes, through the pipe."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        message: tuple[Any, ...] = ("note", self.format(record))
        try:
            self._pipe.send(message)
        except OSError:
            return
