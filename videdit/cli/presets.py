"""Presets: TOML files with the keys of config.OPTIONS and a table [attributes] of strengths, numbers or curves."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from videdit.checks import check
from videdit.cli.curve_files import parse_strength
from videdit.config import OPTIONS, option
from videdit.curves import Strength
from videdit.errors import UsageError


def shipped() -> dict[str, Path]:
    """Presets that come with videdit, by name: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parent.parent
    out: dict[str, Path] = {}
    for folder in (package / "_presets", package.parent / "examples" / "presets"):
        for path in sorted(folder.glob("*.toml")):
            out.setdefault(path.stem, path)
    return out


def describe(path: Path) -> str:
    """The comment at the head of a preset."""
    first = path.read_text("utf-8").lstrip().partition("\n")[0]
    return first.lstrip("# ").strip() if first.startswith("#") else ""


def read_preset(name_or_path: str) -> tuple[dict[str, Any], dict[str, Strength]]:
    """Settings and strengths (names as written) of a preset, by name or path. Raises UsageError."""
    path = Path(name_or_path)
    if not path.is_file():
        known = shipped()
        if name_or_path not in known:
            raise UsageError(f"there is no preset {name_or_path}", hint=f"Give a .toml file, or one of: {', '.join(known)}.")
        path = known[name_or_path]
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} can't be read as a preset: {error}", hint="examples/presets has presets.") from None
    attributes = tables.pop("attributes", {})
    if not isinstance(attributes, dict):
        raise UsageError(f"{path}: attributes is not a table", hint='Write [attributes] and below it lines such as "smile = 0.5".')
    names = {entry.name.rstrip("_"): entry.name for entry in OPTIONS}
    settings = {}
    for key, value in tables.items():
        field = names.get(key.replace("-", "_"))
        if field is None:
            raise UsageError(f"{path}: there is no setting {key!r}", hint=f"A preset may set: {', '.join(names)}, and [attributes].")
        settings[field] = check(option(field), value)
    return settings, {name: parse_strength(f"--{name}", value, folder=path.parent) for name, value in attributes.items()}
