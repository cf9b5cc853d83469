"""What happened to a clip, and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from videdit import __version__
from videdit.curves import Strength, done_to, plain
from videdit.video.notes import MARK

if TYPE_CHECKING:
    from videdit.pipeline.gate import Gate

from videdit.pipeline.lowered import Lowered

T = TypeVar("T")
Progress = Callable[[str, int, int | None], None]  # stage, frames done, frames in all where known


@dataclass(slots=True)
class ClipReport:
    """One clip's outcome.

    status: "edited", "untouched" (nothing was asked for), "no face" (written untouched; the command ends with 4 when it was the
    only input) or "failed": an identity gate did not hold; `reason` says where, and those shots are unedited. window: "from 1s to
    3.5s", where not all of the clip was to be edited. width, height: of a frame, px. faces: people found. people: what each person
    edited got, by number. seconds: by stage, measured where the work runs, so overlapping stages add up to more than `wall`.
    peak_memory: bytes of this process, 0 where unknown. licences: of each weight file used. gates: of max_identity_drop, one for each
    person and shot. lowered: frames with less of the edit, and why. resumed: frames that an earlier run, cut
    short, had written. compiled: whether encoder and generator ran by torch.compile.
    """

    input: Path
    output: Path
    edits: dict[str, Strength]
    window: str = ""
    frames: int = 0
    frames_with_face: int = 0
    width: int = 0
    height: int = 0
    faces: int = 0
    status: str = "edited"
    cached: bool = False
    tuned_steps: int = 0
    pack: str = ""
    wall: float = 0.0
    peak_memory: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    people: dict[int, dict[str, Strength]] = field(default_factory=dict)
    licences: dict[str, str] = field(default_factory=dict)
    gates: list[Gate] = field(default_factory=list)
    reason: str = ""
    lowered: Lowered = field(default_factory=Lowered)
    resumed: int = 0
    compiled: bool = False

    @property
    def face_found(self) -> bool:
        """False when the command should end with 4."""
        return self.faces > 0

    @property
    def statement(self) -> str:
        """What the written file says about itself: that AI edited it, and how; empty when nothing was edited."""
        partly = self.status == "failed" and any(gate.scale for gate in self.gates)
        said = f"{MARK} with videdit {__version__}: {done_to(self.edits, self.people)} {self.window}".rstrip()
        return said if self.status == "edited" or partly else ""

    def hold(self, limit: float | None) -> None:
        """Draw the conclusions from the gates: a warning for each that held something back, and failure where one did not hold."""
        said = [gate.words(limit or 0.0) for gate in self.gates]
        self.warnings += [words for words in said if words]
        self.reason = "; ".join(words for gate, words in zip(self.gates, said, strict=True) if gate.scale == 0)
        self.status = "failed" if self.reason else self.status

    def as_json(self) -> dict[str, Any]:
        """Plain values for --report."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values.update(input=str(self.input), output=str(self.output))
        values["edits"] = plain(self.edits)
        values["people"] = {number: plain(own) for number, own in self.people.items()}
        values["gates"] = [asdict(gate) for gate in self.gates]
        values["seconds"] = {stage: round(value, 3) for stage, value in self.seconds.items()}
        values["wall"] = round(self.wall, 3)
        values.update(self.lowered.as_json(), skipped=self.lowered.skipped())
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
