"""A clip edited, start to end: pass 1 or its cached result, tuning, pass 2."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from videdit import composite
from videdit.checks import check_strengths
from videdit.config import Settings
from videdit.curves import Strength
from videdit.edit.plan import Moves
from videdit.errors import OutputError
from videdit.packs.load import Pack
from videdit.pipeline.changes import Motion, acting, batch_before, changes
from videdit.pipeline.debug import DebugPictures
from videdit.pipeline.drawn import drawn_changes, frames_of
from videdit.pipeline.models import Models
from videdit.pipeline.report import ClipReport, Progress, Stopwatch, peak_memory
from videdit.pipeline.resume import kept_of, source_behind
from videdit.pipeline.scene import Scene, scene_of
from videdit.pipeline.threads import Behind, ahead
from videdit.pipeline.watch import DEPTH
from videdit.store.work import Work
from videdit.types import Frame, Track
from videdit.video.formats import is_sequence, numbered
from videdit.video.marks import Mark
from videdit.video.probe import ClipInfo
from videdit.video.reader import FrameReader
from videdit.video.segments import Kept, ends
from videdit.video.writer import ClipWriter


class Writer(Protocol):
    """Who takes the frames; see ClipWriter."""

    def write(self, frame: Frame, mark: Mark | None = None) -> None: ...


OnFrame = Callable[[Frame, Frame, NDArray[np.float32]], None]  # source, edited, mask [H,W] in 0..1
OnPeople = Callable[[list[tuple[Track, NDArray[np.float32]]]], None]  # tracks, and how much of the edit each frame shows [T]
Moving = tuple[Motion, Iterator[composite.Change]]


def edit_video(
    source: str | Path,
    target: str | Path,
    strengths: Mapping[str, Strength | str],
    settings: Settings = Settings(),
    *,
    progress: Progress | None = None,
    on_frame: OnFrame | None = None,
    on_people: OnPeople | None = None,
    pack: Pack | None = None,
    people: Mapping[int, Mapping[str, Strength | str]] | None = None,
) -> ClipReport:
    """Edit the faces of a clip, a picture or a GIF and write it to `target`; everything else in the file stays.

    strengths: by attribute (`videdit attributes` lists them), -3..+3, +1.0 being the distance from a typical face without to a
    typical face with it; one number each, a Curve over time, or such words as the command line takes. people: strengths for some of
    the people alone, by the number `videdit inspect` shows, on top of `strengths` where `settings.face` means them too.
    progress(stage, done, total) is called per frame; on_frame(source, edited, mask) per written frame, from this thread, and
    on_people(people) once before, with who is edited; pack: one loaded before, else `settings.pack`. A clip without a face is written
    untouched, and the report says so.

    What is done is kept beside the target until it is finished; the same call goes on from there (docs/resume.md). With on_frame
    pass 2 begins again, so that it gets every frame.

    Raises UsageError (NobodyError), MissingError (PackError), UnreadableError, OutputError.
    """
    source, target = Path(source), Path(target)
    asked, own = check_strengths(strengths), {number: check_strengths(more) for number, more in (people or {}).items()}
    refuse_overwriting(source, target, settings)
    with Work(target) as work:
        refuse_overwriting(source, target, settings)  # it may have come while we waited for nobody else to write it
        return _edited(work, source, asked, own, settings, progress=progress, on_frame=on_frame, on_people=on_people, pack=pack)


def _edited(
    work: Work,
    source: Path,
    asked: dict[str, Strength],
    own: dict[int, dict[str, Strength]],
    settings: Settings,
    *,
    progress: Progress | None,
    on_frame: OnFrame | None,
    on_people: OnPeople | None,
    pack: Pack | None,
) -> ClipReport:
    """`edit_video`, once nobody else works on its output."""
    clock = Stopwatch()
    scene = scene_of(source, work.target, asked, own, settings, clock=clock, progress=progress, pack=pack, work=work)
    report, sight = scene.report, scene.sight
    kept = kept_of(work, scene.info, settings, scene.key, anew=on_frame is not None)
    reader, left = source_behind(source, kept)
    start = report.resumed = kept.frames if kept else 0
    moving = moving_of(scene, start, seek=reader.start is not None)
    if on_people:
        on_people(shown(moving))
    anything = any(m.share.any() for m, _ in moving) or any(gate.scale == 0 for gate in report.gates)
    report.status = "no face" if not sight.people else "edited" if anything else "untouched"
    report.people = {number: {**(asked if number in scene.chosen else {}), **own.get(number, {})} for number in scene.roles}
    report.hold(settings.max_identity_drop)
    with _writer(work, scene.info, settings, report.statement, kept) as writer:
        second_pass(writer, left, reader, start, moving, settings, clock, progress, on_frame, sight.frames)
    report.warnings += dict.fromkeys([*writer.warnings, *reader.remarks])
    report.frames, report.faces, report.frames_with_face = sight.frames, len(sight.numbers), sight.frames_with_face
    report.licences = {part.name: part.license for part in scene.models.pack.manifest.parts}
    report.seconds, report.wall, report.peak_memory = clock.seconds, clock.wall, peak_memory()
    return report


def moving_of(scene: Scene, start: int, *, seek: bool) -> list[Moving]:
    """Everybody who is edited, and their changes from frame `start` on; seek: whether the source gives the same frames after a seek."""
    moving: list[Moving] = []
    for number, person in enumerate(scene.sight.people):
        if (moves := scene.roles.get(person.number)) is None:
            continue
        motion = scene.motion(number, moves)
        if motion.scale:
            row = max(0, start - motion.first)
            again = partial(frames_of, source=scene.source, begun=batch_before(motion, row), seek=seek)
            made = made_for(motion, moves, again, scene.models, scene.settings.composite, scene.clock, start=row)
            moving += [(acts, ahead(one, DEPTH)) for acts, one in made]  # made in threads while frames are composited and written
    return moving


def made_for(
    motion: Motion,
    moves: Moves,
    frames: Callable[[Motion], Iterator[Frame]],
    models: Models,
    mode: str,
    clock: Stopwatch,
    *,
    start: int = 0,
) -> list[Moving]:
    """One person's changes from row `start` on: redrawn ones, made from the frames of the track (from row `batch_before(start)` on), then
    those of latents."""
    made: list[Moving] = []
    if moves.drawn:
        drawn, draw = acting(motion, moves, drawn=True), partial(models.draw, moves=moves)
        made.append((drawn, drawn_changes(drawn, frames(drawn), draw, models.pack.size, mode=mode, clock=clock, start=start)))
    if moves.latent:
        moved = acting(motion, moves, drawn=False)
        made.append((moved, changes(moved, models.pack.size, mode=mode, clock=clock, start=start)))
    return made


def shown(moving: Iterable[Moving]) -> list[tuple[Track, NDArray[np.float32]]]:
    """Everybody's tracks, and how much of the edit each of their frames shows [T]."""
    found: dict[int, tuple[Track, NDArray[np.float32]]] = {}
    for motion, _ in moving:
        share = motion.share * np.float32(motion.scale)
        track, before = found.get(id(motion.person), (motion.person.track, share))
        found[id(motion.person)] = track, np.maximum(before, share)
    return list(found.values())


