"""What a run says of its files: in words as they are done and in a table at the end, or as lines of JSON (--progress json)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import IO, Any, Protocol

from videdit.cli.outcomes import Outcome, summary, table
from videdit.cli.plan import Job
from videdit.cli.say import note, say, shown, tell

EVERY = 1.0  # s between two lines about one stage of one file


class Announcer(Protocol):
    """Who tells the user what becomes of a run."""

    def planned(self, todo: Sequence[Job], skipped: Sequence[Job]) -> None:
        """Before the first file."""

    def began(self, job: Job, pid: int) -> None:
        """A file is begun by a process of this machine."""

    def remark(self, job: Job, text: str) -> None:
        """Something to know about a file that goes on."""

    def finished(self, outcome: Outcome) -> None:
        """A file is done, or failed."""

    def ended(self, outcomes: Sequence[Outcome], code: int) -> None:
        """After the last."""


class Words:
    """For people: a line for each file, a table for several."""

    def __init__(self, *, quiet: bool, alone: bool) -> None:
        self.quiet, self.alone = quiet, alone
        self._start = time.monotonic()

    def planned(self, todo: Sequence[Job], skipped: Sequence[Job]) -> None:
        """Nothing: `--dry-run` shows plans."""

    def began(self, job: Job, pid: int) -> None:
        """Nothing: progress does."""

    def remark(self, job: Job, text: str) -> None:
        note(f"{shown(job.source.name)}: {text}")

    def finished(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            if not self.alone:  # else it is what the command ends with
                tell(outcome.error, about=shown(outcome.job.source))
            return
        for warning in outcome.report.warnings:
            note(f"{shown(outcome.job.source.name)}: {warning}")
        if not self.quiet:
            say(summary(outcome.report))
            if lowered := outcome.report.lowered.sentence():
                say(f"{shown(outcome.report.output)}: {lowered}")

    def ended(self, outcomes: Sequence[Outcome], code: int) -> None:
        if not self.quiet and not self.alone:
            say("\n".join(table(outcomes, time.monotonic() - self._start)))


class Lines:
    """For programs: an object a line on stdout, each with `event` and `t`, s since the start. Notes and errors in words stay on stderr."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._start = time.monotonic()
        self._said: dict[str, tuple[str, float]] = {}

    def _line(self, event: str, values: dict[str, Any]) -> None:
        # one write a line, so that lines stay whole whoever else writes
        self._stream.write(json.dumps({"event": event, "t": round(time.monotonic() - self._start, 3), **values}, default=str) + "\n")
        self._stream.flush()

    def planned(self, todo: Sequence[Job], skipped: Sequence[Job]) -> None:
        self._line("plan", {"files": len(todo), "skipped": [str(job.target) for job in skipped]})

    def began(self, job: Job, pid: int) -> None:
        self._line("begin", {"input": str(job.source), "output": str(job.target), "process": pid})

    def remark(self, job: Job, text: str) -> None:
        self._line("remark", {"input": str(job.source), "text": text})

    def step(self, source: str, stage: str, done: int, total: int | None) -> None:
        """Progress of a file: its first and last frame of each stage, and one a second."""
        now = time.monotonic()
        before, said = self._said.get(source, ("", 0.0))
        if stage == before and done != total and now - said < EVERY:
            return
        self._said[source] = stage, now
        self._line("progress", {"input": source, "stage": stage, "done": done, "total": total})

    def finished(self, outcome: Outcome) -> None:
        self._said.pop(str(outcome.job.source), None)
        self._line("end", outcome.as_json())

    def ended(self, outcomes: Sequence[Outcome], code: int) -> None:
        count: dict[str, int] = {}
        for outcome in outcomes:
            count[outcome.status] = count.get(outcome.status, 0) + 1
        self._line("summary", {"files": len(outcomes), **{"count": count}, "exit_code": code})
