"""Tasks on a Ray cluster: a clip is a Ray task, and Ray does what is distributed about it (placing, retries, lost nodes, shipping).

The pack goes into Ray's object store once, which copies it once to each node; there it is unpacked once. Clips and outputs lie on a file
system that all nodes share, or elsewhere (places). Progress comes through an actor that lives where this process does.

A long clip is several tasks: its first pass, parts of its second one, and what joins them (pipeline.parts). Parts only do ahead what the
last of these tasks would do, so one that is lost is made up for there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from videdit.batch.node import LOOK, Divided, Shipped, edit_clip, make_part
from videdit.batch.places import url_of
from videdit.batch.task import Done, Progress, Task
from videdit.errors import MissingError, UsageError, WorkFailedError

AHEAD = 2  # tasks that wait for each that runs, so that no node idles and a million of them are not in the scheduler at once
RETRIES = 1  # by Ray, of a task whose process or node died
PART = 10  # segments (480 frames) of a part of a long clip: about a minute of work at 720p on two cores


@dataclass(frozen=True, slots=True)
class Share:
    """A Ray task's share of a task of ours: all of a clip, a part of it, or its end (all parts are done)."""

    task: Task
    part: tuple[int, int] | None = None
    end: bool = False


def run_ray(
    tasks: Sequence[Task],
    began: Callable[[Task, int], Progress | None],
    remark: Callable[[Task, str], None],
    *,
    address: str,
    threads: int,
    stop: Callable[[], bool] = lambda: False,
    part: int = PART,
) -> Generator[Done, None, None]:
    """What became of each task, in any order; see `run_local`. address: of the cluster, or auto; threads: of the networks, for each clip;
    part: segments of a part of a long clip.

    Raises MissingError without Ray, UsageError without a cluster, and what would hit every task.
    """
    with _cluster(address) as ray:
        yield from _run(ray, tasks, began, remark, threads, stop, part)


def _run(
    ray: Any,
    tasks: Sequence[Task],
    began: Callable[[Task, int], Progress | None],
    remark: Callable[[Task, str], None],
    threads: int,
    stop: Callable[[], bool],
    part: int = PART,
) -> Iterator[Done]:
    threads = min(threads, _largest(ray))
    pack = ray.put(Shipped.of(tasks[0].settings.pack))
    board = ray.remote(Board).options(num_cpus=0, scheduling_strategy=_here(ray)).remote()
    options = {"num_cpus": threads, "num_gpus": 1 if _have(ray, "GPU") else 0, "max_retries": RETRIES}
    edit, make = ray.remote(edit_clip).options(**options), ray.remote(make_part).options(**options)
    waiting, shares, long = list(reversed(tasks)), list[Share](), dict[int, Long]()
    flying, hearing = dict[Any, Share](), dict[int, Progress | None]()
    while (waiting and not stop()) or shares or flying:
        while ((waiting and not stop()) or shares) and len(flying) < (1 + AHEAD) * max(1, int(_have(ray, "CPU")) // threads):
            share = shares.pop(0) if shares else Share(waiting.pop())  # what is begun comes first
            task = absolute(share.task)
            if share.part:
                flying[make.remote(task, pack, threads, *share.part)] = share
            else:
                flying[edit.remote(task, pack, threads, board, 0 if share.end else part, share.end)] = share
        ready, _ = ray.wait(list(flying), num_returns=1, timeout=LOOK)
        _hear(ray, board, {share.task.number: share.task for share in flying.values()}, hearing, began)
        for ref in ready:
            share = flying.pop(ref)
            number = share.task.number
            if number not in hearing:  # done within one look
                hearing[number] = began(share.task, 0)
            if share.part:
                shares += long[number].heard(_is_made(ray, ref), share, hearing[number], remark)
                continue
            found = _result(ray, ref, share.task)
            if isinstance(found, Done):
                yield found
                continue
            long[number] = Long(found)
            shares += [Share(share.task, one) for one in found.parts]


class Long:
    """How far a long clip is."""

    def __init__(self, divided: Divided) -> None:
        self._divided, self._left, self._done = divided, len(divided.parts), 0

    def heard(self, made: bool, share: Share, progress: Progress | None, remark: Callable[[Task, str], None]) -> list[Share]:
        """A part is done, or lost; what can be begun then."""
        first, stop = share.part or (0, 0)
        self._left -= 1
        self._done += stop - first
        if not made:
            remark(share.task, f"segments {first} to {stop - 1} of it could not be made apart: they and those behind are made at the end")
        if progress is not None:
            progress("edit", self._done * self._divided.length, self._divided.parts[-1][1] * self._divided.length)
        return [] if self._left else [Share(share.task, end=True)]


def _is_made(ray: Any, ref: Any) -> bool:
    """Whether a part is there now."""
    try:
        return bool(ray.get(ref))
    except ray.exceptions.RayError:
        return False


def _result(ray: Any, ref: Any, task: Task) -> Done | Divided:
    """What a task has left. Raises what would hit every task."""
    try:
        found: Done | Divided | Exception = ray.get(ref)
    except ray.exceptions.RayError as error:  # its process or node died, more often than Ray tries again
        why = str(error).strip().partition("\n")[0]
        hint = "Other clips are not affected. `ray status` says which nodes are left; with little memory, fewer clips a node."
        return Done(task.number, error=WorkFailedError(f"the worker that edited it died, {1 + RETRIES} times ({why})", hint=hint))
    if isinstance(found, Exception):
        raise found
    if isinstance(found, Divided):
        return found
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
