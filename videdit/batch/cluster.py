"""Tasks on a Ray cluster: a clip is a Ray task, and Ray does what is distributed about it (placing, retries, lost nodes, shipping).

The pack goes into Ray's object store once, which copies it once to each node; there it is unpacked once. Clips and outputs lie on a file
system that all nodes share, or elsewhere (places). Progress comes through an actor that lives where this process does.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from videdit.batch.places import url_of
from videdit.batch.task import Done, Progress, Task, Tools, as_failure, do
from videdit.batch.told import told
from videdit.errors import MissingError, UsageError, WorkFailedError
from videdit.packs.manifest import find_pack, read_manifest

AHEAD = 2  # tasks that wait for each that runs, so that no node idles and a million of them are not in the scheduler at once
LOOK = 1.0  # s between two looks at progress
RETRIES = 1  # by Ray, of a task whose process or node died


@dataclass(frozen=True, slots=True)
class Shipped:
    """A pack on its way: its id, and its files by name."""

    id: str
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, name: str) -> Shipped:
        """Of a pack that is here. Raises MissingError, PackError."""
        manifest = read_manifest(find_pack(name))
        files = {path.name: path.read_bytes() for path in sorted(manifest.root.iterdir()) if path.is_file()}
        return cls(manifest.id, files)

    def unpack(self) -> Path:
        """The folder of the pack on this machine, made by whoever comes first."""
        home = Path(tempfile.gettempdir()) / "videdit-packs" / self.id
        if not home.is_dir():
            home.parent.mkdir(parents=True, exist_ok=True)
            part = Path(tempfile.mkdtemp(dir=home.parent))
            for name, data in self.files.items():
                (part / name).write_bytes(data)
            try:
                part.rename(home)
            except OSError:  # another one was quicker
                for file in part.iterdir():
                    file.unlink()
                part.rmdir()
        return home


def run_ray(
    tasks: Sequence[Task],
    began: Callable[[Task, int], Progress | None],
    remark: Callable[[Task, str], None],
    *,
    address: str,
    threads: int,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Done, None, None]:
    """What became of each task, in any order; see `run_local`. address: of the cluster, or auto; threads: of the networks, for each clip.

    Raises MissingError without Ray, UsageError without a cluster, and what would hit every task.
    """
    with _cluster(address) as ray:
        yield from _run(ray, tasks, began, remark, threads, stop)


def _run(
    ray: Any,
    tasks: Sequence[Task],
    began: Callable[[Task, int], Progress | None],
    remark: Callable[[Task, str], None],
    threads: int,
    stop: Callable[[], bool],
) -> Iterator[Done]:
    threads = min(threads, _largest(ray))
    pack = ray.put(Shipped.of(tasks[0].settings.pack))
    board = ray.remote(Board).options(num_cpus=0, scheduling_strategy=_here(ray)).remote()
    edit = ray.remote(edit_clip).options(num_cpus=threads, num_gpus=1 if _have(ray, "GPU") else 0, max_retries=RETRIES)
    waiting, flying, hearing = list(reversed(tasks)), dict[Any, Task](), dict[int, Progress | None]()
    while (waiting and not stop()) or flying:
        while waiting and not stop() and len(flying) < (1 + AHEAD) * max(1, int(_have(ray, "CPU")) // threads):
            task = waiting.pop()
            flying[edit.remote(absolute(task), pack, threads, board)] = task
        ready, _ = ray.wait(list(flying), num_returns=1, timeout=LOOK)
        _hear(ray, board, {task.number: task for task in flying.values()}, hearing, began)
        for ref in ready:
            task = flying.pop(ref)
            if task.number not in hearing:  # done within one look
                hearing[task.number] = began(task, 0)
            yield _result(ray, ref, task)


def _result(ray: Any, ref: Any, task: Task) -> Done:
    """What a task has left. Raises what would hit every task."""
    try:
        found: Done | Exception = ray.get(ref)
    except ray.exceptions.RayError as error:  # its process or node died, more often than Ray tries again
        why = str(error).strip().partition("\n")[0]
        hint = "Other clips are not affected. `ray status` says which nodes are left; with little memory, fewer clips a node."
        return Done(task.number, error=WorkFailedError(f"the worker that edited it died, {1 + RETRIES} times ({why})", hint=hint))
    if isinstance(found, Exception):
        raise found
    if found.report is not None:  # as it was asked for, not as the node saw it
        found.report.values.update(input=str(task.source), output=str(task.target))
        found.report.output = task.target
    found.compare = task.compare if found.compare else None
    return found


def _hear(
    ray: Any, board: Any, tasks: Mapping[int, Task], hearing: dict[int, Progress | None], began: Callable[[Task, int], Progress | None]
) -> None:
    """Tell what the nodes said since the last look."""
    for number, (pid, stage, done, total) in ray.get(board.read.remote()).items():
        if number in tasks:
            if number not in hearing:
                hearing[number] = began(tasks[number], pid)
            progress = hearing[number]
            if progress is not None:
                progress(stage, done, total)


class Board:
    """A Ray actor: where each clip is, by its number, as (process, stage, frames done, frames in all)."""

    def __init__(self) -> None:
        self._news: dict[int, tuple[int, str, int, int | None]] = {}

    def write(self, number: int, pid: int, stage: str, done: int, total: int | None) -> None:
        """Of a clip that goes on."""
        self._news[number] = pid, stage, done, total

    def read(self) -> dict[int, tuple[int, str, int, int | None]]:
        """What is new since the last time."""
        news, self._news = self._news, {}
        return news


def edit_clip(task: Task, pack: Shipped, threads: int, board: Any) -> Done | Exception:
    """On a node: do a task. What would hit every task is returned, not raised, so that it comes back as it is."""
    import os

    import torch

    torch.set_num_threads(threads)
    said = [0.0]

    def step(stage: str, done: int, total: int | None) -> None:
        if done == 1 or time.monotonic() - said[0] >= LOOK:
            said[0] = time.monotonic()
            board.write.remote(task.number, os.getpid(), stage, done, total)

    task = replace(task, settings=replace(task.settings, pack=str(pack.unpack())))
    try:
        return told(do(task, tools_for(task.settings.pack, task.settings.device, task.c2pa), step))
    except (MissingError, UsageError) as error:
        return error
    except Exception as error:
        return Done(task.number, error=as_failure(error))


@lru_cache(maxsize=1)
def tools_for(pack: str, device: str, c2pa: tuple[Path, Path] | None) -> Tools:
    """Loaded once in a process, which Ray gives one task after the other."""
    from videdit.config import Settings

    return Tools.load(Task(0, Path(), Path(), {}, settings=Settings(pack=pack, device=device), c2pa=c2pa))


def absolute(task: Task) -> Task:
    """The same seen from any folder: nodes don't work in ours."""
    settings = task.settings
    face = str(Path(settings.face).absolute()) if Path(settings.face).is_file() else settings.face
    known = {name: getattr(settings, name) for name in ("expression_from", "debug_dir", "cache_dir")}
    paths = {name: path.absolute() for name, path in known.items() if path is not None}
    return replace(
        task,
        source=task.source if url_of(task.source) else task.source.absolute(),
        target=task.target if url_of(task.target) else task.target.absolute(),
        compare=task.compare.absolute() if task.compare else None,
        c2pa=(task.c2pa[0].absolute(), task.c2pa[1].absolute()) if task.c2pa else None,
        settings=replace(settings, face=face, **paths),
    )


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Connected to a cluster. Raises MissingError, UsageError."""
    try:
        import ray
    except ImportError:
        hint = "pip install -c constraints.txt 'videdit[ray]', here and on every node."
        raise MissingError("--engine ray needs Ray, which is not installed", hint=hint) from None
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", namespace="videdit")
    except (ConnectionError, ValueError, RuntimeError) as error:
        why, hint = str(error).strip().partition("\n")[0], "`ray start --head` starts one; --address HOST:6379."
        raise UsageError(f"there is no Ray cluster at {address}: {why}", hint=hint) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _here(ray: Any) -> Any:
    """Beside this process: a board on a node that dies would be gone."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)


def _have(ray: Any, what: str) -> float:
    """CPUs or GPUs of the whole cluster, as it is now."""
    return float(ray.cluster_resources().get(what, 0))


def _largest(ray: Any) -> int:
    """CPUs of the largest node: what asks for more would wait for ever."""
    return max([1, *(int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"])])
