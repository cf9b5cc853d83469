"""Writes docs/cli.md from the parsers and the settings: python -m videdit.cli.docs [--check]"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from videdit.checks import STRENGTH_HELP, STRENGTH_RANGE
from videdit.cli import (
    attributes,
    cache,
    doctor,
    edit,
    evaluate,
    gif,
    inspect,
    models,
    models_get,
    models_import,
    preview,
    sample,
    timeline,
    train,
)
from videdit.cli.parser import Parser
from videdit.cli.presets import describe, shipped
from videdit.config import DEFAULT_PACK
from videdit.curves import EXAMPLE
from videdit.errors import MissingError
from videdit.packs.manifest import find_pack, read_manifest

COMMANDS = (gif, inspect, attributes, cache, models, models_get, models_import, sample, doctor, train, evaluate)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
HEAD = """# Command line

<!-- Made by `python -m videdit.cli.docs`; edit videdit/config.py and videdit/cli instead. -->

"""
ENDS = """
## How it ends

| code | meaning |
|---|---|
| 0 | done |
| 1 | a bug in videdit; `VIDEDIT_DEBUG=1` shows where |
| 2 | usage: a flag, a value, a path that does not exist |
| 3 | several inputs, and any failed; memory ran out; or a face that `--max-identity-drop` could not keep, the output is still written |
| 4 | no face in any input; the output is still written, untouched |
| 5 | weights or a dependency missing |
| 6 | the one input can't be read |
| 7 | the output can't be written, or exists |
| 130 | interrupted |

Results go to stdout; progress, notes and errors to stderr. An error is one line and a hint.

## Environment

| variable | meaning |
|---|---|
| VIDEDIT_PACKS | folders in which model packs are looked for first |
| VIDEDIT_WEIGHTS | the folder of files that `videdit models get` fetched; by default `weights` beside the user's packs |
| VIDEDIT_REGISTRY | more registry files for `videdit models get` |
| VIDEDIT_CACHE | where tracks and latents are kept |
| VIDEDIT_DEBUG | 1 shows tracebacks |
"""


COMMANDS = (gif, inspect, attributes, cache, models, models_get, models_import, sample, doctor, train, evaluate)


def page() -> str:
    """docs/cli.md."""
    parts = [HEAD, *_command(edit.build(None)), *_attributes(), *_presets()]
    builders = [
        preview.build(None),
        timeline.build(None),
        *(module.build() for module in COMMANDS),
    ]
    for parser in builders:
        parts += _command(parser)
    return "".join(parts) + ENDS


def _command(parser: Parser) -> Iterator[str]:
    """A command: its usage, its words, and a table of what it takes."""
    yield f"\n## {parser.prog}\n\n    {parser.usage}\n\n"
    first, _, rest = (parser.description or "").partition("\n\n")
    yield f"{first}\n"
    if rest and parser.prog != "videdit":
        yield "\n" + "\n".join(f"    {line.strip()}" if line.startswith("  ") else line for line in rest.splitlines()) + "\n"
    for group in parser._action_groups:
        actions = [a for a in group._group_actions if a.help != argparse.SUPPRESS and "--help" not in a.option_strings]
        if not actions:
            continue
        title = {"positional arguments": "", "options": ""}.get(group.title or "", f"### {(group.title or '').capitalize()}\n\n")
        yield f"\n{title}| | |\n|---|---|\n"
        for action in actions:
            yield f"| {_flags(action)} | {_help(action)} |\n"


def _flags(action: argparse.Action) -> str:
    """`-o OUT`, `--output OUT`"""
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
    value = (" ".join(value) if isinstance(value, tuple) else str(value)) if action.nargs != 0 else ""
    value = f"[{value}]" if action.nargs == "?" and action.option_strings else value
    names = [f"{name} {value}".strip() for name in action.option_strings] or [value]
    return ", ".join(f"`{name}`" for name in names).replace("|", "\\|")


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%").replace("|", "\\|")


def _attributes() -> Iterator[str]:
    """The default pack's."""
    low, high = STRENGTH_RANGE
    yield f"\n### Attributes of {DEFAULT_PACK}\n\nStrengths from {low:g} to +{high:g}; {STRENGTH_HELP}. "
    yield f"Over time a strength is a curve such as `{EXAMPLE}` ([timeline.md](timeline.md)). "
    yield "Every attribute of the pack's axes can be locked.\n\n"
    yield "| flag | meaning | also | the opposite |\n|---|---|---|---|\n"
    try:
        entries = list(read_manifest(find_pack(DEFAULT_PACK)).attributes.values())
    except MissingError:
        return
    for entry in entries:
        also = [*entry.aliases, *([entry.source] if entry.sign > 0 else [])]
        opposite = f"`--{entry.source}`" if entry.sign < 0 else ""
        yield f"| `--{entry.name} S` | {entry.help} | {', '.join(f'`--{name}`' for name in also)} | {opposite} |\n"


def _presets() -> Iterator[str]:
    yield "\n### Presets\n\n`--config NAME` takes one of these, `--config FILE.toml` your own: "
    yield "the long options as keys, strengths (numbers, or curves as strings) in `[attributes]`.\n\n"
    yield "| name | what it does |\n|---|---|\n"
    for name, path in shipped().items():
        yield f"| `{name}` | {describe(path)} |\n"


def main() -> int:
    """Write the page, or with --check say whether it is current."""
    text = page()
    if "--check" in sys.argv:
        return 0 if PAGE.is_file() and PAGE.read_text("utf-8") == text else 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
