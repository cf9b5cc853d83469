"""Inputs and output to a list of jobs, checked before anything is written."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from videdit.cli.folders import Choice, below, clips_in, elsewhere, is_folder, there
from videdit.cli.naming import DEFAULT, check_name, edits_in_a_name, named
from videdit.curves import Strength
from videdit.errors import OutputError, UsageError
from videdit.video.formats import ANIMATIONS, SUFFIXES, Kind, is_sequence, kind_of_file, kind_of_suffix, numbered


@dataclass(frozen=True, slots=True)
class Job:
    """One file to edit, and the strengths asked for (by --person: the same for all files)."""

    source: Path
    target: Path
    strengths: Mapping[str, Strength] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """An input as it was asked for: a file or folder, its strengths, and the output's name where a table says one."""

    path: str
    strengths: Mapping[str, Strength]
    output: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Jobs, the folder that all outputs go to (None for one file whose output has a name), and why folders of inputs can't be read."""

    jobs: list[Job]
    folder: Path | None
    unread: list[OSError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Naming:
    """How outputs in a folder are called: a template of --name ("" for the default), and what {edits} tells beside strengths."""

    template: str = ""
    people: Mapping[int, Mapping[str, Strength]] = field(default_factory=dict)
    expression: Path | None = None

    def target(self, folder: Path, source: Path, between: str, strengths: Mapping[str, Strength]) -> Path:
        """The output of a file, between: folders between the input folder and the file. Raises UsageError."""
        return folder / named(self.template or DEFAULT, source, between, edits_in_a_name(strengths, self.people, self.expression))


def make_plan(wishes: Sequence[Wish], output: str, *, choice: Choice = Choice(), naming: Naming = Naming()) -> Plan:
    """Every input with its output. Raises UsageError, UnreadableError for a folder that can't be read."""
    if naming.template:
        check_name(naming.template)
    folders = [is_folder(Path(wish.path)) for wish in wishes]
    if choice != Choice() and not any(folders):
        raise UsageError("--include and --exclude choose from folders, and no input is one")
    out = Path(output)
    if not (len(wishes) > 1 or any(folders) or naming.template or wishes[0].output or is_folder(out) or output.endswith(("/", "\\"))):
        jobs = [Job(_file(wishes[0].path), out, wishes[0].strengths)]
        _check(jobs)
        return Plan(jobs, None)
    if out.exists() and not out.is_dir():
        raise UsageError(f"{output} is a file, and there are several inputs", hint="Name a folder.")
    if out.suffix.lower() in SUFFIXES and not is_folder(out):
        raise UsageError(
            f"{output} looks like a file, and there are several inputs", hint="Name a folder; every file keeps its name in it."
        )
    plan = Plan([], out)
    for wish, holds in zip(wishes, folders, strict=True):
        plan.jobs.extend(_in_folder(wish, out, choice, naming, plan.unread) if holds else [_alone(wish, out, naming)])
    plan.jobs[:] = _once(plan.jobs)
    _check(plan.jobs)
    return plan


def _once(jobs: Sequence[Job]) -> list[Job]:
    """What is named twice is done once, unless other edits are asked for."""
    known: dict[tuple[Path, Path], Job] = {}
    return [
        job
        for job in jobs
        if known.setdefault((job.source, job.target), job) is job or known[job.source, job.target].strengths != job.strengths
    ]


def _in_folder(wish: Wish, out: Path, choice: Choice, naming: Naming, unread: list[OSError]) -> list[Job]:
    """A folder's files; the outputs of an earlier run, where they lie in it, are none of them. Raises UsageError."""
    folder = Path(wish.path)
    if wish.output:
        raise UsageError(f"{folder} is a folder and can't become {wish.output}", hint="Only files have an output of their own in a table.")
    found = below(folder, clips_in(folder, choice, without=out, unread=unread))
    return [Job(file, naming.target(out, file, between, wish.strengths), wish.strengths) for file, between in found]


def _alone(wish: Wish, out: Path, naming: Naming) -> Job:
    source = _file(wish.path)
    target = out / wish.output if wish.output else naming.target(out, source, "", wish.strengths)
    return Job(source, target, wish.strengths)


def find_inputs(inputs: Sequence[str]) -> list[Path]:
    """Files that are named, folders replaced by what is in them and below. Raises UsageError."""
    found = [file for name in inputs for file in (clips_in(Path(name), Choice()) if is_folder(Path(name)) else [_file(name)])]
    return list(dict.fromkeys(found))


def _file(name: str) -> Path:
    """Raises UsageError for a file that does not exist."""
    path = Path(name)
    if not (there(path) or numbered(path)):
        raise UsageError(f"there is no file {name}", hint=_beside(path))
    return path


def _beside(path: Path) -> str:
    """What is there, for a hint."""
    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist either."
    near = sorted(p.name for p in path.parent.iterdir() if p.suffix.lower() in SUFFIXES)
    return f"In {path.parent} there is: {', '.join(near[:5])}{' ...' if len(near) > 5 else ''}." if near else ""


def _check(jobs: Sequence[Job]) -> None:
    """Raises UsageError."""
    _refuse_collisions(jobs)
    for job in jobs:
        _refuse_mismatch(job)


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    """Two outputs of one name, and outputs that are inputs. Raises UsageError."""
    taken: dict[str, Path] = {}
    sources = {os.path.realpath(job.source) for job in jobs}  # Path.resolve fails on links that lead to themselves
    for job in jobs:
        # many file systems take names for the same that differ in case, or in how an accent is written
        key = unicodedata.normalize("NFC", str(job.target)).casefold()
        if key in taken:
            hint = "Edit them into different folders, or tell them apart with --name."
            raise UsageError(f"{taken[key]} and {job.source} would both become {job.target}", hint=hint)
        taken[key] = job.source
        if os.path.realpath(job.target) in sources:
            raise UsageError(f"{job.target} is an input itself", hint="Name another output.")


def _refuse_mismatch(job: Job) -> None:
    """A picture becomes a picture and a clip a clip. Raises UsageError."""
    suffix, source = job.target.suffix.lower(), job.source.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f"{job.target} has {'no suffix' if not suffix else 'the unknown suffix ' + suffix}",
            hint=f"The suffix chooses the container: {' '.join(sorted(SUFFIXES))}. A folder ends with /.",
        )
    made = kind_of_suffix(job.target, _kind(job.source))
    if source in SUFFIXES and (_kind(job.source) == "picture") != (made == "picture"):
        kinds = ("picture", "clip") if made != "picture" else ("clip", "picture")
        raise UsageError(f"{job.source} is a {kinds[0]} and {job.target} a {kinds[1]}", hint="`videdit preview` makes a picture of a clip.")


