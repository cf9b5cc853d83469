"""videdit IN... -o OUT: the main command."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from videdit.cli.compare import add_compare, compare_targets, where_input, write_compare
from videdit.cli.credentials import add_credentials, make_signer, sign_output
from videdit.cli.encoders import show_encoders
from videdit.cli.outcomes import Outcome, close, exit_code, show, summary
from videdit.cli.parser import Parser, add_attributes, add_options, add_people, asked_of, option_asked, people_of, settings_of
from videdit.cli.plan import Job, drop_existing, make_folders, make_jobs
from videdit.cli.presets import describe, read_preset, shipped
from videdit.cli.progress import Reporter, reporter
from videdit.cli.report import HELP, check_report, observer, wants_page, write_report
from videdit.cli.say import note, say, tell
from videdit.cli.unfinished import Unfinished, facts_of
from videdit.config import DEFAULT_PACK, Settings, option
from videdit.curves import FrameNumber, Strength, extremes, plain
from videdit.errors import MissingError, NobodyError, UsageError, VideditError
from videdit.packs.manifest import Manifest, find_pack, read_manifest

DESCRIPTION = """Edit faces in clips and pictures; everything else in the file stays as it is.

  videdit in.mp4 --smile +0.5 -o out.mp4               one clip
  videdit clips/ --age -0.4 --eyeglasses -1 -o out/    a folder
  videdit in.mp4 --smile '0s:0 2s:+0.5 4s:0' -o out.mp4  a strength over time
  videdit in.mp4 --person 1 --smile +1 --person 2 --age -1 -o out.mp4
  videdit in.mp4 --expression-from smile.jpg -o out.mp4
  videdit preview in.mp4 -t 3.2s --smile +1 -o p.png   one moment, before | after

