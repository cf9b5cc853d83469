"""What became of each file: in words, for --report, and as an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from videdit.cli.plan import Job
from videdit.cli.say import say, shown
from videdit.config import Settings
from videdit.curves import Strength, done_to, in_words
from videdit.errors import NoFaceError, SomeInputsFailedError, VideditError


@dataclass(slots=True)
class Outcome:
    """What became of one job: the pipeline's report, or an error, or neither when it was skipped; people: what was measured of each."""

    job: Job
    report: Any = None
    error: VideditError | None = None
    compare: Path | None = None
    people: list[dict[str, Any]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether there was an error, or an edit went too far."""
        return self.error is not None or (self.report is not None and self.report.status == "failed")

    def as_json(self) -> dict[str, Any]:
        """For --report."""
        head = {"input": str(self.job.source), "output": str(self.job.target)}
        if self.error:
            return {**head, "status": "failed", "error": str(self.error), "hint": self.error.hint, "exit_code": self.error.exit_code}
        if self.report is None:
            return {**head, "status": "skipped"}
        return {**self.report.as_json(), **({"compare": str(self.compare)} if self.compare else {})}


def show(
    todo: Sequence[Job], skipped: Sequence[Job], strengths: dict[str, Strength], people: dict[int, dict[str, Strength]], settings: Settings
) -> int:
    """--dry-run."""
    said = [in_words(strengths)] if strengths else []
    said += [f"person {number}: {in_words(own)}" for number, own in people.items()]
    if settings.expression_from is not None:
        said.append(f"the expression of {settings.expression_from}")
    edits = f"{', '.join(said) or 'no change'} {settings.window}".rstrip()
    for job in todo:
        say(f"{shown(job.source)} -> {shown(job.target)}: {edits}")
    for job in skipped:
        say(f"{shown(job.source)}: skipped, {shown(job.target)} exists")
    say(", ".join(f"{key.rstrip('_')}={value}" for key, value in asdict(settings).items() if value not in (None, ())))
    return 0


def summary(report: Any) -> str:
    """One line about a file that is done."""
    edits = done_to(report.edits, report.people)
    rate = f" ({report.frames / report.wall:.1f} frames/s)" if report.frames > 1 and report.wall else ""
    if report.status == "no face":
        what = "no face found, written untouched"
    else:
        faces = f"{report.faces} face{'s' if report.faces != 1 else ''} in {report.frames_with_face} of {report.frames} frames"
        what = f"untouched; {faces}" if report.status == "untouched" else f"{f'{edits} {report.window}'.rstrip()}; {faces}"
    return f"{shown(report.output)}: {what}; {report.wall:.1f} s{rate}"


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0, 3 or 4, or the one input's own."""
    failed = [o.error for o in outcomes if o.error]
    if not failed and any(o.failed for o in outcomes):
        return SomeInputsFailedError.exit_code
    if failed:
        return failed[0].exit_code if len(outcomes) == 1 else SomeInputsFailedError.exit_code
    done = [o.report for o in outcomes if o.report is not None]
    return NoFaceError.exit_code if done and all(r.status == "no face" for r in done) and len(done) == len(outcomes) else 0


def close(outcomes: Sequence[Outcome], code: int) -> int:
    """The error for the whole, where there is one."""
    if code == SomeInputsFailedError.exit_code:
        failed = sum(1 for o in outcomes if o.failed)
        if len(outcomes) == 1:
            hint = "It is written all the same. A lower strength may hold; --report says more."
            raise SomeInputsFailedError(f"{outcomes[0].job.source}: {outcomes[0].report.reason}", hint=hint)
        raise SomeInputsFailedError(
            f"{failed} of {len(outcomes)} inputs failed", hint="The others are done; --report R.JSON says which is which."
        )
    if code == NoFaceError.exit_code:
        where = outcomes[0].job.source if len(outcomes) == 1 else "any input"
        raise NoFaceError(f"no face in {where}", hint="The output is written, untouched. `videdit inspect` says where faces are.")
    return code
