"""One clip's work: edited, measured, signed and compared as asked. Importing this imports no torch; doing it does."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videdit.batch import memory
from videdit.config import Settings
from videdit.curves import Strength
from videdit.errors import MissingError, NobodyError, UsageError, VideditError, WorkFailedError

if TYPE_CHECKING:
    from videdit.packs.load import Pack

Progress = Callable[[str, int, int | None], None]  # stage, frames done, frames in all where known
BUG = "This is a bug in videdit. VIDEDIT_DEBUG=1 shows where it happened; please report it with that."


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked for one clip; number: its place in the plan. c2pa: certificate chain and key. measured: for a page of the report."""

    number: int
    source: Path
    target: Path
    strengths: Mapping[str, Strength]
    people: Mapping[int, Mapping[str, Strength]] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    compare: Path | None = None
    c2pa: tuple[Path, Path] | None = None
    measured: bool = False


@dataclass(slots=True)
class Done:
    """What became of a task: a report, an error, or both where only what follows the edit went wrong; people: what was measured of each."""

    number: int
    report: Any = None
    error: VideditError | None = None
    people: list[dict[str, Any]] = field(default_factory=list)
    compare: Path | None = None


@dataclass(frozen=True, slots=True)
class Tools:
    """What tasks of a run have in common: the pack, loaded, and what signs."""

    pack: Pack
    signer: Any = None

    @classmethod
    def load(cls, task: Task) -> Tools:
        """For a task and all that follow it. Raises MissingError, PackError, UsageError."""
        with uncollected():
            import videdit.pipeline  # noqa: F401
            from videdit.packs.load import load_pack

        pack = load_pack(task.settings.pack, device=task.settings.device)
        if task.c2pa is None:
            return cls(pack)
        from videdit.video.credentials import load_signer

        return cls(pack, load_signer(*task.c2pa))


@contextmanager
def uncollected() -> Iterator[None]:
    """Imports within are not searched for garbage, then or later: a tenth of the time that PyTorch takes to import is spent on that."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()


def do(task: Task, tools: Tools, progress: Progress | None = None) -> Done:
    """Do a task. What is wrong with this clip alone comes back as its error; what would be wrong with every clip is raised: UsageError (but
    NobodyError), MissingError. Where memory runs out, the clip is begun again with half as many faces at once."""
    batch = task.settings.batch
    while True:
        done = _try(replace(task, settings=replace(task.settings, batch=batch)), tools, progress)
        if done is not None:
            if done.report is not None and batch != task.settings.batch:
                done.report.warnings.append(f"memory ran out, so networks saw {batch} faces at once instead of {task.settings.batch}")
            return done
        memory.free()
        if batch == 1:
            hint = "Fewer --workers, a smaller copy of the clip, or more memory; `--face largest` needs less than all."
            return Done(task.number, error=WorkFailedError("memory ran out, even with one face at a time", hint=hint))
        batch //= 2


def _try(task: Task, tools: Tools, progress: Progress | None) -> Done | None:
    """A task done, or None when memory ran out; whatever held it is gone by then. Raises UsageError (but NobodyError), MissingError."""
    from videdit.batch.places import staged

    done = Done(task.number)
    try:
        with staged(task) as here:
            _edit(here, tools, progress, done)
            if done.report is not None and here is not task:  # as it was asked for
                done.report.input, done.report.output = task.source, task.target
    except VideditError as error:
        if isinstance(error, (MissingError, UsageError)) and not isinstance(error, NobodyError):
            raise
        done.error = error
    except Exception as error:
        if not memory.is_out_of_memory(error):
            raise
        return None
    return done


def _edit(task: Task, tools: Tools, progress: Progress | None, done: Done) -> None:
    """Raises VideditError."""
    from videdit.pipeline import edit_video

    watching = _observer(task, tools.pack) if task.measured else {}
    report = edit_video(
        task.source, task.target, task.strengths, task.settings, progress=progress, pack=tools.pack, people=task.people, **watching
    )
    done.report = report
    if task.measured:
        done.people = watching["on_frame"].measures()
    if tools.signer is not None:
        from videdit import __version__
        from videdit.video.credentials import sign

        sign(task.source, task.target, tools.signer, report.statement, __version__)
    if task.compare is not None:
        from videdit.video.graphs import compare

        compare(task.source, task.target, task.compare)
        done.compare = task.compare


def _observer(task: Task, pack: Pack) -> dict[str, Any]:
    """What `edit_video` takes to have an edit measured: all that is asked of anybody."""
    from videdit.report import Observer

    asked = {name: value for own in (task.strengths, *task.people.values()) for name, value in own.items() if value}
    watching = Observer(pack, asked)
    return {"on_frame": watching, "on_people": watching.meet}


def as_failure(error: Exception) -> VideditError:
    """Any exception as one line and a hint; for a run of many, which goes on after it."""
    if isinstance(error, VideditError):
        return error
    if os.environ.get("VIDEDIT_DEBUG", "") not in ("", "0"):
        logging.getLogger("videdit").warning("raised here", exc_info=error)
    return VideditError(f"{type(error).__name__}: {error}", hint=BUG)
