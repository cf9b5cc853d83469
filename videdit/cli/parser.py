"""Parsers: flags out of config.OPTIONS, attribute flags out of a pack's manifest."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from videdit.checks import STRENGTH_HELP, STRENGTH_RANGE, check
from videdit.cli.curve_files import named, parse_strength, read_table
from videdit.config import OPTIONS, Option, Settings
from videdit.curves import EXAMPLE, Strength
from videdit.errors import UsageError
from videdit.packs.manifest import Manifest

NEGATIVE = re.compile(r"-(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|-inf|-nan", re.IGNORECASE)
GROUPS = {
    "edit": "what to change",
    "faces": "which faces",
    "composite": "how it goes into the picture",
    "model": "model",
    "output": "output",
}


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are UsageErrors and whose unknown flags come with the nearest known one."""

    def __init__(self, prog: str, usage: str, description: str, epilog: str = "") -> None:
        form = argparse.RawDescriptionHelpFormatter
        super().__init__(prog=prog, usage=usage, description=description, epilog=epilog, formatter_class=form, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"`{self.prog} --help` lists everything.")

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """Parse all of argv. Raises UsageError."""
        space, rest = self.parse_known_args(join_negatives(argv))
        unknown = [word for word in rest if word.startswith("-")]
        if unknown:
            raise self._unknown(unknown[0].split("=")[0])
        if rest:
            self.error(f"unexpected {rest[0]!r}")
        return space

    def _unknown(self, flag: str) -> UsageError:
        near = difflib.get_close_matches(flag, self._option_string_actions, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}? " if near else ""
        return UsageError(
            f"there is no option {flag}", hint=f"{hint}`{self.prog} --help` lists all, `videdit attributes` what a pack can change."
        )


def join_negatives(argv: Iterable[str]) -> list[str]:
    """`--smile -1e-1` as `--smile=-1e-1`, which argparse can't take for a flag."""
    out: list[str] = []
    for word in argv:
        if out and NEGATIVE.fullmatch(word) and out[-1].startswith("--") and "=" not in out[-1] and len(out[-1]) > 2:
            out[-1] += "=" + word
        else:
            out.append(word)
    return out


class CollectStrength(argparse.Action):
    """Collects `--smile +0.5`, or a curve, into `strengths`; `const` is the attribute's name and the factor of this way to write it."""

    def __call__(self, parser: argparse.ArgumentParser, space: argparse.Namespace, values: Any, option_string: str | None = None) -> None:
        name, factor = self.const
        collect(space, name, factor * parse_strength(str(option_string), values))


def collect(space: argparse.Namespace, name: str, value: Strength) -> None:
    """Note a strength: for the person the last --person named, else for whom --face means."""
    if space.person is None:
        space.strengths = {**(space.strengths or {}), name: value}
    else:
        space.people = {**space.people, space.person: {**space.people[space.person], name: value}}


class PersonAction(argparse.Action):
    """`--person 2`: the strengths that follow are for this person."""

    def __call__(self, parser: argparse.ArgumentParser, space: argparse.Namespace, values: Any, option_string: str | None = None) -> None:
        if not (str(values).isdecimal() and int(values) > 0):
            raise UsageError(f"{option_string} can't be {values!r}", hint="It takes a number that `videdit inspect` shows: 1, 2, ...")
        space.person = int(values)
        space.people = {**space.people, space.person: space.people.get(space.person, {})}


def add_people(parser: Parser) -> None:
    """--person N, after `add_attributes`; `people` of the result holds strengths by number."""
    text = "strengths after this are for person N of `videdit inspect` alone; those before any --person are for whom --face says"
    parser.add_argument_group("different people").add_argument("--person", action=PersonAction, metavar="N", help=text)


def people_of(space: argparse.Namespace) -> dict[int, dict[str, Strength]]:
    """Strengths by person. Raises UsageError for a --person that nothing follows."""
    for number, strengths in space.people.items():
        if not strengths:
            raise UsageError(f"nothing is asked for person {number}", hint=f"Strengths follow it: --person {number} --smile +0.5")
    people: dict[int, dict[str, Strength]] = space.people
    return people


