"""What became of each file: in words, for --report, and as an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from videdit.cli.plan import Job
from videdit.cli.say import say
from videdit.config import Settings
from videdit.curves import Strength
from videdit.errors import NoFaceError, SomeInputsFailedError, VideditError


@dataclass(slots=True)
class Outcome:
    """What became of one job: the pipeline's report, or an error, or neither when it was skipped."""

    job: Job
    report: Any = None
    error: VideditError | None = None

    def as_json(self) -> dict[str, Any]:
        """For --report."""
        head = {"input": str(self.job.source), "output": str(self.job.target)}
        if self.error:
            return {**head, "status": "failed", "error": str(self.error), "hint": self.error.hint, "exit_code": self.error.exit_code}
        return {**head, "status": "skipped"} if self.report is None else self.report.as_json()


def show(
    todo: Sequence[Job], skipped: Sequence[Job], strengths: dict[str, Strength], people: dict[int, dict[str, Strength]], settings: Settings
) -> int:
    """--dry-run."""
    said = [f"{name} {value:+g}" for name, value in strengths.items()]
    said += [f"person {number}: " + ", ".join(f"{name} {value:+g}" for name, value in own.items()) for number, own in people.items()]
    if settings.expression_from is not None:
        said.append(f"the expression of {settings.expression_from}")
    edits = f"{', '.join(said) or 'no change'} {settings.window}".rstrip()
    for job in todo:
        say(f"{job.source} -> {job.target}: {edits}")
    for job in skipped:
        say(f"{job.source}: skipped, {job.target} exists")
    say(", ".join(f"{key.rstrip('_')}={value}" for key, value in asdict(settings).items() if value not in (None, ())))
    return 0


def summary(report: Any) -> str:
    """One line about a file that is done."""
    edits = done_to(report)
    rate = f" ({report.frames / report.wall:.1f} frames/s)" if report.frames > 1 and report.wall else ""
    if report.status == "no face":
        what = "no face found, written untouched"
    else:
        faces = f"{report.faces} face{'s' if report.faces != 1 else ''} in {report.frames_with_face} of {report.frames} frames"
        what = f"{f'{edits} {report.window}'.rstrip()}; {faces}" if report.status == "edited" else f"untouched; {faces}"
    return f"{report.output}: {what}; {report.wall:.1f} s{rate}"


def done_to(report: Any) -> str:
    """What was changed; by person where it is not the same for all."""
    shared = {name: value for name, value in report.edits.items() if name != "expression"}
    if all(own == shared for own in report.people.values()):
        return ", ".join(f"{name} {value:+g}" for name, value in report.edits.items())
    return "; ".join(f"person {n}: {', '.join(f'{name} {value:+g}' for name, value in own.items())}" for n, own in report.people.items())


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0, 3 or 4, or the one input's own."""
    failed = [o.error for o in outcomes if o.error]
    if failed:
        return failed[0].exit_code if len(outcomes) == 1 else SomeInputsFailedError.exit_code
    done = [o.report for o in outcomes if o.report is not None]
    return NoFaceError.exit_code if done and all(r.status == "no face" for r in done) and len(done) == len(outcomes) else 0


def close(outcomes: Sequence[Outcome], code: int) -> int:
    """The error for the whole, where there is one."""
    if code == SomeInputsFailedError.exit_code:
        failed = sum(1 for o in outcomes if o.error)
        raise SomeInputsFailedError(
            f"{failed} of {len(outcomes)} inputs failed", hint="The others are done; --report R.JSON says which is which."
        )
    if code == NoFaceError.exit_code:
        where = outcomes[0].job.source if len(outcomes) == 1 else "any input"
        raise NoFaceError(f"no face in {where}", hint="The output is written, untouched. `videdit inspect` says where faces are.")
    return code
