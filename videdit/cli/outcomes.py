"""What became of each file: in words, for --report, and as an exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videdit.cli.plan import Job
from videdit.cli.progress import clock
from videdit.cli.say import say, shown
from videdit.config import Settings
from videdit.curves import Strength, done_to, in_words
from videdit.errors import NoFaceError, SomeInputsFailedError, VideditError

if TYPE_CHECKING:
    from videdit.store.speeds import Speed

GATE = "It is written all the same. A lower strength may hold; --report says more."


@dataclass(slots=True)
class Outcome:
    """What became of one job: the pipeline's report, or an error, or neither when it was skipped or not begun; people: what was measured of
    each; page: the report's page about it."""

    job: Job
    report: Any = None
    error: VideditError | None = None
    compare: Path | None = None
    people: list[dict[str, Any]] = field(default_factory=list)
    page: Path | None = None
    begun: bool = True

    @property
    def failed(self) -> bool:
        """Whether there was an error, or an edit went too far."""
        return self.error is not None or (self.report is not None and self.report.status == "failed")

    @property
    def status(self) -> str:
        """edited, untouched, no face, failed, skipped, or not begun."""
        if self.error is not None:
            return "failed"
        if self.report is None:
            return "skipped" if self.begun else "not begun"
        return str(self.report.status)

    def as_json(self) -> dict[str, Any]:
        """For --report."""
        head = {"input": str(self.job.source), "output": str(self.job.target)}
        more = {**({"compare": str(self.compare)} if self.compare else {}), **({"page": str(self.page)} if self.page else {})}
        if self.error:
            error = {"error": str(self.error), "hint": self.error.hint, "exit_code": self.error.exit_code}
            return {**head, "status": self.status, **error, **more}
        if self.report is None:
            return {**head, "status": self.status, **more}
        return {**self.report.as_json(), **more}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run asks of every job beside its strengths."""

    people: dict[int, dict[str, Strength]]
    settings: Settings

    def words(self, strengths: Mapping[str, Strength]) -> str:
        """All that is asked of a job."""
        said = [in_words(strengths)] if strengths else []
        said += [f"person {number}: {in_words(own)}" for number, own in self.people.items()]
        if self.settings.expression_from is not None:
            said.append(f"the expression of {self.settings.expression_from}")
        return f"{', '.join(said) or 'no change'} {self.settings.window}".rstrip()


def show(todo: Sequence[Job], skipped: Sequence[Job], asked: Asked, folder: Path, speed: Speed, workers: int) -> int:
    """--dry-run: what would be done, and how long it would take with so many workers of this speed. Returns the exit code."""
    for job in todo:
        say(f"{shown(job.source)} -> {shown(job.target)}: {asked.words(job.strengths)}")
    for job in skipped:
        say(f"{shown(job.source)}: skipped, {shown(job.target)} exists")
    say(", ".join(f"{key.rstrip('_')}={value}" for key, value in asdict(asked.settings).items() if value not in (None, ())))
    if todo:
        from videdit.cli.estimate import estimate

        say("\n".join(estimate(todo, folder, speed, workers=workers if speed.frames else 1).words()))
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


def table(outcomes: Sequence[Outcome], seconds: float) -> list[str]:
    """A run in lines: how many became what, and what failed, why, and what to do about it."""
    count: dict[str, int] = {}
    for outcome in outcomes:
        count[outcome.status] = count.get(outcome.status, 0) + 1
    frames = sum(outcome.report.frames for outcome in outcomes if outcome.report is not None)
    head = ", ".join(f"{number} {status}" for status, number in count.items())
    lines = ["", f"{len(outcomes)} files: {head}; {frames} frames in {clock(seconds)}"]
    failed = [outcome for outcome in outcomes if outcome.failed]
    wide = min(40, max((len(shown(outcome.job.source)) for outcome in failed), default=0))
    for outcome in failed:
        why = outcome.error or outcome.report.reason
        hint = outcome.error.hint if outcome.error else GATE
        lines.append(f"  {shown(outcome.job.source):<{wide}}  {' '.join(str(why).split())}" + (f" ({hint})" if hint else ""))
    return lines


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
            raise SomeInputsFailedError(f"{outcomes[0].job.source}: {outcomes[0].report.reason}", hint=GATE)
        left = sum(1 for o in outcomes if not o.begun)
        hint = (
            "--skip-existing in the same command does what is left."
            if left
            else "The others are done; --report R.JSON says which is which."
        )
        raise SomeInputsFailedError(f"{failed} of {len(outcomes)} inputs failed{f', and {left} were not begun' if left else ''}", hint=hint)
    if code == NoFaceError.exit_code:
        where = outcomes[0].job.source if len(outcomes) == 1 else "any input"
        raise NoFaceError(f"no face in {where}", hint="The output is written, untouched. `videdit inspect` says where faces are.")
    return code
