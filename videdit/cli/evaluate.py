"""videdit evaluate: the methods compared, by judges that took no part in training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from videdit.cli.parser import Parser, add_options, settings_of
from videdit.cli.say import note, say
from videdit.errors import UsageError

SECTION = "evaluate"
DESCRIPTION = """Compare editing methods on people no network has seen: how often an edit is seen, what else it changes, and who is still
recognised, at equal change rate; what is left of a face after several edits; what --lock holds. DATA is the folder that
`python -m videdit.train.data` prepares. OUT gets evaluation.json, curves.png and leakage-METHOD.png; a later run with other methods and the
same settings adds to it. A first look in a minute: --faces 40 --attributes smile --methods axes --drift 0 --identities 8."""


def build() -> Parser:
    """The parser."""
    usage = "videdit evaluate --data DATA -o OUT [--pack P] [OPTIONS]"
    parser = Parser("videdit evaluate", usage, DESCRIPTION)
    parser.add_argument("--data", required=True, type=Path, metavar="DATA", help="prepared faces")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help="the folder for results")
    parser.add_argument("--methods", metavar="NAMES", help="such as axes,transformer,mapper,interfacegan,ganspace (default: all there are)")
    parser.add_argument("--attributes", metavar="NAMES", help="such as smile,age, or all (default: eight)")
    parser.add_argument("--strengths", metavar="LIST", help="the ladder (default 0.5,1,1.5,2,3)")
    parser.add_argument("--rates", metavar="LIST", help="change rates to compare at (default 0.8,0.9,0.97)")
    parser.add_argument("--faces", type=int, metavar="N", help="how many people (default 500)")
    parser.add_argument("--curve-faces", type=int, metavar="N", help="of them for the ladder and rates beside 0.9 (default 120)")
    parser.add_argument("--identities", type=int, metavar="N", help="of them for identity, an attribute; 0 needs no dlib (default 64)")
    parser.add_argument(
        "--embedder", choices=("dlib", "facenet"), help="whose identity: dlib, or what `videdit models get facenet` fetched"
    )
    parser.add_argument("--drift", type=int, metavar="N", help="of them for drift and leakage; 0 leaves those out (default 64)")
    parser.add_argument("--baseline-faces", type=int, metavar="N", help="training faces for the baselines (default 6000)")
    parser.add_argument("--judge", type=Path, metavar="DIR", help="folder of the judging classifier (default benchmarks/judge)")
    parser.add_argument("--docs", type=Path, metavar="PAGE.MD", help="put the tables into this page, such as docs/quality.md")
    parser.add_argument("--strips", type=Path, metavar="DIR", help="write the same faces under every method; mind whose faces they are")
    parser.add_argument("--no-curves", action="store_true", help="draw no pictures; needs no matplotlib")
    parser.add_argument("--seed", type=int, metavar="N", help="who is drawn (default 0)")
    add_options(parser, only=["pack", "device"])
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command."""
    space = build().parse(argv)
    if not space.data.is_dir():
        raise UsageError(f"there is no folder {space.data}", hint="`python -m videdit.train.data FACES_DIR WORK_DIR` prepares it.")
    given: dict[str, object] = {
        "methods": names(space.methods),
        "attributes": names(space.attributes),
        "strengths": numbers(space.strengths, "--strengths", 0.0, 10.0),
        "rates": numbers(space.rates, "--rates", 0.0, 1.0),
        "embedder": space.embedder,
    }
    for name, least in (("faces", 2), ("curve_faces", 2), ("identities", 0), ("drift", 0), ("baseline_faces", 50), ("seed", 0)):
        value = getattr(space, name)
        if value is not None and value < least:
            raise UsageError(f"--{name.replace('_', '-')} can't be {value}", hint=f"At least {least}.")
        given[name] = value
    from videdit.evaluate.run import Options, evaluate
    from videdit.evaluate.tables import page
    from videdit.quality.report import replace_section

    settings = settings_of(space)
    options = Options(**{key: value for key, value in given.items() if value is not None})  # type: ignore[arg-type]
    found = evaluate(
        settings.pack,
        space.data,
        space.output,
        options,
        judge=space.judge,
        device=settings.device,
        curves=not space.no_curves,
        strips=space.strips,
        say=note,
    )
    text = page(found)
    say(text)
    if space.docs:
        before = space.docs.read_text("utf-8") if space.docs.exists() else ""
        space.docs.parent.mkdir(parents=True, exist_ok=True)
        space.docs.write_text(replace_section(before, SECTION, text), "utf-8")
    return 0


def names(text: str | None) -> list[str] | None:
    """`a,b` as a list."""
    return [part.strip() for part in text.split(",") if part.strip()] if text else None


def numbers(text: str | None, flag: str, low: float, high: float) -> list[float] | None:
    """`0.5,1` as rising numbers above `low`, up to `high`. Raises UsageError."""
    if text is None:
        return None
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(low < value <= high for value in found) or found != sorted(set(found)):
        raise UsageError(f"{flag} can't be {text!r}", hint=f"Rising numbers above {low:g}, up to {high:g}, with commas between.")
    return found
