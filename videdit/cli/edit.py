"""videdit IN... -o OUT: the main command."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from videdit.cli.parser import Parser, add_attributes, add_options, option_asked, settings_of
from videdit.cli.plan import Job, drop_existing, make_folders, make_jobs
from videdit.cli.presets import describe, named, read_preset, shipped
from videdit.cli.progress import Reporter, reporter
from videdit.cli.say import note, say, tell
from videdit.config import DEFAULT_PACK, Settings
from videdit.errors import MissingError, NoFaceError, OutputError, SomeInputsFailedError, UsageError, VideditError
from videdit.packs.manifest import Manifest, find_pack, read_manifest

DESCRIPTION = """Edit faces in clips and pictures; everything else in the file stays as it is.

  videdit in.mp4 --smile +0.5 -o out.mp4               one clip
  videdit clips/ --age -0.4 --eyeglasses -1 -o out/    a folder
  videdit in.mp4 --expression-from smile.jpg -o out.mp4
  videdit preview in.mp4 -t 3.2s --smile +1 -o p.png   one moment, before | after

Commands (`videdit COMMAND --help`): preview, inspect, attributes, models, sample, doctor, train.
A file or folder called like a command is written ./models."""
EPILOG = """Ends with 0 done, 1 our bug, 2 usage, 3 several inputs and any failed, 4 no face in any input (the output is still
written, untouched), 5 weights or a dependency missing, 6 the one input unreadable, 7 output not writable, 130 interrupted."""


@dataclass(slots=True)
class Outcome:
    """What became of one job: the pipeline's report, or an error, or neither when it was skipped."""

    job: Job
    report: Any = None
    error: VideditError | None = None

    def as_json(self) -> dict[str, Any]:
        """For --report."""
        head = {"input": str(self.job.source), "output": str(self.job.target)}
        if self.error:
            return {**head, "status": "failed", "error": str(self.error), "hint": self.error.hint, "exit_code": self.error.exit_code}
        return {**head, "status": "skipped"} if self.report is None else self.report.as_json()


def build(manifest: Manifest | None) -> Parser:
    """The parser, with the flags of a pack."""
    parser = Parser("videdit", "videdit IN... -o OUT [--ATTRIBUTE S ...] [OPTIONS]", DESCRIPTION, EPILOG)
    parser.add_argument("inputs", nargs="*", metavar="IN", help="a clip, a picture, several, or a folder")
    parser.add_argument("-o", "--output", metavar="OUT", help="a file for one input, else a folder in which every file keeps its name")
    parser.add_argument("--version", action="store_true", help="print the version and end")
    add_attributes(parser, manifest)
    add_options(parser)
    group = parser.add_argument_group("this run")
    group.add_argument("--skip-existing", action="store_true", help="leave outputs that exist and go on (default: refuse to start)")
    group.add_argument("--config", metavar="PRESET", help="settings and strengths from a TOML file or a shipped preset; `list` shows those")
    group.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    group.add_argument("--report", metavar="R.JSON", help="write what was done to every file, with times and licences")
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
        build(_manifest_or_none(argv)).print_help()
        return 0
    if "--version" in argv:
        from videdit import __version__

        say(f"videdit {__version__}")
        return 0
    if option_asked(argv, "--config") == "list":
        for name, path in shipped().items():
            say(f"{name:<16} {describe(path)}")
        return 0
    preset, preset_strengths = _preset(argv)
    manifest = manifest_for(argv, preset)
    space = build(manifest).parse(argv)
    strengths = {**named(preset_strengths, manifest), **space.strengths}
    settings = settings_of(space, preset)
    return _edit(space, strengths, settings, manifest)


def _preset(argv: Sequence[str]) -> tuple[dict[str, Any], dict[str, float]]:
    name = option_asked(argv, "--config")
    return read_preset(name) if name else ({}, {})


def _manifest_or_none(argv: Sequence[str]) -> Manifest | None:
    """--help works without a pack."""
    try:
        return manifest_for(argv)
    except MissingError as error:
        note(f"{error}; its attributes are not listed")
        return None


