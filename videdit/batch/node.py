"""The other side of `cluster`: what a Ray task does on its node."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from videdit.batch.places import url_of
from videdit.batch.task import Done, Progress, Task, Tools, as_failure, do
from videdit.batch.told import told
from videdit.errors import MissingError, UsageError
from videdit.packs.manifest import find_pack, read_manifest

LOOK = 1.0  # s between two looks at progress


@dataclass(frozen=True, slots=True)
class Shipped:
    """A pack on its way: its id, and its files by name."""

    id: str
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, name: str) -> Shipped:
        """Of a pack that is here. Raises MissingError, PackError."""
        manifest = read_manifest(find_pack(name))
        files = {path.name: path.read_bytes() for path in sorted(manifest.root.iterdir()) if path.is_file()}
        return cls(manifest.id, files)

    def unpack(self) -> Path:
        """The folder of the pack on this machine, made by whoever comes first."""
        home = Path(tempfile.gettempdir()) / "videdit-packs" / self.id
        if not home.is_dir():
            home.parent.mkdir(parents=True, exist_ok=True)
            part = Path(tempfile.mkdtemp(dir=home.parent))
            for name, data in self.files.items():
                (part / name).write_bytes(data)
            try:
                part.rename(home)
            except OSError:  # another one was quicker
                for file in part.iterdir():
                    file.unlink()
                part.rmdir()
        return home


@dataclass(frozen=True, slots=True)
class Divided:
    """What comes back of a long clip first: its parts, as the first segment and the one behind the last; length: frames of a segment."""

    parts: tuple[tuple[int, int], ...]
    length: int


def edit_clip(task: Task, pack: Shipped, threads: int, board: Any, part: int = 0, end: bool = False) -> Done | Divided | Exception:
    """On a node: do a task, or the first pass of one that is long (in parts of `part` segments; 0 divides none), or the end of one that was
    divided. What would hit every task is returned, not raised, so that it comes back as it is."""
    said = [0.0]

    def step(stage: str, done: int, total: int | None) -> None:
        if done == 1 or time.monotonic() - said[0] >= LOOK:
            said[0] = time.monotonic()
            board.write.remote(task.number, os.getpid(), stage, done, total)

    task = _placed(task, pack, threads)
    try:
        tools = tools_for(task.settings.pack, task.settings.device, task.c2pa)
        if end:
            from videdit.pipeline.parts import shared

            task = replace(task, settings=shared(task.settings, task.target))
        return (_divided(task, tools, step, part) if part else None) or told(do(task, tools, step))
    except (MissingError, UsageError) as error:
        return error
    except Exception as error:
        return Done(task.number, error=as_failure(error))


def _placed(task: Task, pack: Shipped, threads: int) -> Task:
    """The task as this node sees it."""
    import torch

    torch.set_num_threads(threads)
    return replace(task, settings=replace(task.settings, pack=str(pack.unpack())))


def _divided(task: Task, tools: Tools, progress: Progress, part: int) -> Divided | None:
    """The parts of a long clip, whose first pass is done then; None where it is done in one go, which also tells what is wrong with it."""
    from videdit.pipeline.parts import prepare
    from videdit.video.segments import SEGMENT

    if task.measured or url_of(task.source) or url_of(task.target):
        return None
    try:
        parts = prepare(
            task.source, task.target, task.strengths, task.settings, part, people=task.people, pack=tools.pack, progress=progress
        )
    except Exception:
        return None
    return Divided(tuple(parts), SEGMENT) if parts else None


def make_part(task: Task, pack: Shipped, threads: int, first: int, stop: int) -> bool:
    """On a node: segments of a long clip; whether they are there now."""
    from videdit.pipeline.parts import edit_part

    task = _placed(task, pack, threads)
    try:
        loaded = tools_for(task.settings.pack, task.settings.device, task.c2pa).pack
        return edit_part(task.source, task.target, task.strengths, task.settings, first, stop, people=task.people, pack=loaded)
    except Exception:  # the end of the clip makes them, and tells what is wrong
        return False


@lru_cache(maxsize=1)
def tools_for(pack: str, device: str, c2pa: tuple[Path, Path] | None) -> Tools:
    """Loaded once in a process, which Ray gives one task after the other."""
    from videdit.config import Settings

    return Tools.load(Task(0, Path(), Path(), {}, settings=Settings(pack=pack, device=device), c2pa=c2pa))
