"""--name: what outputs in a folder are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from videdit.curves import Curve, Strength
from videdit.errors import UsageError

DEFAULT = "{dir}/{stem}{ext}"
FIELDS = {
    "dir": "the folders between the input folder and the file",
    "stem": "the file's name without its suffix",
    "ext": "its suffix, with the dot",
    "edits": "what is asked for, such as smile+0.5_age-1",
}
LONGEST = 255  # bytes of a name, on nearly every file system
_PART = re.compile(r"\{(\w*)\}")


def check_name(template: str) -> None:
    """Raises UsageError for a template that names nothing or asks for what we don't know."""
    rest = _PART.sub("", template)
    unknown = [name for name in _PART.findall(template) if name not in FIELDS]
    if "{" in rest or "}" in rest or unknown:
        wrong = f"{{{unknown[0]}}}" if unknown else "a brace by itself"
        raise UsageError(f"--name can't hold {wrong}", hint="; ".join(f"{{{name}}} is {text}" for name, text in FIELDS.items()) + ".")
    parts = Path(template).parts
    if not template.strip() or Path(template).is_absolute() or ".." in parts or template.endswith(("/", "\\")):
        raise UsageError(f"--name can't be {template!r}", hint=f"It names files below the output folder: '{DEFAULT}' is the default.")


def named(template: str, source: Path, folders: str, edits: str) -> Path:
    """The output's path below the output folder; folders: `{dir}`, edits: `{edits}`. Raises UsageError for a name that is too long."""
    values = {"dir": folders, "stem": source.stem, "ext": source.suffix, "edits": edits}
    # where there are no folders between, {dir}/ leaves no slash behind
    path = Path(_PART.sub(lambda match: values[match[1]], template).lstrip("/\\"))
    if any(len(part.encode("utf-8", "surrogateescape")) > LONGEST for part in path.parts):
        raise UsageError(f"{source} would get a name of more than {LONGEST} bytes", hint="A shorter --name.")
    return path


def edits_in_a_name(strengths: Mapping[str, Strength], people: Mapping[int, Mapping[str, Strength]], expression: Path | None) -> str:
    """What is asked for, in signs that any file system takes: smile+0.5_age-1, a curve as smile~+0.5 (its end furthest from 0)."""
    said = [_word(name, value) for name, value in strengths.items()]
    said += [f"person{number}-{_word(name, value)}" for number, own in people.items() for name, value in own.items()]
    said += ["expression-" + re.sub(r"[^\w.-]", "-", expression.stem)] if expression is not None else []
    return "_".join(said) or "unedited"


def _word(name: str, value: Strength) -> str:
    if isinstance(value, Curve):
        return f"{name}~{max(value.values, key=abs):+g}"
    return f"{name}{value:+g}"
