"""What one process tells another about a clip: plain values, so that whoever only listens needs neither torch nor the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videdit.batch.task import Done


@dataclass(slots=True)
class Told:
    """A ClipReport as its `as_json()` has it, and by name what a summary needs of it; see there."""

    values: dict[str, Any]
    output: Path
    warnings: list[str]

    def __getattr__(self, name: str) -> Any:
        if name in ("values", "__setstate__") or name.startswith("__"):  # while it is unpickled nothing is there yet
            raise AttributeError(name)
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    def as_json(self) -> dict[str, Any]:
        """Plain values for --report."""
        return {**self.values, "warnings": self.warnings}


def told(done: Done) -> Done:
    """The same without a class of the pipeline in it."""
    report = done.report
    if report is not None:
        report = Told(report.as_json(), Path(report.output), list(report.warnings))
    return Done(done.number, report, done.error, done.people, done.compare)
