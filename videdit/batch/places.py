"""Files elsewhere, such as s3://bucket/clip.mp4: anything that fsspec knows. A clip is copied here, edited, and its output copied there.

In a plan they are Paths like any other, in which `s3://bucket` has become `s3:/bucket`; `url_of` gives the address back.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from videdit.batch.task import Task
from videdit.errors import MissingError, OutputError, UnreadableError, UsageError

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)  # two letters at least: C:/ is a disk


def url_of(path: Path | str) -> str:
    """The address of a file elsewhere; "" for a file here."""
    match = _ADDRESS.fullmatch(Path(path).as_posix())
    if match is None:
        return ""
    return f"{match[1]}:///{match[2]}" if match[1] == "file" else f"{match[1]}://{match[2]}"


def exists(path: Path) -> bool:
    """Whether a file elsewhere is there. Raises MissingError, UsageError."""
    system, name = _system(url_of(path))
    return bool(_said(system.exists, name))


def is_folder(path: Path) -> bool:
    """Whether it is a folder, or the beginning of names in a bucket. Raises MissingError, UsageError."""
    system, name = _system(url_of(path))
    return bool(_said(system.isdir, name))


def files_in(folder: Path) -> list[str]:
    """Names of all files below a folder, with / between folders, in order; none where it is not there. Raises MissingError, UsageError."""
    system, name = _system(url_of(folder))
    start = name.rstrip("/") + "/"
    try:
        found = system.find(name)
    except FileNotFoundError:
        return []
    except Exception as error:
        raise _wrong(url_of(folder), error) from None
    return sorted(str(file).removeprefix(start) for file in found)


@contextmanager
def staged(task: Task) -> Iterator[Task]:
    """The task with its clip copied to this machine, and its output, once written, copied to where it belongs; a task of files that are
    here is left as it is. Raises UnreadableError, OutputError, MissingError."""
    source, target = url_of(task.source), url_of(task.target)
    if not source and not target:
        yield task
        return
    with tempfile.TemporaryDirectory(prefix="videdit-") as folder:
        here = Path(folder)
        clip, out = here / "in" / task.source.name, here / "out" / task.target.name
        out.parent.mkdir()
        if source:
            _fetch(source, clip)
        yield replace(task, source=clip if source else task.source, target=out if target else task.target)
        if target and out.is_file():
            _send(out, target)


def _fetch(address: str, to: Path) -> None:
    system, name = _system(address)
    to.parent.mkdir(parents=True)
    try:
        system.get_file(name, str(to))
    except Exception as error:
        raise UnreadableError(f"{address} can't be fetched: {_words(error)}", hint="Is it there, and are you allowed to read it?") from None


def _send(file: Path, address: str) -> None:
    """Beside its place first, and moved when it is whole: object stores write whole files or none, file systems don't."""
    system, name = _system(address)
    try:
        system.makedirs(name.rpartition("/")[0], exist_ok=True)
        system.put_file(str(file), f"{name}.part")
        system.mv(f"{name}.part", name)
    except Exception as error:
        raise OutputError(f"{address} can't be written: {_words(error)}", hint="Are you allowed to write there?") from None


def _system(address: str) -> tuple[Any, str]:
    """fsspec's file system of an address, and the name in it. Raises MissingError, UsageError."""
    import fsspec

    try:
        return fsspec.core.url_to_fs(address)
    except ImportError as error:
        hint = "pip install s3fs for s3://, gcsfs for gs://."
        raise MissingError(f"{address} needs more than fsspec: {_words(error)}", hint=hint) from None
    except ValueError as error:
        raise UsageError(f"{address} can't be reached: {_words(error)}") from None


def _said(ask: Any, name: str) -> Any:
    try:
        return ask(name)
    except Exception as error:
        raise _wrong(name, error) from None


def _wrong(address: str, error: Exception) -> UsageError:
    return UsageError(f"{address} can't be looked at: {_words(error)}", hint="Is it spelt right, and are you allowed to see it?")


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