def add_attributes(parser: Parser, manifest: Manifest | None) -> None:
    """A flag for every attribute of the pack; aliases and the source's own names work too, unlisted."""
    parser.set_defaults(strengths={}, people={}, person=None)
    text = "strengths over time from a table: a column time and one per attribute (CSV), or an object of curves (JSON)"
    parser.add_argument("--curves", metavar="FILE", help=text)
    if manifest is None:
        return
    low, high = STRENGTH_RANGE
    about = f"S from {low:g} to +{high:g}, or over time {EXAMPLE} or @FILE.CSV; {STRENGTH_HELP}"
    group = parser.add_argument_group(f"attributes of {manifest.name}", about)
    for attribute in manifest.attributes.values():
        _add_strength(group, parser, [f"--{attribute.name}"], (attribute.name, 1), _escaped(attribute.help))
    for name, (attribute, factor) in manifest.names().items():
        _add_strength(group, parser, [f"--{name}"], (attribute.name, factor), argparse.SUPPRESS)
    for attribute in manifest.attributes.values():
        _add_strength(group, parser, [f"--{attribute.source}"], (attribute.name, attribute.sign), argparse.SUPPRESS)


def asked_of(space: argparse.Namespace, manifest: Manifest, preset: dict[str, Strength] | None = None) -> dict[str, Strength]:
    """Strengths for whom --face says, by the pack's names: flags over --curves over a preset's. Raises UsageError."""
    table = read_table(Path(space.curves)) if space.curves else {}
    flags: dict[str, Strength] = space.strengths
    return {**named(preset or {}, manifest), **named(table, manifest), **flags}


def _add_strength(group: Any, parser: Parser, flags: list[str], const: tuple[str, int], text: str) -> None:
    """An option's flag wins over an attribute of the same name."""
    free = [flag for flag in flags if flag not in parser._option_string_actions]
    if free:
        group.add_argument(*free, action=CollectStrength, const=const, metavar="S", dest="strengths", help=text)


def add_options(parser: Parser, *, only: Iterable[str] | None = None) -> None:
    """The flags of config.OPTIONS, or of some; a flag that is not given is None."""
    wanted = set(only) if only is not None else {option.name for option in OPTIONS}
    for key, title in GROUPS.items():
        options = [option for option in OPTIONS if option.group == key and option.name in wanted]
        group = parser.add_argument_group(title) if options else None
        for option in options:
            if group is not None:
                _add_option(group, option)


def _add_option(group: Any, option: Option) -> None:
    if option.kind == "switch":
        flag = option.flag if not option.default else "--no-" + option.name.replace("_", "-")
        text = option.help if not option.default else "do not " + option.help.split(",")[0]
        group.add_argument(flag, dest=option.name, action="store_const", const=not option.default, default=None, help=_escaped(text))
        return
    text = _escaped(option.help) + (f" (default {option.default})" if option.default not in (None, (), "") else "")
    metavar = option.allowed if option.choices else option.metavar
    group.add_argument(option.flag, dest=option.name, type=_Checked(option), metavar=metavar, default=None, help=text)


class _Checked:
    """An argparse type that is one option's check."""

    def __init__(self, option: Option) -> None:
        self.option = option

    def __call__(self, text: str) -> Any:
        return check(self.option, text)


def _escaped(text: str) -> str:
    """argparse formats help texts with %."""
    return text.replace("%", "%%")


def settings_of(space: argparse.Namespace, preset: dict[str, Any] | None = None) -> Settings:
    """Flags over preset over defaults. Raises UsageError."""
    given = {option.name: getattr(space, option.name, None) for option in OPTIONS}
    return Settings(**{**(preset or {}), **{name: value for name, value in given.items() if value is not None}})


def option_asked(argv: Sequence[str], flag: str) -> str | None:
    """The value of a flag, looked for before the parser can be made; the last one counts."""
    found = None
    for index, word in enumerate(argv):
        if word == flag and index + 1 < len(argv):
            found = argv[index + 1]
        elif word.startswith(flag + "="):
            found = word.removeprefix(flag + "=")
    return found
