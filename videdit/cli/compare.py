"""--compare: where a side-by-side goes, before the work, such as beside its output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from videdit.cli.plan import Job, make_folders
from videdit.errors import OutputError, UsageError
from videdit.video.formats import kind_of_suffix

BESIDE = ""  # --compare without a path
MOVIES = (".mp4", ".m4v", ".mov")


def add_compare(group: Any) -> None:
    """The flag."""
    text = "write before and after beside each other too, labelled: to PATH (a folder for several inputs), or beside the output"
    group.add_argument("--compare", nargs="?", const=BESIDE, metavar="PATH", help=text)


def compare_targets(jobs: Sequence[Job], asked: str | None, *, root: Path | None, overwrite: bool) -> dict[Job, Path]:
    """Where each job's comparison goes; nothing where none is asked for. root: the folder of all outputs, where there is one, whose own
    folders are made again for comparisons elsewhere. Raises UsageError, OutputError."""
    if asked is None:
        return {}
    folder = Path(asked) if asked and (len(jobs) > 1 or Path(asked).is_dir() or asked.endswith("/")) else None
    if folder is not None and not folder.is_dir():
        raise OutputError(f"the folder {folder} does not exist", hint="--compare writes one file for each of several inputs there.")
    targets = {job: _where(job, folder, root) / beside(job.target) for job in jobs}
    if asked and folder is None:
        targets = {job: Path(asked) for job in jobs}
    if folder is not None:
        make_folders(targets.values(), folder)
    others = {path.resolve() for job in jobs for path in (job.source, job.target)}
    for job, target in targets.items():
        from videdit.video.graphs import check_compare

        check_compare(job.source, target)
        if not target.parent.is_dir():
            raise OutputError(f"the folder {target.parent} does not exist", hint=f"mkdir -p '{target.parent}' makes it.")
        if target.resolve() in others:
            raise UsageError(f"the comparison {target} is an input or an output itself", hint="Name another file behind --compare.")
        if target.exists() and not overwrite:
            raise OutputError(f"{target} exists already", hint="--overwrite replaces it.")
    return targets


def _where(job: Job, folder: Path | None, root: Path | None) -> Path:
    """The folder of a comparison."""
    between = job.target.parent.relative_to(root) if root is not None else Path()
    return job.target.parent if folder is None else folder / between


def beside(target: Path) -> str:
    """out.mp4 -> out_compare.mp4; a container of which players know little becomes mkv, which takes any sound."""
    suffix = target.suffix.lower()
    return f"{target.stem}_compare{target.suffix if suffix in MOVIES or kind_of_suffix(target) != 'clip' else '.mkv'}"


def where_input(compare: str | None) -> str:
    """Hint for a missing input; `--compare in.mp4` has taken it for itself."""
    if compare and Path(compare).exists():
        return f"--compare took {compare} for itself: write the input first, or --compare=PATH."
    return "videdit in.mp4 --smile +0.5 -o out.mp4; `videdit --help` lists everything."