def _kind(path: Path) -> Kind | None:
    """What a file is by its name, unless it is a picture that moves; what is wrong with it is said later."""
    if path.suffix.lower() not in ANIMATIONS and not is_sequence(path):
        return kind_of_suffix(path)  # ten thousand clips are planned without opening one
    try:
        found = kind_of_file(path) if path.is_file() or is_sequence(path) else None  # reading from a pipe would wait
    except OSError:
        found = None
    return found if found in ("animation", "sequence") else kind_of_suffix(path)


def _there(target: Path) -> bool:
    """Whether an output exists, or one of a row of pictures."""
    return there(target) or (is_sequence(target) and bool(numbered(target)))


def drop_existing(jobs: Sequence[Job], *, overwrite: bool, skip: bool) -> tuple[list[Job], list[Job]]:
    """Jobs to do and jobs to skip. Raises OutputError when an output exists and nothing was said about it."""
    there = [job for job in jobs if _there(job.target)]
    if not there or overwrite:
        return list(jobs), []
    if not skip:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise OutputError(f"{there[0].target}{more} exists already", hint="--overwrite replaces it, --skip-existing leaves it.")
    left = set(there)
    return [job for job in jobs if job not in left], there


def make_folders(targets: Iterable[Path], folder: Path | None) -> None:
    """The outputs' folders: made below the output folder, expected for one file with a name. Raises OutputError."""
    for parent in dict.fromkeys(target.parent for target in targets if not elsewhere(target)):
        if folder is None and not parent.is_dir():
            raise OutputError(f"the folder {parent} does not exist", hint=f"mkdir -p '{parent}' makes it.")
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"the folder {parent} can't be made: {error.strerror}") from None