def _edit(space: argparse.Namespace, strengths: dict[str, float], settings: Settings, manifest: Manifest) -> int:
    """Plan, then do."""
    if not space.inputs:
        raise UsageError("no input", hint="videdit in.mp4 --smile +0.5 -o out.mp4; `videdit --help` lists everything.")
    if not space.output:
        raise UsageError("no output", hint="Say where with -o.")
    if settings.overwrite and space.skip_existing:
        raise UsageError("--overwrite and --skip-existing exclude each other")
    for name in settings.lock:
        source = manifest.source_of(name)
        both = [wanted for wanted, value in strengths.items() if value and manifest.resolve(wanted)[0].source == source]
        if both:
            raise UsageError(f"{both[0]} is both edited and locked", hint="Drop one of the two.")
    for name, value in strengths.items():
        attribute, factor = manifest.resolve(name)
        if value:
            manifest.method_for(attribute.source, settings.method, attribute.sign * factor * value)
    jobs = make_jobs(space.inputs, space.output)
    todo, skipped = drop_existing(jobs, overwrite=settings.overwrite, skip=space.skip_existing)
    driver = settings.expression_from
    if driver is not None and not driver.is_file():
        raise UsageError(f"there is no file {driver}", hint="--expression-from takes a picture or a clip.")
    if not any(strengths.values()) and driver is None:
        note("no attribute was given, so nothing will change; `videdit attributes` lists them")
    if space.dry_run:
        return _show(todo, skipped, strengths, settings)
    make_folders(jobs, several=len(jobs) > 1 or jobs[0].target.parent == Path(space.output))
    if space.report:
        _check_report(Path(space.report))
    mode = "none" if space.quiet else space.progress
    with reporter(mode) as talk:
        outcomes = [Outcome(job) for job in skipped] + _work(todo, strengths, settings, talk, quiet=space.quiet, alone=len(jobs) == 1)
    code = exit_code(outcomes)
    if space.report:
        _write_report(Path(space.report), outcomes, strengths, settings, manifest, code)
    if len(jobs) == 1 and outcomes[0].error:
        raise outcomes[0].error
    return _close(outcomes, code)


def _show(todo: Sequence[Job], skipped: Sequence[Job], strengths: dict[str, float], settings: Settings) -> int:
    """--dry-run."""
    said = [f"{name} {value:+g}" for name, value in strengths.items()]
    if settings.expression_from is not None:
        said.append(f"the expression of {settings.expression_from}")
    edits = ", ".join(said) or "no change"
    for job in todo:
        say(f"{job.source} -> {job.target}: {edits}")
    for job in skipped:
        say(f"{job.source}: skipped, {job.target} exists")
    say(", ".join(f"{key}={value}" for key, value in asdict(settings).items() if value not in (None, ())))
    return 0


def _work(
    jobs: Sequence[Job], strengths: dict[str, float], settings: Settings, talk: Reporter, *, quiet: bool, alone: bool
) -> list[Outcome]:
    """Edit one after the other; a failure does not stop the others, missing weights do."""
    if not jobs:
        return []
    from videdit.packs.load import load_pack
    from videdit.pipeline import edit_video

    pack = load_pack(settings.pack, device=settings.device)
    outcomes = []
    for job in jobs:
        talk.file(job.source.name)
        outcome = Outcome(job)
        outcomes.append(outcome)
        try:
            outcome.report = edit_video(job.source, job.target, strengths, settings, progress=talk, pack=pack)
        except (MissingError, UsageError):
            raise
        except VideditError as error:
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


def summary(report: Any) -> str:
    """One line about a file that is done."""
    edits = ", ".join(f"{name} {value:+g}" for name, value in report.edits.items())
    rate = f" ({report.frames / report.wall:.1f} frames/s)" if report.frames > 1 and report.wall else ""
    if report.status == "no face":
        what = "no face found, written untouched"
    else:
        people = f"{report.faces} face{'s' if report.faces != 1 else ''} in {report.frames_with_face} of {report.frames} frames"
        what = f"{edits}; {people}" if report.status == "edited" else f"untouched; {people}"
    return f"{report.output}: {what}; {report.wall:.1f} s{rate}"


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0, 3 or 4, or the one input's own."""
    failed = [o.error for o in outcomes if o.error]
    if failed:
        return failed[0].exit_code if len(outcomes) == 1 else SomeInputsFailedError.exit_code
    done = [o.report for o in outcomes if o.report is not None]
    return NoFaceError.exit_code if done and all(r.status == "no face" for r in done) and len(done) == len(outcomes) else 0


def _close(outcomes: Sequence[Outcome], code: int) -> int:
    """The error for the whole, where there is one."""
    if code == SomeInputsFailedError.exit_code:
        failed = sum(1 for o in outcomes if o.error)
        raise SomeInputsFailedError(
            f"{failed} of {len(outcomes)} inputs failed", hint="The others are done; --report R.JSON says which is which."
        )
    if code == NoFaceError.exit_code:
        where = outcomes[0].job.source if len(outcomes) == 1 else "any input"
        raise NoFaceError(f"no face in {where}", hint="The output is written, untouched. `videdit inspect` says where faces are.")
    return code


def _check_report(path: Path) -> None:
    """Better to fail before the work than after. Raises OutputError."""
    if not path.parent.is_dir():
        raise OutputError(f"the folder {path.parent} does not exist", hint="It is where --report writes.")


def _write_report(
    path: Path, outcomes: Sequence[Outcome], strengths: dict[str, float], settings: Settings, manifest: Manifest, code: int
) -> None:
    from videdit import __version__

    values = {
        "videdit": __version__,
        "pack": {"id": manifest.id, "license": manifest.license, "note": manifest.licence_note},
        "edits": strengths,
        "settings": {key: str(value) if isinstance(value, Path) else value for key, value in asdict(settings).items()},
        "exit_code": code,
        "files": [outcome.as_json() for outcome in outcomes],
    }
    try:
        path.write_text(json.dumps(values, indent=2, default=str) + "\n", "utf-8")
    except OSError as error:
        raise OutputError(f"{path} can't be written: {error.strerror}") from None
