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
    """Who does it: how many processes of this machine, 1 for this one; fail_fast: begin nothing more once a clip has failed."""

    workers: int = 1
    fail_fast: bool = False

    @property
    def together(self) -> bool:
        """Whether several clips may be worked on at once."""
        return self.workers > 1

    def start(self, tasks: Sequence[Task], show: Show, stop: Callable[[], bool]) -> Generator[Done, None, None]:
        """Begin the work; gives what became of each task as soon as it is known. stop: asked before each whether to begin no more."""
        if self.workers == 1 or len(tasks) == 1:
            from videdit.batch.inline import run_inline

            return run_inline(tasks, show.began, stop=stop)
        from videdit.batch.local import run_local, threads_here

        return run_local(tasks, show.began, show.remark, workers=self.workers, threads=threads_here(), stop=stop)


def add_hands(group: Any) -> None:
    """The flags."""
    text = "edit so many clips at once, each in a process of its own, with its own GPU where there are several (default 1: in this process)"
    group.add_argument("--workers", type=_count, default=1, metavar="N", help=text)
    group.add_argument("--fail-fast", action="store_true", help="begin no other file once one has failed")


def hands_of(space: argparse.Namespace) -> Hands:
    """Who is asked for."""
    return Hands(space.workers, space.fail_fast)


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 256):
        raise UsageError(f"--workers can't be {text!r}", hint="A number from 1 to 256.")
    return int(text)


@dataclass(frozen=True, slots=True)
class Show:
    """What the user sees of tasks that are worked on."""

    jobs: Sequence[Job]
    talk: Crowd
    announcer: Announcer

    def began(self, task: Task, pid: int) -> Progress:
        """A task is begun by a process."""
        job = self.jobs[task.number]
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
            if extras.pages is not None:
                extras.pages.write(outcome)
            show.announcer.finished(outcome)
            if hands.fail_fast and outcome.failed:
                stop.set()
    outcomes[before:] = [done.get(number) or Outcome(job, begun=False) for number, job in enumerate(jobs)]
