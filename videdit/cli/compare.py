"""--compare: where a side-by-side goes, before the work, and the writing of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from videdit.cli.plan import Job
from videdit.errors import OutputError, UsageError
from videdit.video.formats import kind_of_suffix

BESIDE = ""  # --compare without a path
MOVIES = (".mp4", ".m4v", ".mov")


def add_compare(group: Any) -> None:
    """The flag."""
    text = "write before and after beside each other too, labelled: to PATH (a folder for several inputs), or beside the output"
    group.add_argument("--compare", nargs="?", const=BESIDE, metavar="PATH", help=text)


def compare_targets(jobs: Sequence[Job], asked: str | None, *, several: bool, overwrite: bool) -> dict[Job, Path]:
    """Where each job's comparison goes; nothing where none is asked for. Raises UsageError, OutputError."""
    if asked is None:
        return {}
    folder = Path(asked) if asked and (several or Path(asked).is_dir() or asked.endswith("/")) else None
    if folder is not None and not folder.is_dir():
        raise OutputError(f"the folder {folder} does not exist", hint="--compare writes one file for each of several inputs there.")
    targets = {job: (folder or job.target.parent) / beside(job.target) for job in jobs}
    if asked and folder is None:
        targets = {job: Path(asked) for job in jobs}
    for job, target in targets.items():
        from videdit.video.graphs import check_compare

        check_compare(job.source, target)
        if not target.parent.is_dir():
            raise OutputError(f"the folder {target.parent} does not exist", hint=f"mkdir -p '{target.parent}' makes it.")
        if target.resolve() in {path.resolve() for other in jobs for path in (other.source, other.target)}:
            raise UsageError(f"the comparison {target} is an input or an output itself", hint="Name another file behind --compare.")
        if target.exists() and not overwrite:
            raise OutputError(f"{target} exists already", hint="--overwrite replaces it.")
    return targets


def beside(target: Path) -> str:
    """out.mp4 -> out_compare.mp4; a container of which players know little becomes mkv, which takes any sound."""
    suffix = target.suffix.lower()
    return f"{target.stem}_compare{target.suffix if suffix in MOVIES or kind_of_suffix(target) != 'clip' else '.mkv'}"


def write_compare(job: Job, target: Path) -> Path:
    """Put an edited file beside its source. Raises VideditError."""
    from videdit.video.graphs import compare

    compare(job.source, job.target, target)
    return target


def where_input(compare: str | None) -> str:
    """Hint for a missing input; `--compare in.mp4` has taken it for itself."""
    if compare and Path(compare).exists():
        return f"--compare took {compare} for itself: write the input first, or --compare=PATH."
    return "videdit in.mp4 --smile +0.5 -o out.mp4; `videdit --help` lists everything."
