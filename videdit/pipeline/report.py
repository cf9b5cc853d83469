"""What happened to a clip, and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from videdit.pipeline.lowered import Lowered

T = TypeVar("T")
Progress = Callable[[str, int, int | None], None]  # stage, frames done, frames in all where known


@dataclass(slots=True)
class ClipReport:
    """One clip's outcome.

    status: "edited", "untouched" (nothing was asked for) or "no face" (written untouched; the command ends with 4 when it was the
    only input). faces: people found, a person who leaves and comes back counts again. seconds: by stage, measured where the work
    runs, so overlapping stages add up to more than `wall`. peak_memory: bytes of this process, 0 where unknown. licences: of each
    weight file used. lowered: frames with less of the edit, and why.
    """

    input: Path
    output: Path
    edits: dict[str, float]
    frames: int = 0
    frames_with_face: int = 0
    faces: int = 0
    status: str = "edited"
    cached: bool = False
    tuned_steps: int = 0
    pack: str = ""
    wall: float = 0.0
    peak_memory: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    licences: dict[str, str] = field(default_factory=dict)
    lowered: Lowered = field(default_factory=Lowered)

    @property
    def face_found(self) -> bool:
        """False when the command should end with 4."""
        return self.faces > 0

    def as_json(self) -> dict[str, Any]:
        """Plain values for --report."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values.update(input=str(self.input), output=str(self.output))
        values["seconds"] = {stage: round(value, 3) for stage, value in self.seconds.items()}
        values["wall"] = round(self.wall, 3)
        values.update(self.lowered.as_json())
        return values


class Stopwatch:
    """Adds up seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._start = time.perf_counter()

    @property
    def wall(self) -> float:
        """Seconds since this stopwatch was made."""
        return time.perf_counter() - self._start

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def each(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """Time the making of each item."""
        source = iter(items)
        while True:
            with self.stage(name):
                try:
                    item = next(source)
                except StopIteration:
                    return
            yield item


def peak_memory() -> int:
    """Peak resident bytes of this process so far; 0 where the platform does not say."""
    try:
        import resource
    except ImportError:
        return 0
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
