"""Curves of strength in words and files: the one place that turns what a flag, a preset or a table says into a strength.

A curve file (`--smile @curve.csv`) has a time and a strength a line; a table (`--curves edit.csv`) a column per attribute. JSON holds, per
attribute, a number, a curve as on the command line, or [time, strength] pairs. docs/timeline.md has examples.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from videdit.checks import check_strength
from videdit.curves import EASE, Curve, Strength, parse_time
from videdit.errors import UsageError
from videdit.packs.manifest import Manifest

Rows = list[tuple[int, list[str]]]  # line numbers and cells


def parse_strength(flag: str, value: Any, *, folder: Path = Path()) -> Strength:
    """A strength from what follows a flag or stands in a preset: a number, a curve, or @FILE of one (seen from `folder`).

    flag is what errors call it. Raises UsageError.
    """
    if not isinstance(value, str) or not value.startswith("@"):
        return check_strength(flag, value)
    name, ease = value[1:], False
    if name.endswith(f" {EASE}"):
        name, ease = name.removesuffix(EASE).rstrip(), True
    return check_strength(flag, read_curve(folder / name, ease=ease))


def read_curve(path: Path, *, ease: bool = False) -> Curve:
    """The curve of a file: CSV with a time and a strength a line, under a header or not; JSON with one curve. Raises UsageError."""
    if path.suffix.lower() == ".json":
        found = _value(_json(path), str(path))
        curve = found if isinstance(found, Curve) else Curve((0.0,), (found,))
        return Curve(curve.times, curve.values, ease or curve.ease)
    rows = _csv(path)
    header = [cell.lower() for cell in rows[0][1]]
    order = (0, 1)
    if not _is_time(header[0]) and not _is_time(header[-1].lstrip("+-")):
        if len(header) == 2 and set(header) == {"time", "strength"}:
            order = (header.index("time"), header.index("strength"))
        rows = rows[1:]
    keys = []
    for line, cells in rows:
        if len(cells) != 2:
            raise UsageError(
                f"{path}, line {line}: {len(cells)} columns instead of a time and a strength", hint="--curves FILE reads tables."
            )
        keys.append((_time(cells[order[0]], path, line), cells[order[1]]))
    return _curve(keys, str(path), ease=ease)


def read_table(path: Path) -> dict[str, Strength]:
    """Strengths by attribute, names as written: CSV with a column `time` and one per attribute, or a JSON object. Raises UsageError."""
    if path.suffix.lower() == ".json":
        values = _json(path)
        if not isinstance(values, dict):
            raise UsageError(f"{path} holds no object of attributes", hint='Such as {"smile": "0s:0 2s:+0.5"}.')
        return {name: check_strength(f"{path}: {name}", _value(value, f"{path}: {name}")) for name, value in values.items()}
    (_, header), *rows = _csv(path)
    if header[0].lower() != "time" or len(header) < 2:
        raise UsageError(f"{path} does not begin with a line such as time,smile,age", hint="A column of times, and one per attribute.")
    out: dict[str, Strength] = {}
    for column, title in enumerate(header[1:], 1):
        name = title.removesuffix(f" {EASE}").strip()
        keys = [(_time(cells[0], path, line), cells[column]) for line, cells in rows if len(cells) > column and cells[column]]
        where = f"{path}: {name or f'column {column + 1}'}"
        out[name] = check_strength(where, _curve(keys, where, ease=title.endswith(f" {EASE}")))
    return out


def named(strengths: dict[str, Strength], manifest: Manifest) -> dict[str, Strength]:
    """Strengths under the pack's own names. Raises UsageError for one the pack does not have."""
    out: dict[str, Strength] = {}
    for name, value in strengths.items():
        attribute, factor = manifest.resolve(name)
        out[attribute.name] = value * factor
    return out


def _value(value: Any, where: str) -> Strength:
    """What JSON says of one attribute. Raises UsageError."""
    if isinstance(value, list):
        value = {"keys": value}
    if not isinstance(value, dict):
        return check_strength(where, value)
    keys, ease = value.get("keys"), value.get(EASE, False)
    if not isinstance(keys, list) or not isinstance(ease, bool) or set(value) - {"keys", EASE}:
        raise UsageError(
            f"{where} is no curve", hint='Write a number, "0s:0 2s:+0.5", [[0, 0], [2, 0.5]], or {"keys": [...], "ease": true}.'
        )
    pairs = []
    for key in keys:
        if not isinstance(key, list) or len(key) != 2:
            raise UsageError(f"{where}: {json.dumps(key)} is not [time, strength]")
        pairs.append((_time(str(key[0]), where, None), key[1]))
    return _curve(pairs, where, ease=ease)


def _curve(keys: Sequence[tuple[float, Any]], where: str, *, ease: bool) -> Curve:
    """Raises UsageError that says where."""
    if not keys:
        raise UsageError(f"{where} has no keyframe")
    try:
        return Curve(tuple(time for time, _ in keys), tuple(value for _, value in keys), ease)
    except UsageError as error:
        raise UsageError(f"{where}: {error}", hint="docs/timeline.md shows what curves look like.") from None


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except UsageError:
        return False
    return True


def _time(text: str, where: str | Path, line: int | None) -> float:
    """Raises UsageError that says where."""
    try:
        return parse_time(text)
    except UsageError as error:
        raise UsageError(f"{where}{f', line {line}' if line else ''}: {error}") from None


def _csv(path: Path) -> Rows:
    """Lines that are not empty, cells stripped; at least one. Raises UsageError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        raise _unreadable(path, error) from None
    rows = [(line, cells) for line, cells in rows if any(cells)]
    if not rows:
        raise UsageError(f"{path} is empty", hint="A curve has a time and a strength a line, such as 2,0.5.")
    return rows


def _json(path: Path) -> Any:
    """Raises UsageError."""
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UsageError:
    if isinstance(error, FileNotFoundError):
        return UsageError(f"there is no file {path}", hint="Curves come from a CSV or JSON file.")
    reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
    return UsageError(f"{path} can't be read as a curve: {reason}", hint="docs/timeline.md shows what curves look like.")
