"""videdit IN... -o OUT: the main command."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from videdit.cli.announce import Announcer, Lines, Words
from videdit.cli.compare import add_compare, compare_targets, where_input
from videdit.cli.credentials import add_credentials, signing
from videdit.cli.crowd import crowd
from videdit.cli.encoders import show_encoders
from videdit.cli.folders import Choice, unreadable
from videdit.cli.interrupts import INTERRUPTED
from videdit.cli.jobs import HELP as JOBS
from videdit.cli.jobs import read_jobs
from videdit.cli.naming import DEFAULT
from videdit.cli.outcomes import Asked, Outcome, close, exit_code, show
from videdit.cli.parser import Parser, add_attributes, add_options, add_people, asked_of, option_asked, people_of, settings_of
from videdit.cli.plan import Job, Naming, Plan, Wish, drop_existing, make_folders, make_plan
from videdit.cli.presets import describe, read_preset, shipped
from videdit.cli.report import HELP, ClipPages, check_report, wants_page, write_report
from videdit.cli.say import note, say
from videdit.cli.speeds import Speeds
from videdit.cli.unfinished import Unfinished, facts_of
from videdit.cli.work import Extras, Show, add_hands, hands_of, work
from videdit.config import DEFAULT_PACK, Settings, option
from videdit.curves import FrameNumber, Strength, extremes, plain
from videdit.errors import MissingError, UsageError, VideditError
from videdit.packs.manifest import Manifest, find_pack, read_manifest

DESCRIPTION = """Edit faces in clips and pictures; everything else in the file stays as it is.

  videdit in.mp4 --smile +0.5 -o out.mp4               one clip
  videdit clips/ --age -0.4 --eyeglasses -1 -o out/    a folder and all below it
  videdit in.mp4 --smile '0s:0 2s:+0.5 4s:0' -o out.mp4  a strength over time
  videdit in.mp4 --person 1 --smile +1 --person 2 --age -1 -o out.mp4
  videdit in.mp4 --expression-from smile.jpg -o out.mp4
  videdit preview in.mp4 -t 3.2s --smile +1 -o p.png   one moment, before | after

