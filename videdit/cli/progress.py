"""Progress on stderr: a rich bar in a terminal, plain lines elsewhere, or nothing. One object serves as pipeline.Progress."""

from __future__ import annotations

import sys
import time
from typing import IO, TYPE_CHECKING, Protocol

from videdit.cli.say import shown

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

STAGES = {
    "faces": "finding faces",
    "pictures": "finding faces",
    "tune": "tuning",
    "edit": "editing",
    "encode": "encoding faces",
    "train": "training",
    "download": "fetching",
}
UNITS = {
    "pictures": "pictures",
    "tune": "steps",
    "encode": "faces",
    "latent classifier": "epochs",
    "layers": "choices",
    "train": "s",
    "download": "MB",
}  # training counts its seconds
EVERY = 5.0  # seconds between two plain lines


def going_on(name: str, stage: str, done: int, total: int | None) -> str:
    """What to say when the first frame of a stage is not the clip's first; else nothing."""
    if stage not in ("faces", "edit") or done <= 1:
        return ""
    return f"{name}: {STAGES[stage]}, going on at frame {done - 1}{f' of {total}' if total else ''}"


class Reporter(Protocol):
    """What the commands use. Called as (stage, done, total) while a file is worked on."""

    def __enter__(self) -> Reporter: ...
    def __exit__(self, *args: object) -> None: ...
    def file(self, name: str) -> None:
        """Another file begins."""

    def __call__(self, stage: str, done: int, total: int | None) -> None: ...


def reporter(mode: str, stream: IO[str] | None = None) -> Reporter:
    """mode: auto (a bar in a terminal, else plain), plain or none."""
    stream = stream or sys.stderr
    if mode == "none":
        return Silent()
    return Bar() if mode == "auto" and stream.isatty() else Plain(stream)


class Silent:
    """Says nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *args: object) -> None:
        pass

    def file(self, name: str) -> None:
        pass

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        pass


class Plain(Silent):
    """A line every few seconds and at the end of each stage."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream
        self.name, self.stage = "", ""
        self.began = self.said = 0.0
        self.from_frame = 0

    def file(self, name: str) -> None:
        self.name, self.stage = shown(name), ""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if stage != self.stage:
            self.stage, self.began, self.said, self.from_frame = stage, now, now, done - 1
            if text := going_on(self.name, stage, done, total):
                print(text, file=self.stream, flush=True)
        elif now - self.said < EVERY and done != total:
            return
        else:
            self.said = now
        rate = (done - self.from_frame - 1) / max(now - self.began, 1e-6) if done - self.from_frame > 1 else 0.0
        parts = [f"{self.name}: {STAGES.get(stage, stage)} {done}{f'/{total}' if total else ''}"]
        if rate:
            parts.append(f"{rate:.1f} {UNITS.get(stage, 'frames')}/s")
            if total and total > done:
                parts.append(f"{clock((total - done) / rate)} left")
        print(", ".join(parts), file=self.stream, flush=True)


class Bar:
    """Rich's bar: file, stage, done of total, frames/s, time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.fields[name]}", markup=False),
            TextColumn("{task.description}", style="cyan"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.fields[of]}"),
            TextColumn("{task.fields[rate]}", style="magenta"),
            TimeRemainingColumn(compact=True),
        )
        self.progress: Progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self.task: TaskID | None = None
        self.name, self.stage, self.began, self.from_frame = "", "", 0.0, 0

    def __enter__(self) -> Bar:
        self.progress.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.progress.stop()

    def file(self, name: str) -> None:
        self.name, self.stage = shown(name), ""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if stage != self.stage or self.task is None:
            if self.task is not None:
                self.progress.remove_task(self.task)
            self.task = self.progress.add_task(STAGES.get(stage, stage), total=total, name=self.name, of=total or "?", rate="")
            self.stage, self.began, self.from_frame = stage, now, done - 1
            if text := going_on(self.name, stage, done, total):
                self.progress.console.print(text, markup=False, highlight=False)
        rate = f"{(done - self.from_frame) / (now - self.began):.1f} {UNITS.get(stage, 'frames')}/s" if now - self.began > 0.5 else ""
        self.progress.update(self.task, completed=done, total=total, rate=rate)


def clock(seconds: float) -> str:
    """75.2 -> 1:15"""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
