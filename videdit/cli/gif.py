"""videdit gif IN -o OUT.GIF: a GIF of a clip, or of two beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from videdit.cli.edit import add_talk
from videdit.cli.parser import Parser
from videdit.cli.preview import parse_time
from videdit.cli.say import say, shown
from videdit.errors import OutputError, UsageError

DESCRIPTION = """Make a GIF of a clip, with the palette that suits it.

  videdit gif out.mp4 -o out.gif
  videdit gif out.mp4 --before in.mp4 --from 1s --to 3s -o both.gif"""
WIDTH, FPS = 640, 15.0
WIDEST, FASTEST = 4096, 50.0  # a GIF counts hundredths of a second, and players take no less than two


def build() -> Parser:
    """The parser."""
    parser = Parser("videdit gif", "videdit gif IN -o OUT.GIF [--from TIME] [--to TIME] [OPTIONS]", DESCRIPTION)
    parser.add_argument("input", metavar="IN", help="a clip")
    parser.add_argument("-o", "--output", metavar="OUT.GIF", required=True, help="the GIF to write")
    parser.add_argument("--from", dest="start", metavar="TIME", help="where it begins: 1.5s, 1:02.5, or 96f (default: the clip's start)")
    parser.add_argument("--to", dest="stop", metavar="TIME", help="where it ends (default: the clip's end)")
    parser.add_argument("--before", metavar="OTHER", help="the clip that IN was made from, shown at its left; both are labelled")
    parser.add_argument("--width", type=float, default=WIDTH, metavar="PX", help=f"width of the GIF, at most (default {WIDTH})")
    parser.add_argument("--fps", type=float, default=FPS, metavar="N", help=f"frames a second, at most (default {FPS:g})")
    group = parser.add_argument_group("this run")
    group.add_argument("--overwrite", action="store_true", help="replace a GIF that exists")
    add_talk(group)
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command."""
    parser = build()
    if any(word in ("-h", "--help") for word in argv):
        parser.print_help()
        return 0
    space = parser.parse(argv)
    for name in (space.input, *([space.before] if space.before else [])):
        if not Path(name).is_file():
            raise UsageError(f"there is no file {name}")
    if not 16 <= space.width <= WIDEST:
        raise UsageError(f"--width can't be {space.width:g}", hint=f"From 16 to {WIDEST} px.")
    if not 0 < space.fps <= FASTEST:
        raise UsageError(f"--fps can't be {space.fps:g}", hint=f"More than 0, up to {FASTEST:g}.")
    target = _target(Path(space.output), overwrite=space.overwrite)
    start, stop = (_seconds(text, flag, Path(space.input)) for text, flag in ((space.start, "--from"), (space.stop, "--to")))
    if stop is not None and stop <= (start or 0.0):
        raise UsageError("--to comes before --from")
    from videdit.video.graphs import Span, make_gif
    from videdit.video.probe import probe

    source = Path(space.input)
    duration = probe(source).duration
    if start and duration and start >= duration:
        raise UsageError(f"the clip ends before {start:g} s", hint=f"It is {duration:.2f} s long.")
    before = Path(space.before) if space.before else None
    make_gif(source, target, before=before, span=Span(start, stop), width=int(space.width), fps=space.fps)
    if not space.quiet:
        say(f"{shown(target)}: {target.stat().st_size / 1e6:.1f} MB")
    return 0


def _target(path: Path, *, overwrite: bool) -> Path:
    """Whether the GIF can be written here, before the work. Raises UsageError, OutputError."""
    if path.suffix.lower() != ".gif":
        raise UsageError(f"{path} is not named like a GIF", hint=f"Write -o {path.stem}.gif.")
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist", hint=f"mkdir -p '{path.parent}' makes it.")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already", hint="--overwrite replaces it.")
    return path


def _seconds(text: str | None, flag: str, source: Path) -> float | None:
    """A time as `preview` takes it, in seconds. Raises UsageError."""
    seconds, frame = parse_time(text, flag)
    if frame is None:
        return seconds
    from videdit.video.reader import frame_times

    times = frame_times(source)
    if frame >= len(times):
        raise UsageError(f"the clip has no frame {frame}", hint=f"It has {len(times)}, counted from 0.")
    return times[frame] - times[0]
