"""videdit plan: how strong each edit is over the time of a clip, as a plot or in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from videdit.cli.edit import add_talk, manifest_for, manifest_or_none
from videdit.cli.parser import Parser, add_attributes, add_options, add_people, asked_of, option_asked, people_of, settings_of
from videdit.cli.pictures import check_target, write_picture
from videdit.cli.presets import read_preset
from videdit.cli.say import say, shown
from videdit.config import Settings
from videdit.curves import RAMP, Curve, Strength, Window, bound
from videdit.errors import UsageError
from videdit.packs.manifest import Manifest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DESCRIPTION = """Show how strong each edit is over the time of a clip, in words, or as a plot with -o; no face is looked for.

  videdit plan in.mp4 --smile '0s:0 2s:+0.5 4s:0'
  videdit plan in.mp4 --curves edit.csv --from 1s --to 3.5s -o plan.png"""
ROWS = 24  # moments that words name at most
BARS = " ▁▂▃▄▅▆▇█"
WIDE = 60  # characters of a row of bars


@dataclass(frozen=True, slots=True)
class Timeline:
    """An edit over the time of a clip, from `start` to `stop` s: strengths by attribute and the window they act in, all in seconds."""

    name: str
    start: float
    stop: float
    strengths: dict[str, Strength]
    window: Window

    def at(self, attribute: str, times: NDArray[np.floating]) -> NDArray[np.float64]:
        """Strengths float64 [T] of an attribute at times [T] s, the window's ramps in them."""
        import numpy as np

        asked = self.strengths[attribute]
        values = asked.at(times) if isinstance(asked, Curve) else np.full(np.shape(times), float(asked))
        return values * self.window.at(times) if self.window else values

    def keys(self, attribute: str) -> list[float]:
        """Times of an attribute's keyframes within the clip, in s."""
        asked = self.strengths[attribute]
        return [time for time in asked.times if self.start <= time <= self.stop] if isinstance(asked, Curve) else []


def build(manifest: Manifest | None) -> Parser:
    """The parser, with the flags of a pack."""
    parser = Parser("videdit plan", "videdit plan IN [--ATTRIBUTE S ...] [-o PLAN.PNG] [OPTIONS]", DESCRIPTION)
    parser.add_argument("input", metavar="IN", help="a clip")
    parser.add_argument("-o", "--output", metavar="PLAN.PNG", help="draw a plot (default: words to stdout)")
    add_attributes(parser, manifest)
    add_people(parser)
    add_options(parser, only=("from_", "to", "pack", "overwrite"))
    group = parser.add_argument_group("this run")
    group.add_argument("--config", metavar="PRESET", help="strengths, --from and --to from a TOML file or a shipped preset")
    add_talk(group)
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command. Returns the exit code; raises VideditError."""
    if any(word in ("-h", "--help") for word in argv):
        build(manifest_or_none(argv)).print_help()
        return 0
    name = option_asked(argv, "--config")
    preset, preset_strengths = read_preset(name) if name else ({}, {})
    manifest = manifest_for(argv, preset)
    space = build(manifest).parse(argv)
    strengths = asked_of(space, manifest, preset_strengths)
    for number, own in people_of(space).items():
        strengths |= {f"{attribute} of person {number}": strength for attribute, strength in own.items()}
    if not strengths:
        raise UsageError("no attribute was given", hint="Such as --smile '0s:0 2s:+0.5'; `videdit attributes` lists them.")
    target = check_target(Path(space.output), overwrite=bool(space.overwrite)) if space.output else None
    timeline = timeline_of(Path(space.input), strengths, settings_of(space, preset))
    if target is None:
        say("\n".join(words(timeline)))
        return 0
    from videdit.cli.plot import plot

    write_picture(target, plot(timeline))
    if not space.quiet:
        say(shown(target))
    return 0


def timeline_of(path: Path, strengths: dict[str, Strength], settings: Settings) -> Timeline:
    """The edit over the time of a file. Raises UsageError, UnreadableError."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    from videdit.video.probe import probe
    from videdit.video.reader import frame_times

    info = probe(path)
    asked, window = bound(strengths, settings.window, partial(frame_times, path))
    return Timeline(path.name, info.start, info.start + (info.duration or 0.0), asked, window)


def words(timeline: Timeline) -> list[str]:
    """The timeline as lines of text: what was asked, bars, and a table of moments."""
    import numpy as np

    names = list(timeline.strengths)
    wide = max(map(len, names))
    lines = [f"{timeline.name}: {timeline.start:.2f} s to {timeline.stop:.2f} s"]
    if timeline.window:
        lines.append(f"  acts {timeline.window}, comes and goes within {RAMP:g} s")
    spread = np.linspace(timeline.start, timeline.stop, WIDE)
    for name in names:
        lines.append(f"  {name:<{wide}}  {timeline.strengths[name]:+g}")
        lines += [f"  {'':<{wide}}  {row}" for row in bars(timeline.at(name, spread))]
    times = moments(timeline)
    columns = [timeline.at(name, np.asarray(times)) for name in names]
    lines.append("  ".join([f"  {'time':>8}  ", *(f"{name:>{max(7, len(name))}}" for name in names)]))
    for row, time in enumerate(times):
        cells = [f"{column[row] + 0.0:>+{max(7, len(name))}.2f}" for name, column in zip(names, columns, strict=True)]
        lines.append("  ".join([f"  {time:>8.2f} s", *cells]))
    return lines


def bars(values: NDArray[np.floating]) -> list[str]:
    """Strengths as a row of bars, after a +, and how far they go below 0 in another, after a -; a row that would be empty is left out."""
    top = max(1.0, float(abs(values).max()))
    steps = [round(float(value) / top * (len(BARS) - 1)) for value in values]
    rows = {sign: "".join(BARS[max(0, step if sign == "+" else -step)] for step in steps) for sign in "+-"}
    return [f"{sign} |{row}|" for sign, row in rows.items() if row.strip()]


def moments(timeline: Timeline) -> list[float]:
    """Times in s worth naming: both ends of the clip, keyframes, and where the window's ramps begin and end; at most ROWS of them."""
    window, start, stop = timeline.window, timeline.start, timeline.stop
    wanted = {start, stop, *(time for name in timeline.strengths for time in timeline.keys(name))}
    if window.start is not None:
        wanted |= {window.start, window.start + RAMP}
    if window.stop is not None:
        wanted |= {window.stop - RAMP, window.stop}
    found = sorted(time for time in wanted if start <= time <= stop)
    return found if len(found) <= ROWS else [start + (stop - start) * i / (ROWS - 1) for i in range(ROWS)]
