"""videdit preview: one moment before and after, a contact sheet, or a ladder of strengths, in seconds."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from videdit import curves
from videdit.checks import check_strengths
from videdit.cli.edit import add_talk, manifest_for, manifest_or_none
from videdit.cli.parser import Parser, add_attributes, add_options, add_people, asked_of, people_of, settings_of
from videdit.cli.pictures import check_target, write_picture
from videdit.cli.progress import reporter
from videdit.cli.say import say, shown
from videdit.config import Settings
from videdit.curves import Strength
from videdit.errors import UsageError
from videdit.packs.manifest import Manifest
from videdit.video.formats import numbered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DESCRIPTION = """Show an edit without making the clip; only the frames that smoothing needs are looked at, and nothing is tuned.

  videdit preview in.mp4 -t 3.2s --smile +1 -o p.png          that moment, before | after
  videdit preview in.mp4 --smile +1 --sheet -o p.png          moments over the whole clip, before above after
  videdit preview in.mp4 -t 96f --grid smile=-1..1:5 -o p.png a ladder of five strengths
  videdit preview in.mp4 --people -o p.png                    who is who: everybody once, with the number --person takes"""
HOW = (
    "smooth",
    "smoother",
    "stabilise",
    "method",
    "expression_from",
    "expression",
    "invert",
    "lock",
    "from_",
    "to",
    "face",
    "landmarks",
    "composite",
    "blend",
)
OPTIONS = (*HOW, "pack", "device", "precision", "overwrite")
LADDER = re.compile(r"(?P<name>[\w-]+)=(?P<low>[^.=:]*(?:\.\d+)?[^.=:]*)\.\.(?P<high>[^=:]+?)(?::(?P<steps>\d+))?")
MOST = 25


@dataclass(frozen=True, slots=True)
class Ladder:
    """An attribute and the strengths to show."""

    name: str
    values: tuple[float, ...]


def build(manifest: Manifest | None) -> Parser:
    """The parser, with the flags of a pack."""
    parser = Parser("videdit preview", "videdit preview IN [-t TIME] [--ATTRIBUTE S ...] -o P.PNG [OPTIONS]", DESCRIPTION)
    parser.add_argument("input", metavar="IN", help="a clip or a picture")
    parser.add_argument("-t", "--time", metavar="TIME", help="3.2s, 1:02.5, or 96f for the frame of that number (default: the middle)")
    parser.add_argument("-o", "--output", metavar="P.PNG", required=True, help="the picture to write")
    parser.add_argument("--sheet", nargs="?", type=int, const=6, metavar="N", help="a contact sheet of N moments over the clip (default 6)")
    parser.add_argument("--grid", metavar="NAME=LOW..HIGH:N", help="one moment at N strengths of an attribute")
    parser.add_argument("--people", dest="roster", action="store_true", help="everybody in the clip, in numbered boxes")
    add_attributes(parser, manifest)
    add_people(parser)
    add_options(parser, only=OPTIONS)
    add_talk(parser.add_argument_group("this run"))
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command."""
    if any(word in ("-h", "--help") for word in argv):
        build(manifest_or_none(argv)).print_help()
        return 0
    manifest = manifest_for(argv)
    space = build(manifest).parse(argv)
    space.strengths = asked_of(space, manifest)
    if space.sheet is not None and space.grid:
        raise UsageError("--sheet and --grid exclude each other")
    people = people_of(space)
    if space.roster and (space.sheet is not None or space.grid or space.time or space.strengths or people):
        raise UsageError("--people shows the clip as it is", hint="Leave out --time, --sheet, --grid and what to change.")
    if not (space.grid or space.roster or people) and not any(space.strengths.values()) and space.expression_from is None:
        raise UsageError("no attribute was given", hint="Say what to change, such as --smile +1; `videdit attributes` lists them.")
    if not Path(space.input).is_file() and not numbered(Path(space.input)):
        raise UsageError(f"there is no file {space.input}")
    if space.sheet is not None and not 1 <= space.sheet <= MOST:
        raise UsageError(f"--sheet can't be {space.sheet}", hint=f"From 1 to {MOST} moments.")
    target = check_target(Path(space.output), overwrite=bool(space.overwrite))
    write_picture(target, _make(space, settings_of(space), manifest, people))
    if not space.quiet:
        say(shown(target))
    return 0


def _make(space: argparse.Namespace, settings: Settings, manifest: Manifest, people: dict[int, dict[str, Strength]]) -> NDArray[np.uint8]:
    """The picture asked for, uint8 [H,W,3] RGB."""
    at, frame = parse_time(space.time)
    steps = parse_ladder(space.grid, manifest) if space.grid else None
    from videdit import pipeline

    if space.roster:
        with reporter("none" if space.quiet else space.progress) as talk:
            talk.file(Path(space.input).name)
            return pipeline.people_picture(space.input, settings, progress=talk)
    if space.sheet is not None:
        return pipeline.sheet(space.input, space.strengths, settings, count=space.sheet, people=people)
    if at is None and frame is None:
        from videdit.video.probe import probe

        at = float(probe(space.input).duration or 0.0) / 2
    if steps:
        others = {name: value for name, value in space.strengths.items() if name != steps.name}
        return pipeline.ladder(space.input, steps.name, steps.values, settings, at=at, frame=frame, strengths=others, people=people)
    import numpy as np

    return np.concatenate(pipeline.preview(space.input, space.strengths, settings, at=at, frame=frame, people=people), axis=1)


def parse_time(text: str | None, flag: str = "--time") -> tuple[float | None, int | None]:
    """3.2s, 3.2, 1:02.5 or 0:01:02 to seconds, 96f to a frame number. Raises UsageError."""
    if text is None:
        return None, None
    try:
        time = curves.parse_time(text)
    except UsageError:
        raise UsageError(f"{flag} can't be {text!r}", hint="Seconds as 3.2s or 1:02.5, or a frame number as 96f.") from None
    return (None, int(time)) if isinstance(time, curves.FrameNumber) else (time, None)


def parse_ladder(text: str, manifest: Manifest) -> Ladder:
    """smile=-1..1:5 to an attribute and five strengths. Raises UsageError."""
    match = LADDER.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        low, high, count = float(match["low"]), float(match["high"]), int(match["steps"] or 5)
    except ValueError:
        raise UsageError(f"--grid can't be {text!r}", hint="Write NAME=LOW..HIGH:N, such as smile=-1..1:5.") from None
    if not 2 <= count <= MOST:
        raise UsageError(f"--grid can't have {count} steps", hint=f"From 2 to {MOST}.")
    attribute, factor = manifest.resolve(match["name"])
    check_strengths({attribute.name: low})
    check_strengths({attribute.name: high})
    return Ladder(attribute.name, tuple(factor * (low + (high - low) * i / (count - 1)) for i in range(count)))