Commands (`videdit COMMAND --help`): preview, gif, plan, inspect, attributes, models, sample, doctor, train.
A file or folder called like a command is written ./models."""
EPILOG = """Ends with 0 done, 1 our bug, 2 usage, 3 several inputs and any failed, or identity lost, 4 no face in any input (the
output is still written, untouched), 5 weights or a dependency missing, 6 the one input unreadable, 7 output not writable,
130 interrupted."""


def build(manifest: Manifest | None) -> Parser:
    """The parser, with the flags of a pack."""
    parser = Parser("videdit", "videdit IN... -o OUT [--ATTRIBUTE S ...] [OPTIONS]", DESCRIPTION, EPILOG)
    parser.add_argument("inputs", nargs="*", metavar="IN", help="a clip, a picture, several, or a folder")
    parser.add_argument("-o", "--output", metavar="OUT", help="a file for one input, else a folder in which every file keeps its name")
    parser.add_argument("--version", action="store_true", help="print the version and end")
    add_attributes(parser, manifest)
    add_people(parser)
    add_options(parser)
    group = parser.add_argument_group("this run")
    group.add_argument("--skip-existing", action="store_true", help="leave outputs that exist and go on (default: refuse to start)")
    group.add_argument("--config", metavar="PRESET", help="settings and strengths from a TOML file or a shipped preset; `list` shows those")
    group.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    add_compare(group)
    group.add_argument("--report", metavar="R.JSON|R.HTML", help=HELP)
    add_credentials(group)
    add_talk(group)
    return parser


def add_talk(group: Any) -> None:
    """How much is said."""
    group.add_argument("--progress", choices=("auto", "plain", "none"), default="auto", help="a bar, lines, or nothing (default auto)")
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
    if not space.inputs:
        raise UsageError("no input", hint=where_input(space.compare))
    if not space.output:
        raise UsageError("no output", hint="Say where with -o.")
    if settings.overwrite and space.skip_existing:
        raise UsageError("--overwrite and --skip-existing exclude each other")
    people = people_of(space)
    for asked in (strengths, *people.values()):
        _check_possible(asked, settings, manifest)
    jobs = make_jobs(space.inputs, space.output)
    folder = Path(space.output) if len(jobs) > 1 else None
    run = Unfinished(folder, facts_of(strengths, people, settings, manifest.id), extras=bool(space.compare or space.c2pa))
    done = run.done(jobs)
    todo, skipped = drop_existing([job for job in jobs if job not in done], overwrite=settings.overwrite, skip=space.skip_existing)
    skipped += done
    driver = settings.expression_from
    if driver is not None and not driver.is_file():
        raise UsageError(f"there is no file {driver}", hint="--expression-from takes a picture or a clip.")
    check_face(settings.face)
    if not any(strengths.values()) and not people and driver is None:
        note("no attribute was given, so nothing will change; `videdit attributes` lists them")
    if space.dry_run:
        return show(todo, skipped, strengths, people, settings)
    _sweep(skipped)
    make_folders(jobs, several=len(jobs) > 1 or jobs[0].target.parent == Path(space.output))
    compares = compare_targets(todo, space.compare, several=len(jobs) > 1, overwrite=settings.overwrite)
    if done and not space.quiet:
        note(f"going on: {len(done)} of {len(jobs)} are done")
    signer = make_signer(todo, space.c2pa)
    if space.report:
        check_report(Path(space.report))
    mode = "none" if space.quiet else space.progress
    with reporter(mode) as talk:
        outcomes = [Outcome(job) for job in skipped] + _work(
            todo,
            strengths,
            people,
            settings,
            talk,
            compares,
            signer,
            measured=wants_page(space.report),
            quiet=space.quiet,
            alone=len(jobs) == 1,
            run=run,
        )
    run.close()
    code = exit_code(outcomes)
    if space.report:
        _write_report(Path(space.report), outcomes, strengths, people, settings, manifest, code)
    if len(jobs) == 1 and outcomes[0].error:
        raise outcomes[0].error
    return close(outcomes, code)


def _sweep(jobs: Sequence[Job]) -> None:
    """Remove what was left beside outputs that are done."""
    if jobs:
        from videdit.store.work import sweep

        for job in jobs:
            sweep(job.target)


def _check_possible(strengths: dict[str, Strength], settings: Settings, manifest: Manifest) -> None:
    """Whether the pack can do it, and nothing is locked that is edited. Raises UsageError."""
    for name in settings.lock:
        source = manifest.source_of(name)
        both = [wanted for wanted, value in strengths.items() if value and manifest.resolve(wanted)[0].source == source]
        if both:
            raise UsageError(f"{both[0]} is both edited and locked", hint="Drop one of the two.")
    for name, value in strengths.items():
        attribute, factor = manifest.resolve(name)
        for end in extremes(attribute.sign * factor * value):
            manifest.method_for(attribute.source, settings.method, end)


def check_face(face: str) -> None:
    """A picture that --face names must be there. Raises UsageError."""
    if face not in option("face").choices and not face.isdecimal() and not Path(face).is_file():
        raise UsageError(f"there is no file {face}", hint=f"--face takes {option('face').allowed}.")


def _work(
    jobs: Sequence[Job],
    strengths: dict[str, Strength],
    people: dict[int, dict[str, Strength]],
    settings: Settings,
    talk: Reporter,
    compares: Mapping[Job, Path],
    signer: Any,
    *,
    measured: bool,
    quiet: bool,
    alone: bool,
    run: Unfinished,
) -> list[Outcome]:
    """Edit one after the other; a failure does not stop the others, missing weights do."""
    if not jobs:
        return []
    edit_video, pack = None, None
    outcomes = []
    for job in jobs:
        talk.file(job.source.name)
        outcome = Outcome(job)
        outcomes.append(outcome)
        run.begin(job)
        try:
            if edit_video is None:
                check_readable(job.source)
                edit_video, pack = _prepared(settings)
            watching = observer(pack, strengths, people) if measured else {}
            outcome.report = edit_video(job.source, job.target, strengths, settings, progress=talk, pack=pack, people=people, **watching)
            outcome.people = watching["on_frame"].measures() if measured else []
            if signer is not None:
                sign_output(job, signer, outcome.report.statement)
            if job in compares:
                outcome.compare = write_compare(job, compares[job])
            run.end(job)
        except VideditError as error:
            if isinstance(error, (MissingError, UsageError)) and not isinstance(error, NobodyError):
                raise
            outcome.error = error
            if not alone:
                tell(error, about=str(job.source))
            continue
        for warning in outcome.report.warnings:
            note(f"{job.source.name}: {warning}")
        if not quiet:
            say(summary(outcome.report))
            lowered = outcome.report.lowered.sentence()
            if lowered:
                say(f"{outcome.report.output}: {lowered}")
    return outcomes


def check_readable(source: Path) -> None:
    """A file that is none is told before PyTorch is imported, which takes seconds. Raises UnreadableError."""
    from videdit.video.probe import probe

    probe(source)


def _prepared(settings: Settings) -> tuple[Any, Any]:
    """The pipeline's edit_video, and the pack. Raises MissingError, PackError."""
    from videdit.packs.load import load_pack
    from videdit.pipeline import edit_video

    return edit_video, load_pack(settings.pack, device=settings.device)


def _write_report(
    path: Path,
    outcomes: Sequence[Outcome],
    strengths: dict[str, Strength],
    people: dict[int, dict[str, Strength]],
    settings: Settings,
    manifest: Manifest,
    code: int,
) -> None:
    from videdit import __version__

    values = {
        "videdit": __version__,
        "pack": {"id": manifest.id, "license": manifest.license, "note": manifest.licence_note},
        "edits": plain(strengths),
        "people": {number: plain(own) for number, own in people.items()},
        "settings": {
            key.rstrip("_"): str(value) if isinstance(value, (Path, FrameNumber)) else value for key, value in asdict(settings).items()
        },
        "exit_code": code,
    }
    write_report(path, values, [outcome.as_json() for outcome in outcomes], [outcome.people for outcome in outcomes])
