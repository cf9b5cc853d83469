"""A plan carried out: tasks made of jobs, whoever does them, and an outcome for each."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from videdit.cli.announce import Announcer, Lines
from videdit.cli.crowd import Crowd
from videdit.cli.outcomes import Asked, Outcome
from videdit.cli.plan import Job
from videdit.cli.report import ClipPages
from videdit.cli.unfinished import Unfinished
from videdit.errors import UsageError

if TYPE_CHECKING:
    from videdit.batch.task import Done, Progress, Task


@dataclass(frozen=True, slots=True)
class Extras:
    """What is made of each clip beside its output: comparisons, signatures (certificate chain and key), pages of the report."""

    compares: Mapping[Job, Path]
    c2pa: tuple[Path, Path] | None
    pages: ClipPages | None
    measured: bool


@dataclass(frozen=True, slots=True)
class Hands:
    """Who does it: how many processes of this machine, 1 for this one, or a Ray cluster, by its address; fail_fast: begin nothing more once
    a clip has failed."""

    workers: int = 1
    fail_fast: bool = False
    cluster: str = ""

    @property
    def together(self) -> bool:
        """Whether several clips may be worked on at once."""
        return self.workers > 1 or bool(self.cluster)

    def start(self, tasks: Sequence[Task], show: Show, stop: Callable[[], bool]) -> Generator[Done, None, None]:
        """Begin the work; gives what became of each task as soon as it is known. stop: asked before each whether to begin no more."""
        from videdit.batch.local import threads_here

        if self.cluster:
            from videdit.batch.cluster import run_ray

            return run_ray(tasks, show.began, show.remark, address=self.cluster, threads=threads_here(), stop=stop)
        if self.workers == 1 or len(tasks) == 1:
            from videdit.batch.inline import run_inline

            return run_inline(tasks, show.began, stop=stop)
        from videdit.batch.local import run_local

        return run_local(tasks, show.began, show.remark, workers=self.workers, threads=threads_here(), stop=stop)


def add_hands(group: Any) -> None:
    """The flags."""
    text = "edit so many clips at once, each in a process of its own, with its own GPU where there are several (default 1: in this process)"
    group.add_argument("--workers", type=_count, default=1, metavar="N", help=text)
    text = "who works: this machine, or a Ray cluster with a clip at a time on each of its nodes' cores; needs videdit[ray]"
    group.add_argument("--engine", choices=("local", "ray"), default="local", help=f"{text} (default local)")
    group.add_argument("--address", metavar="HOST:PORT", help="of the Ray cluster (default auto: the one that is known here)")
    group.add_argument("--fail-fast", action="store_true", help="begin no other file once one has failed")


def hands_of(space: argparse.Namespace) -> Hands:
    """Who is asked for. Raises UsageError."""
    if space.engine == "local" and space.address is not None:
        raise UsageError("--address is that of a Ray cluster", hint="--engine ray --address auto")
    if space.engine == "ray" and space.workers > 1:
        raise UsageError("--workers are processes of this machine, and --engine ray has its own", hint="Leave out one of the two.")
    return Hands(space.workers, space.fail_fast, (space.address or "auto") if space.engine == "ray" else "")


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 256):
        raise UsageError(f"--workers can't be {text!r}", hint="A number from 1 to 256.")
    return int(text)


@dataclass(frozen=True, slots=True)
class Show:
    """What the user sees of tasks that are worked on, and what is noted of them for a run that goes on."""

    jobs: Sequence[Job]
    talk: Crowd
    announcer: Announcer
    unfinished: Unfinished

    def began(self, task: Task, pid: int) -> Progress:
        """A task is begun by a process."""
        job = self.jobs[task.number]
        self.unfinished.begin(job)
        self.announcer.began(job, pid)
        step = self.talk.begin(task.number, job.source.name)
        return partial(self.announcer.step, str(job.source)) if isinstance(self.announcer, Lines) else step

    def remark(self, task: Task, text: str) -> None:
        """Something to know of a task that goes on."""
        self.announcer.remark(self.jobs[task.number], text)


def make_tasks(jobs: Sequence[Job], asked: Asked, extras: Extras) -> list[Task]:
    """Each job as a task; its number is its place among the jobs."""
    from videdit.batch.task import Task

    return [
        Task(
            number,
            job.source,
            job.target,
            job.strengths,
            asked.people,
            asked.settings,
            extras.compares.get(job),
            extras.c2pa,
            extras.measured,
        )
        for number, job in enumerate(jobs)
    ]


def work(jobs: Sequence[Job], asked: Asked, extras: Extras, hands: Hands, show: Show, outcomes: list[Outcome]) -> None:
    """Do all jobs; what becomes of each is added to `outcomes` at once, so that an interrupt loses none, and in the jobs' order at the end.

    A failure does not stop the others, unless `fail_fast`, when those that are worked on are still waited for; missing weights do stop
    everything. Raises VideditError.
    """
    if not jobs:
        return
    tasks, before, done = make_tasks(jobs, asked, extras), len(outcomes), dict[int, Outcome]()
    stop = Event()
    with closing(hands.start(tasks, show, stop.is_set)) as stream:
        for found in stream:
            job = jobs[found.number]
            outcome = done[found.number] = Outcome(job, found.report, found.error, found.compare, found.people)
            outcomes.append(outcome)
            show.talk.end(found.number)
            if outcome.error is None:
                show.unfinished.end(job)
            if extras.pages is not None:
                extras.pages.write(outcome)
            show.announcer.finished(outcome)
            if hands.fail_fast and outcome.failed:
                stop.set()
    outcomes[before:] = [done.get(number) or Outcome(job, begun=False) for number, job in enumerate(jobs)]
