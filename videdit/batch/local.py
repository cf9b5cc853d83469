"""Tasks spread over processes of this machine.

Each worker is a process of its own with a pipe of its own, so that one that dies (a decoder that crashes, the system that takes its
memory) takes nobody along: it is replaced, and its clip is done once more, then reported. A clip whose worker was killed is tried again
with nothing beside it, for that is how Linux says that memory ran out; and no clip is begun beside others unless what one needs is there.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

from videdit.batch import memory
from videdit.batch.task import Done, Progress, Task
from videdit.batch.worker import serve
from videdit.errors import WorkFailedError

ATTEMPTS = 2
NEED = 1 << 30  # bytes a worker is taken to need until one has shown it; docs/quality.md has 0.5 to 0.9 GB
PATIENCE = 10.0  # s for a worker to clean up when it is told to end
LOOK = 1.0  # s between two looks at memory while a clip waits for it

Began = Callable[[Task, int], Progress | None]  # a task, and the process that does it
Remark = Callable[[Task, str], None]


@dataclass(slots=True)
class Turn:
    """A task that waits: which attempt this is, and whether nothing may be done beside it."""

    task: Task
    attempt: int = 1
    alone: bool = False


@dataclass(slots=True)
class Worker:
    """A process, our end of its pipe, and what it is at."""

    process: Any
    pipe: Connection
    turn: Turn | None = None
    progress: Progress | None = None


def run_local(
    tasks: Sequence[Task],
    began: Began,
    remark: Remark,
    *,
    workers: int,
    threads: int,
    stop: Callable[[], bool] = lambda: False,
    work: Callable[..., None] = serve,
) -> Generator[Done, None, None]:
    """What became of each task, as soon as it is known, in any order; see `run_inline`. remark: hears why a task is tried again.

    threads: of the networks, in all. stop: asked whether to begin no more; those at work are waited for. work: what the processes run.
    Closing the iterator ends them. Raises what would hit every task.
    """
    waiting = deque(Turn(task) for task in tasks)
    with Crew(min(workers, len(tasks)), max(1, threads // workers), work) as crew:
        while (waiting and not stop()) or crew.busy():
            if not stop():
                crew.give_out(waiting, began)
            for worker, message in crew.listen():
                yield from _heard(worker, message, waiting, crew, remark)


def _heard(worker: Worker, message: tuple[Any, ...] | None, waiting: deque[Turn], crew: Crew, remark: Remark) -> Iterator[Done]:
    """One message of a worker; None is its death. Raises what would hit every task."""
    turn = worker.turn
    if message is None:
        how = crew.bury(worker)
        if turn is None:
            return
        if turn.attempt < ATTEMPTS:
            remark(turn.task, f"its worker {how}; it is done once more")
            waiting.appendleft(Turn(turn.task, turn.attempt + 1, alone=worker.process.exitcode == -signal.SIGKILL))
        else:
            hint = "Other clips are not affected. With little memory: fewer --workers. If it dies alone too, please report it."
            yield Done(turn.task.number, error=WorkFailedError(f"the worker that edited it {how}, {ATTEMPTS} times", hint=hint))
    elif message[0] == "step" and worker.progress is not None:
        worker.progress(*message[1:])
    elif message[0] == "note" and turn is not None:
        remark(turn.task, message[1])
    elif message[0] == "stop":
        raise message[1]
    elif message[0] in ("done", "last"):
        worker.turn = None
        if message[0] == "last":  # it ends by itself, and is replaced
            crew.bury(worker)
        done: Done = message[1]
        crew.need = max(crew.need, getattr(done.report, "peak_memory", 0))
        yield done


class Crew:
    """The workers; a context manager. need: bytes that the hungriest of them has taken."""

    def __init__(self, size: int, threads: int, work: Callable[..., None]) -> None:
        self._size, self._threads, self._work = size, threads, work
        self._context = multiprocessing.get_context("spawn")  # a fork of a process with threads may hang
        self._workers: dict[int, Worker] = {}
        self.need = NEED

    def busy(self) -> bool:
        """Whether any worker is at a task."""
        return any(worker.turn for worker in self._workers.values())

    def give_out(self, waiting: deque[Turn], began: Began) -> None:
        """A task for every worker that has none, as memory allows; processes are started, or replaced, when they are needed."""
        for slot in range(self._size):
            worker = self._workers.get(slot)
            if not waiting or (worker is not None and worker.turn is not None):
                continue
            if self.busy() and not self._fits(waiting[0], worker):
                return
            worker = worker or self._start(slot)
            worker.turn = waiting.popleft()
            pid: int = worker.process.pid
            worker.progress = began(worker.turn.task, pid)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has died; `listen` hears of it
                worker.pipe.send(worker.turn.task)

    def _fits(self, turn: Turn, worker: Worker | None) -> bool:
        """Whether a task may be begun beside those that run."""
        if turn.alone or any(other.turn.alone for other in self._workers.values() if other.turn):
            return False
        left = memory.available()
        return left is None or left >= self.need - memory.held(worker.process.pid if worker else None)

    def _start(self, slot: int) -> Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=self._work, args=(theirs, slot, self._threads), name=f"videdit-{slot}", daemon=True)
        process.start()
        theirs.close()  # or its death would not end the pipe
        self._workers[slot] = Worker(process, ours)
        return self._workers[slot]

    def listen(self) -> Iterator[tuple[Worker, tuple[Any, ...] | None]]:
        """A message of each worker that has one; None from one that is gone. Waits LOOK at most."""
        pipes = {worker.pipe: worker for worker in self._workers.values()}
        for pipe in wait(list(pipes), LOOK):
            worker = pipes[pipe]  # type: ignore[index]
            try:
                yield worker, worker.pipe.recv()
            except (EOFError, ConnectionResetError):
                yield worker, None

    def bury(self, worker: Worker) -> str:
        """Forget a worker that is gone; says how it went."""
        worker.process.join(PATIENCE)
        worker.pipe.close()
        self._workers = {slot: other for slot, other in self._workers.items() if other is not worker}
        code = worker.process.exitcode
        if code is not None and code < 0:
            names = {int(known): known.name for known in signal.Signals}
            return f"was killed ({names.get(-code, -code)})"
        return f"ended by itself (code {code})"

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let all go home: those at work are asked to clean up, and killed when they take too long, or we are told again."""
        workers = list(self._workers.values())
        try:
            for worker in workers:
                if worker.turn is None:
                    worker.pipe.close()
                else:
                    worker.process.terminate()
            end = time.monotonic() + PATIENCE
            for worker in workers:
                worker.process.join(max(0.0, end - time.monotonic()))
        finally:
            for worker in workers:
                if worker.process.is_alive():
                    worker.process.kill()
                    worker.process.join()


def threads_here() -> int:
    """Threads that networks may use in all: OMP_NUM_THREADS, else half the cores."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else max(1, (os.cpu_count() or 2) // 2)