Commands (`videdit COMMAND --help`): preview, gif, plan, inspect, attributes, models, cache, sample, doctor, train.
A file or folder called like a command is written ./models."""
EPILOG = """Ends with 0 done, 1 our bug, 2 usage, 3 several inputs and any failed, or identity lost, 4 no face in any input (the
output is still written, untouched), 5 weights or a dependency missing, 6 the one input unreadable, 7 output not writable,
130 interrupted."""


def build(manifest: Manifest | None) -> Parser:
    """The parser, with the flags of a pack."""
    parser = Parser("videdit", "videdit IN... -o OUT [--ATTRIBUTE S ...] [OPTIONS]", DESCRIPTION, EPILOG)
    parser.add_argument("inputs", nargs="*", metavar="IN", help="a clip, a picture, several, or a folder")
    parser.add_argument("-o", "--output", metavar="OUT", help="a file for one input, else a folder in which every file keeps its name")
    add_folders(parser)
    parser.add_argument("--version", action="store_true", help="print the version and end")
    add_attributes(parser, manifest)
    add_people(parser)
    add_options(parser)
    group = parser.add_argument_group("this run")
    group.add_argument("--skip-existing", action="store_true", help="leave outputs that exist and go on (default: refuse to start)")
    group.add_argument("--config", metavar="PRESET", help="settings and strengths from a TOML file or a shipped preset; `list` shows those")
    group.add_argument("--dry-run", action="store_true", help="say what would be done, how long it will take and how much disk; do nothing")
    add_hands(group)
    add_compare(group)
    group.add_argument("--report", metavar="R.JSON|R.HTML", help=HELP)
    add_credentials(group)
    add_talk(group, lines=True)
    return parser


def add_folders(parser: Parser) -> None:
    """Which files of folders, with which edits, and what their outputs are called."""
    group = parser.add_argument_group("many files")
    text = "of folders, only what matches: *.mov, raw/*, ... held against name and path below the folder; may be repeated"
    group.add_argument("--include", action="append", metavar="PATTERN", help=text)
    group.add_argument("--exclude", action="append", metavar="PATTERN", help="of folders, not what matches; may be repeated")
    text = "what outputs are called in the folder, such as '{dir}/{stem}.{edits}{ext}' (default '" + DEFAULT + "')"
    group.add_argument("--name", metavar="TEMPLATE", help=text)
    group.add_argument("--jobs", metavar="FILE", help=JOBS)


def add_talk(group: Any, *, lines: bool = False) -> None:
    """How much is said; lines: of JSON, for programs."""
    text = "a bar, lines, nothing, or lines of JSON on stdout in the place of words" if lines else "a bar, lines, or nothing"
    choices = ("auto", "plain", "none", *(("json",) if lines else ()))
    group.add_argument("--progress", choices=choices, default="auto", help=f"{text} (default auto)")
    group.add_argument("-v", "--verbose", action="store_true", help="say more")
    group.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def manifest_for(argv: Sequence[str], preset: dict[str, Any] | None = None) -> Manifest:
    """The manifest of the pack asked for. Raises MissingError, PackError."""
    return read_manifest(find_pack(option_asked(argv, "--pack") or str((preset or {}).get("pack", DEFAULT_PACK))))


def run(argv: Sequence[str]) -> int:
    """Run the command. Returns the exit code; raises VideditError."""
    if any(word in ("-h", "--help") for word in argv):
        build(manifest_or_none(argv)).print_help()
        return 0
    if "--version" in argv:
        from videdit import __version__

        say(f"videdit {__version__}")
        return 0
    if option_asked(argv, "--config") == "list":
        for name, path in shipped().items():
            say(f"{name:<16} {describe(path)}")
        return 0
    if option_asked(argv, "--video-encoder") == "list":
        return show_encoders()
    preset, preset_strengths = _preset(argv)
    manifest = manifest_for(argv, preset)
    space = build(manifest).parse(argv)
    return _edit(space, asked_of(space, manifest, preset_strengths), settings_of(space, preset), manifest)


def _preset(argv: Sequence[str]) -> tuple[dict[str, Any], dict[str, Strength]]:
    name = option_asked(argv, "--config")
    return read_preset(name) if name else ({}, {})


def manifest_or_none(argv: Sequence[str]) -> Manifest | None:
    """--help works without a pack."""
    try:
        return manifest_for(argv)
    except MissingError as error:
        note(f"{error}; its attributes are not listed")
        return None


def _edit(space: argparse.Namespace, strengths: dict[str, Strength], settings: Settings, manifest: Manifest) -> int:
    """Plan, then do."""
    plan, asked = _plan(space, strengths, settings, manifest)
    folder = plan.folder if len(plan.jobs) > 1 else None
    unfinished = Unfinished(folder, facts_of(asked.people, settings, manifest.id), extras=bool(space.compare or space.c2pa))
    done = {id(job): job for job in unfinished.done(plan.jobs)}
    open_jobs = [job for job in plan.jobs if id(job) not in done]
    todo, skipped = drop_existing(open_jobs, overwrite=settings.overwrite, skip=space.skip_existing)
    skipped += done.values()
    if not any(any(job.strengths.values()) for job in plan.jobs) and not asked.people and settings.expression_from is None:
        note("no attribute was given, so nothing will change; `videdit attributes` lists them")
    if space.dry_run:
        speed = Speeds.of(settings, manifest, space.workers).known()
        return show(todo, skipped, asked, plan.folder or plan.jobs[0].target.parent, speed, space.workers)
    _sweep(skipped)
    make_folders([job.target for job in plan.jobs], plan.folder)
    compares = compare_targets(todo, space.compare, root=plan.folder, overwrite=settings.overwrite)
    if done and not space.quiet:
        note(f"going on: {len(done)} of {len(plan.jobs)} are done")
    c2pa = signing(todo, space.c2pa)
    if space.report:
        check_report(Path(space.report))
    alone = len(plan.jobs) == 1 and not plan.unread
    run = _run_values(strengths, asked, manifest)
    pages = ClipPages(Path(space.report), plan.folder, run) if wants_page(space.report) and not alone else None
    extras = Extras(compares, c2pa, pages, measured=wants_page(space.report))
    outcomes = [Outcome(job) for job in skipped]
    for outcome in outcomes if pages else ():
        pages.known(outcome)  # type: ignore[union-attr]
    outcomes += [Outcome(Job(Path(why.filename), plan.folder or Path()), error=unreadable(why)) for why in plan.unread]
    speeds = Speeds.of(settings, manifest, space.workers)
    code = _do(todo, asked, extras, outcomes, space, alone=alone, speed=speeds, run=run, unfinished=unfinished)
    unfinished.close()
    if alone and outcomes[0].error:
        raise outcomes[0].error
    return close(outcomes, code)


def _sweep(jobs: Sequence[Job]) -> None:
    """Remove what was left beside outputs that are done."""
    if jobs:
        from videdit.store.work import sweep

        for job in jobs:
            sweep(job.target)


def _plan(space: argparse.Namespace, strengths: dict[str, Strength], settings: Settings, manifest: Manifest) -> tuple[Plan, Asked]:
    """What is to be done, checked. Raises UsageError."""
    if not space.inputs and not space.jobs:
        raise UsageError("no input", hint=where_input(space.compare))
    if not space.output:
        raise UsageError("no output", hint="Say where with -o.")
    if settings.overwrite and space.skip_existing:
        raise UsageError("--overwrite and --skip-existing exclude each other")
    hands_of(space)
    asked = Asked(people_of(space), settings)
    wishes = [Wish(path, strengths) for path in space.inputs]
    wishes += read_jobs(Path(space.jobs), strengths, manifest) if space.jobs else []
    for wanted in (*(wish.strengths for wish in {id(wish.strengths): wish for wish in wishes}.values()), *asked.people.values()):
        _check_possible(wanted, settings, manifest)
    naming = Naming(space.name or "", asked.people, settings.expression_from)
    choice = Choice(tuple(space.include or ()), tuple(space.exclude or ()))
    plan = make_plan(wishes, space.output, choice=choice, naming=naming)
    driver = settings.expression_from
    if driver is not None and not driver.is_file():
        raise UsageError(f"there is no file {driver}", hint="--expression-from takes a picture or a clip.")
    check_face(settings.face)
    return plan, asked


def _do(
    todo: Sequence[Job],
    asked: Asked,
    extras: Extras,
    outcomes: list[Outcome],
    space: argparse.Namespace,
    *,
    alone: bool,
    speed: Speeds,
    run: dict[str, Any],
    unfinished: Unfinished,
) -> int:
    """Work, and write the report, of an interrupted run too. Returns the exit code."""
    lines = space.progress == "json" and not space.quiet
    announcer: Announcer = Lines() if lines else Words(quiet=space.quiet, alone=alone)
    announcer.planned(todo, [outcome.job for outcome in outcomes if outcome.error is None])
    hands, code = hands_of(space), INTERRUPTED
    try:
        with crowd("none" if space.quiet or lines else space.progress, len(todo), together=hands.together and len(todo) > 1) as talk:
            work(todo, asked, extras, hands, Show(todo, talk, announcer, unfinished), outcomes)
        code = exit_code(outcomes)
    except VideditError as error:
        code = error.exit_code
        raise
    finally:
        speed.keep(outcomes)
        if space.report and (outcomes or code == 0):
            write_report(Path(space.report), {**run, "exit_code": code}, outcomes, extras.pages)
    announcer.ended(outcomes, code)
    return code


def _check_possible(strengths: Mapping[str, Strength], settings: Settings, manifest: Manifest) -> None:
    """Whether the pack can do it, and nothing is locked that is edited. Raises UsageError."""
    for name in settings.lock:
        source = manifest.source_of(name)
        both = [wanted for wanted, value in strengths.items() if value and manifest.resolve(wanted)[0].source == source]
        if both:
            raise UsageError(f"{both[0]} is both edited and locked", hint="Drop one of the two.")
    for name, value in strengths.items():
        attribute, factor = manifest.resolve(name)
        for end in extremes(attribute.sign * factor * value):
            manifest.methods_for(attribute.source, settings.method, end)


def check_face(face: str) -> None:
    """A picture that --face names must be there. Raises UsageError."""
    if face not in option("face").choices and not face.isdecimal() and not Path(face).is_file():
        raise UsageError(f"there is no file {face}", hint=f"--face takes {option('face').allowed}.")


def _run_values(strengths: dict[str, Strength], asked: Asked, manifest: Manifest) -> dict[str, Any]:
    """What all files of a report have in common."""
    from videdit import __version__

    values = asdict(asked.settings).items()
    return {
        "videdit": __version__,
        "pack": {"id": manifest.id, "license": manifest.license, "note": manifest.licence_note},
        "edits": plain(strengths),
        "people": {number: plain(own) for number, own in asked.people.items()},
        "settings": {key.rstrip("_"): str(value) if isinstance(value, (Path, FrameNumber)) else value for key, value in values},
    }
