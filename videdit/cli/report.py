"""--report R.JSON or R.HTML: what was done to every file; the page has what was measured too, and the same figures in JSON beside it.

Of several files R.HTML is an index, and each has a page of its own in the folder R beside it, written as soon as the file is done: neither
a long run's memory nor the page grows with what was measured.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from videdit.cli.outcomes import Outcome
from videdit.errors import OutputError, UsageError

HELP = (
    "write what was done to every file: R.JSON with times and licences, or R.HTML, a page with pictures, measures and plots, and R.JSON; "
    "for several files R.HTML links a page for each"
)


def wants_page(path: str | None) -> bool:
    """Whether edits are to be measured."""
    return bool(path) and Path(str(path)).suffix.lower() in (".html", ".htm")


def check_report(path: Path) -> None:
    """Better to fail before the work than after. Raises OutputError, UsageError."""
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist", hint="It is where --report writes.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="--report writes R.json, or R.html and R.json.")


class ClipPages:
    """The pages of a run's files, in a folder beside the index; run: what they share, as for `write_report`. Raises OutputError."""

    def __init__(self, index: Path, root: Path | None, run: Mapping[str, Any]) -> None:
        self.folder, self._root, self._run = index.with_suffix(""), root, run
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(f"{self.folder} is there already, and is no folder", hint="--report R.HTML keeps a page for each file in R.")

    def where(self, outcome: Outcome) -> Path:
        """The page of a file: called as its output is, in the same folders."""
        target = outcome.job.target
        below = target.relative_to(self._root) if self._root is not None and target.is_relative_to(self._root) else Path(target.name)
        return self.folder / below.with_name(f"{below.name}.html")

    def write(self, outcome: Outcome) -> None:
        """Write the page of a file that was edited, and drop what was measured of it from memory but for a summary. Raises OutputError."""
        from videdit.quality.report import to_json
        from videdit.report import figures_of, page

        if outcome.report is None:
            return
        outcome.page = self.where(outcome)
        values, people = outcome.as_json(), outcome.people
        try:
            outcome.page.parent.mkdir(parents=True, exist_ok=True)
            outcome.page.write_text(page({**self._run, "files": [{**values, "measured": people}]}), "utf-8")
            outcome.page.with_suffix(".json").write_text(to_json({**values, "measured": _plain(people)}) + "\n", "utf-8")
        except OSError as error:
            raise OutputError(f"{outcome.page} can't be written: {error.strerror}") from None
        outcome.people = [figures_of(people)]

    def known(self, outcome: Outcome) -> None:
        """A file that an earlier run did may have a page from then."""
        found = self.where(outcome)
        outcome.page = found if found.is_file() else None


def write_report(path: Path, run: Mapping[str, Any], outcomes: Sequence[Outcome], pages: ClipPages | None = None) -> None:
    """run: what the files share. Pictures go into pages only; `path` is an index where files have pages. Raises OutputError."""
    from videdit.quality.report import to_json

    files = [{**outcome.as_json(), **({"measured": _plain(outcome.people)} if outcome.people else {})} for outcome in outcomes]
    if pages is not None:
        for file, outcome in zip(files, outcomes, strict=True):
            file["figures"] = (file.pop("measured", None) or [{}])[0]
            if outcome.page is not None:
                file["page"] = Path(os.path.relpath(outcome.page, path.parent)).as_posix()
    try:
        path.with_suffix(".json" if wants_page(str(path)) else path.suffix).write_text(to_json({**run, "files": files}) + "\n", "utf-8")
        if wants_page(str(path)):
            path.write_text(_html(run, files, outcomes, indexed=pages is not None), "utf-8")
    except OSError as error:
        raise OutputError(f"{path} can't be written: {error.strerror}") from None


def _html(run: Mapping[str, Any], files: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome], *, indexed: bool) -> str:
    from videdit.report import index, page

    if indexed:
        return index({**run, "files": files})
    return page({**run, "files": [{**file, "measured": outcome.people} for file, outcome in zip(files, outcomes, strict=True)]})


def _plain(people: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was measured, without pictures."""
    return [{key: value for key, value in person.items() if key != "strip"} for person in people]
