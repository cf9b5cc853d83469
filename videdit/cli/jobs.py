"""--jobs FILE: which clips to edit, each with edits of its own, from a table (CSV) or a list of objects (JSON).

    input,output,smile,age
    anna.mp4,,+0.5,
    shots/b.mp4,b_old.mp4,,0s:0 4s:+1

`input` is seen from the table's own folder and may be a folder; `output`, which may be left out, from the output folder. All other names
are attributes, with a number, a curve, or @FILE; an empty cell is what the command line says.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from videdit.cli.curve_files import named, parse_strength
from videdit.cli.plan import Wish
from videdit.curves import Strength
from videdit.errors import UsageError
from videdit.packs.manifest import Manifest

INPUT, OUTPUT = "input", "output"
HELP = "clips with edits of their own: CSV with the columns input, output (or not) and attributes, or a JSON list of such objects"


def read_jobs(path: Path, strengths: Mapping[str, Strength], manifest: Manifest) -> list[Wish]:
    """The rows of a table; strengths: for all that a row does not say. Raises UsageError that names the row."""
    wishes = [_wish(row, where, path.parent, strengths, manifest) for where, row in _rows(path)]
    if not wishes:
        raise UsageError(f"{path} holds no clip", hint=f"A column {INPUT}, and one for each attribute.")
    return wishes


def _wish(row: Mapping[str, Any], where: str, folder: Path, strengths: Mapping[str, Strength], manifest: Manifest) -> Wish:
    """Raises UsageError."""
    source, target = str(row.get(INPUT) or ""), str(row.get(OUTPUT) or "")
    if not source:
        raise UsageError(f"{where} has no {INPUT}")
    if target and (Path(target).is_absolute() or ".." in Path(target).parts):
        raise UsageError(f"{where}: {target} is not below the output folder", hint=f"{OUTPUT} is a name in the folder of -o.")
    own: dict[str, Strength] = {}
    try:
        for name, value in row.items():
            if name not in (INPUT, OUTPUT) and value not in (None, ""):
                own[name] = parse_strength(f"--{name}", value, folder=folder)
        own = named(own, manifest)
    except UsageError as error:
        raise UsageError(f"{where}: {error}", hint=error.hint) from None
    return Wish(str(folder / source), {**strengths, **own}, target)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row, and what errors call it. Raises UsageError."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} can't be read: {getattr(error, 'strerror', '') or error}", hint="--jobs takes a CSV or a JSON file."
        ) from None
    if path.suffix.lower() == ".json":
        yield from _objects(text, path)
        return
    lines = csv.reader(text.splitlines(keepends=True), skipinitialspace=True, strict=True)
    try:
        heads = [cell.strip() for cell in next(lines, [])]
        if INPUT not in heads or len(set(heads)) != len(heads):
            raise UsageError(f"{path} does not begin with a line such as {INPUT},{OUTPUT},smile", hint="Each column once.")
        for cells in lines:
            if len(cells) > len(heads):
                raise UsageError(f"{path}, line {lines.line_num}: {len(cells)} columns instead of {len(heads)}")
            if any(cells):
                yield f"{path}, line {lines.line_num}", dict(zip(heads, (cell.strip() for cell in cells), strict=False))
    except csv.Error as error:
        raise UsageError(f"{path}, line {lines.line_num}: {error}") from None


def _objects(text: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Raises UsageError."""
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{path} can't be read: {error}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{path} is no list of objects", hint='[{"input": "a.mp4", "smile": 0.5}, ...]')
    for number, row in enumerate(rows, 1):
        yield f"{path}, entry {number}", row
