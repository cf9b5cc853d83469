"""--report R.JSON or R.HTML: what was done to every file; the page has what was measured too, and the same figures in JSON beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from videdit.curves import Strength
from videdit.errors import OutputError, UsageError

HELP = "write what was done to every file: R.JSON with times and licences, or R.HTML, a page with pictures, measures and plots, and R.JSON"


def wants_page(path: str | None) -> bool:
    """Whether edits are to be measured."""
    return bool(path) and Path(str(path)).suffix.lower() in (".html", ".htm")


def check_report(path: Path) -> None:
    """Better to fail before the work than after. Raises OutputError, UsageError."""
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist", hint="It is where --report writes.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="--report writes R.json, or R.html and R.json.")


def write_report(
    path: Path, run: Mapping[str, Any], files: Sequence[Mapping[str, Any]], people: Sequence[Sequence[Mapping[str, Any]]]
) -> None:
    """run: what the files share; people: what was measured of people in each file ("measured"), pictures of which go into the page only.

    Raises OutputError.
    """
    from videdit.quality.report import to_json

    plain = [[{key: value for key, value in person.items() if key != "strip"} for person in found] for found in people]
    values = {**run, "files": [{**file, **({"measured": found} if found else {})} for file, found in zip(files, plain, strict=True)]}
    try:
        path.with_suffix(".json" if wants_page(str(path)) else path.suffix).write_text(to_json(values) + "\n", "utf-8")
        if wants_page(str(path)):
            from videdit.report import page

            shown = [{**file, "measured": found} for file, found in zip(files, people, strict=True)]
            path.write_text(page({**run, "files": shown}), "utf-8")
    except OSError as error:
        raise OutputError(f"{path} can't be written: {error.strerror}") from None


def observer(pack: Any, strengths: Mapping[str, Strength], people: Mapping[int, Mapping[str, Strength]]) -> dict[str, Any]:
    """What `edit_video` takes to have an edit measured: all that is asked of anybody."""
    from videdit.report import Observer

    asked = {name: value for own in (strengths, *people.values()) for name, value in own.items() if value}
    watching = Observer(pack, asked)
    return {"on_frame": watching, "on_people": watching.meet}
