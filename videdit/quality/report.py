"""Measures as one table: for people (Markdown) and for machines (JSON)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Value = float | int | str | None
Row = Mapping[str, Value]


def by_group(values: NDArray[np.floating], groups: Mapping[str, NDArray[np.bool_]]) -> dict[str, float]:
    """Mean of values [N] in each group (name -> bool [N]); NaN for an empty one."""
    return {name: float(np.mean(values[member])) if member.any() else float("nan") for name, member in groups.items()}


def markdown(rows: Sequence[Row], *, digits: int = 3) -> str:
    """Rows with the same keys as a Markdown table; the first row's keys head it."""
    if not rows:
        return ""
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(_cell(row.get(head), digits) for head in heads) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Value, digits: int) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def to_json(value: object) -> str:
    """Compact, valid JSON: NaN and infinities become null."""
    return json.dumps(_plain(value), indent=1, allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def replace_section(text: str, name: str, body: str) -> str:
    """Text with what stands between `<!-- name -->` and `<!-- /name -->` replaced; appended when the marks are not there."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    block = f"{start}\n{body.strip()}\n{end}"
    if start in text and end in text:
        return text[: text.index(start)] + block + text[text.index(end) + len(end) :]
    return (text.rstrip() + "\n\n" if text.strip() else "") + block + "\n"
