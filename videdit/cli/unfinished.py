"""A run over several inputs that was cut short: which of its outputs are done, so that the same command does the others.

A file in the output's folder says, a line each, which edit of which input was begun and what lay at its place then. An output comes
into its place whole, so when something else lies there now, it is done; where more is made of it (--compare, --c2pa), a second line
says so when that is there too. The file goes when the run gets to its end.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from videdit import __version__
from videdit.cli.plan import Job
from videdit.config import Settings
from videdit.curves import Strength, plain

NAME = ".videdit-run"
IRRELEVANT = ("overwrite", "debug_dir", "cache", "cache_dir")


def facts_of(people: Mapping[int, Mapping[str, Strength]], settings: Settings, pack: str) -> list[object]:
    """What the outputs of a command depend on beside each job's strengths; pack: its id."""
    asked = {name: str(value) for name, value in asdict(settings).items() if name not in IRRELEVANT}
    return [pack, asked, {number: plain(own) for number, own in people.items()}]


class Unfinished:
    """The lines of one command in a folder; None keeps nothing (a single output says itself whether it is there).

    facts: all that outputs depend on beside their inputs, as JSON values. extras: whether more than the output is made of each input. A
    folder that can't be written is no reason to fail here.
    """

    def __init__(self, folder: Path | None, facts: Sequence[object], *, extras: bool) -> None:
        self._facts = [__version__, *facts]
        self._file = folder / NAME if folder is not None else None
        self._extras = extras
        self._begun: dict[str, Any] = {}
        self._ended: set[str] = set()
        self._read()

    def done(self, jobs: Sequence[Job]) -> list[Job]:
        """Those that are done already."""
        return [job for job in jobs if self._done(job)]

    def begin(self, job: Job) -> None:
        """An output is about to be made."""
        if not self._done(job):
            self._add({"key": self._key(job), "before": _stat(job.target)})

    def end(self, job: Job) -> None:
        """All that is made of an input is there."""
        if self._extras:
            self._add({"key": self._key(job), "ended": True})

    def close(self) -> None:
        """The run has got to its end."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)

    def _done(self, job: Job) -> bool:
        key, now = self._key(job), _stat(job.target)
        if key not in self._begun or now is None:
            return False
        return key in self._ended if self._extras else now != self._begun[key]

    def _key(self, job: Job) -> str:
        """Of one edit: what is asked, of which file, to where."""
        facts = [*self._facts, plain(job.strengths), str(job.source.absolute()), _stat(job.source), str(job.target.absolute())]
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def _add(self, line: dict[str, Any]) -> None:
        self._take(line)
        if self._file is not None:
            with contextlib.suppress(OSError), open(self._file, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def _take(self, line: dict[str, Any]) -> None:
        if "ended" in line:
            self._ended.add(line["key"])
        else:
            self._begun.setdefault(line["key"], line["before"])

    def _read(self) -> None:
        """A line that was cut off, or is none of ours, says nothing."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):
            for text in self._file.read_text("utf-8", "replace").splitlines():
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    self._take(json.loads(text))


def _stat(path: Path) -> list[int] | None:
    """Size and time of a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