def refuse_overwriting(source: Path, target: Path, settings: Settings) -> None:
    """Whether the output may be written. Raises OutputError."""
    rows = numbered(target) if is_sequence(target) else {}
    if set(rows.values()) & set(numbered(source).values() if rows else ()):
        raise OutputError(f"{target} is the input itself", hint="Name another output.")
    if rows and not settings.overwrite:
        raise OutputError(f"{target}: {len(rows)} of these are there already", hint="--overwrite replaces them.")
    if target.exists() and source.exists() and target.samefile(source):
        raise OutputError(f"{target} is the input itself", hint="Name another output.")
    if target.exists() and not settings.overwrite:
        raise OutputError(f"{target} is there already", hint="--overwrite replaces it.")


def _writer(work: Work, info: ClipInfo, settings: Settings, note: str, kept: Kept | None) -> ClipWriter:
    return ClipWriter(work.target, info, crf=settings.crf, encoder=settings.video_encoder, note=note, part=work.part, kept=kept)


def second_pass(
    writer: Writer,
    left: Iterator[Frame],
    reader: FrameReader,
    start: int,
    moving: list[Moving],
    settings: Settings,
    clock: Stopwatch,
    progress: Progress | None,
    on_frame: OnFrame | None,
    total: int,
) -> None:
    """Put the changes into the frames that are left, from number `start` on, and write them. reader: who reads them."""
    debug = DebugPictures(settings.debug_dir) if settings.debug_dir else None
    with ExitStack() as stack:
        for motion, made in moving:
            stack.enter_context(motion.kept or nullcontext())
            stack.callback(made.close)  # type: ignore[attr-defined]

        def write(one: tuple[Frame, Mark | None]) -> None:
            with clock.stage("encode"):
                writer.write(*one)

        behind = stack.enter_context(Behind(write, DEPTH))
        frames = stack.enter_context(closing(ahead(clock.each("decode", left), DEPTH)))
        for number, frame in enumerate(frames, start + 1):
            mark = Mark.of(frame, reader) if ends(number - 1) else None
            before = copy_frame(frame) if on_frame or debug else None
            mask = put_changes(frame, moving, blend=settings.blend, clock=clock, debug=debug, whole_mask=on_frame is not None)
            if on_frame and before is not None and mask is not None:
                on_frame(before, copy_frame(frame), mask)
            behind.put((frame, mark))
            if progress:
                progress("edit", number, total)


def put_changes(
    frame: Frame, moving: Iterable[Moving], *, blend: str, clock: Stopwatch, debug: DebugPictures | None = None, whole_mask: bool = False
) -> NDArray[np.float32] | None:
    """Put everybody's change into a frame, in place. Returns the mask [H,W] in 0..1 when it is asked for."""
    mask = np.zeros((frame.height, frame.width), np.float32) if whole_mask else None
    for motion, made in moving:
        if not motion.first <= frame.index <= motion.last:
            continue
        with clock.stage("wait"):
            change = next(made)
        row = frame.index - motion.first
        share = float(motion.share[row]) * (float(motion.strength[row]) if change.whole else 1.0)  # elsewhere the edit itself is weaker
        if share <= 0:
            continue
        quad = motion.person.track.quads[row]
        source = copy_frame(frame) if debug else None
        with clock.stage("composite"):
            done = composite.apply(frame, change, quad, fade=share, blend=blend)
        if done is not None and mask is not None:
            region, part = done
            mask[region.slices] = np.maximum(mask[region.slices], part)
        if debug and source is not None:
            debug.save(source, frame, change, motion, row, done)
    return mask


def copy_frame(frame: Frame) -> Frame:
    """The same frame with its own planes."""
    return replace(frame, planes=tuple(plane.copy() for plane in frame.planes))
