"""Inputs and output to a list of jobs, checked before anything is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from videdit.errors import OutputError, UsageError
from videdit.video.formats import SUFFIXES, Kind, is_sequence, kind_of_file, kind_of_suffix, numbered


@dataclass(frozen=True, slots=True)
class Job:
    """One file to edit."""

    source: Path
    target: Path


def find_inputs(inputs: Sequence[str]) -> tuple[list[Path], bool]:
    """Files to edit, folders replaced by the clips and pictures in them; and whether the output must be a folder.

    Raises UsageError for what does not exist and for a folder without clips.
    """
    found: list[Path] = []
    many = len(inputs) > 1
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file() and not p.name.startswith("."))
            if not inside:
                raise UsageError(f"the folder {name} holds no clip and no picture", hint=f"Known by suffix: {' '.join(sorted(SUFFIXES))}.")
            found += inside
            many = True
        elif path.exists() or numbered(path):
            found.append(path)
        else:
            raise UsageError(f"there is no file {name}", hint=_beside(path))
    return list(dict.fromkeys(found)), many


def _beside(path: Path) -> str:
    """What is there, for a hint."""
    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist either."
    near = sorted(p.name for p in path.parent.iterdir() if p.suffix.lower() in SUFFIXES)
    return f"In {path.parent} there is: {', '.join(near[:5])}{' ...' if len(near) > 5 else ''}." if near else ""


def make_jobs(inputs: Sequence[str], output: str) -> list[Job]:
    """Every input with its output. Raises UsageError."""
    sources, many = find_inputs(inputs)
    out = Path(output)
    if many or out.is_dir() or output.endswith(("/", "\\")):
        if out.exists() and not out.is_dir():
            raise UsageError(f"{output} is a file, and there are several inputs", hint="Name a folder.")
        if out.suffix.lower() in SUFFIXES and not out.is_dir():
            raise UsageError(
                f"{output} looks like a file, and there are several inputs", hint="Name a folder; every file keeps its name in it."
            )
        jobs = [Job(source, out / source.name) for source in sources]
    else:
        jobs = [Job(sources[0], out)]
    _refuse_collisions(jobs)
    for job in jobs:
        _refuse_mismatch(job)
    return jobs


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    """Two inputs of one name, and outputs that are inputs. Raises UsageError."""
    taken: dict[str, Path] = {}
    sources = {os.path.realpath(job.source) for job in jobs}  # Path.resolve fails on links that lead to themselves
    for job in jobs:
        other = taken.setdefault(str(job.target).casefold(), job.source)
        if other != job.source:
            raise UsageError(f"{other} and {job.source} would both become {job.target}", hint="Edit them into different folders.")
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
    try:
        found = kind_of_file(path) if path.is_file() or is_sequence(path) else None  # reading from a pipe would wait
    except OSError:
        found = None
    return found if found in ("animation", "sequence") else kind_of_suffix(path)


def _there(target: Path) -> bool:
    """Whether an output exists, or one of a row of pictures."""
    return target.exists() or (is_sequence(target) and bool(numbered(target)))


def drop_existing(jobs: Sequence[Job], *, overwrite: bool, skip: bool) -> tuple[list[Job], list[Job]]:
    """Jobs to do and jobs to skip. Raises OutputError when an output exists and nothing was said about it."""
    there = [job for job in jobs if _there(job.target)]
    if not there or overwrite:
        return list(jobs), []
    if not skip:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise OutputError(f"{there[0].target}{more} exists already", hint="--overwrite replaces it, --skip-existing leaves it.")
    return [job for job in jobs if job not in there], there


def make_folders(jobs: Sequence[Job], *, several: bool) -> None:
    """The output's folder: made for several files, expected for one. Raises OutputError."""
    folder = jobs[0].target.parent
    if several:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"the folder {folder} can't be made: {error.strerror}") from None
    elif not folder.is_dir():
        raise OutputError(f"the folder {folder} does not exist", hint=f"mkdir -p '{folder}' makes it.")
