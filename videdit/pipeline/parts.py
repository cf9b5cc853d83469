"""A long clip in parts that are edited at the same time, by processes that share a file system, for whoever then edits it to find done.

    prepare    pass 1, once; what it finds stays in the output's work folder
    edit_part  segments of pass 2, by any number of processes at once, each its own
    finish     the ordinary edit: it finds what is done, makes what is not, and joins all, with sound

A part is a run that was cut short and goes on: it begins behind a frame, as after a power cut, and leaves the segments that a run nobody
touched would leave. But the frame it begins behind was found by a seek and not by decoding up to it. So it writes down which one it took,
and the edit keeps a part only where the part before ended with that very frame (same samples, same time). Whatever is missing, damaged
or of another machine is made again, so a part that fails costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from videdit.checks import check_strengths
from videdit.config import Settings
from videdit.curves import Strength
from videdit.packs.load import Pack
from videdit.pipeline.clip import edit_video, moving_of, refuse_overwriting, second_pass
from videdit.pipeline.models import steps_for
from videdit.pipeline.report import ClipReport, Progress, Stopwatch
from videdit.pipeline.scene import Scene, scene_of
from videdit.store import Cache
from videdit.store.lock import TakenError, take
from videdit.store.work import Work, work_folder
from videdit.types import Frame
from videdit.video import segments
from videdit.video.encoding import Times
from videdit.video.formats import CONTAINERS
from videdit.video.marks import Changed, Mark, read_behind
from videdit.video.patience import blocked, in_time
from videdit.video.probe import ClipInfo, probe
from videdit.video.reader import frame_times, read_frames
from videdit.video.segments import Kept, Segment, SegmentSink, segment_at
from videdit.video.writer import keeps

LONG = 3  # parts from which a clip is worth dividing
People = Mapping[int, Mapping[str, Strength]]


def prepare(
    source: Path,
    target: Path,
    strengths: Mapping[str, Strength],
    settings: Settings,
    part: int,
    *,
    people: People | None = None,
    pack: Pack | None = None,
    progress: Progress | None = None,
) -> list[tuple[int, int]]:
    """Pass 1 of a long clip, kept beside its output for `edit_part` and `finish`: the first segment of each part and the one behind its
    last, none where the clip is not divided. part: segments of a part.

    Divided are clips of LONG parts and more that can be gone on with (docs/resume.md), unless the edit looks at all of a clip first
    (--tune, --max-identity-drop). Raises as `edit_video`.
    """
    info = probe(source)
    if not _divides(info, target, settings, part):
        return []
    asked, own = _checked(strengths, people)
    refuse_overwriting(source, target, settings)
    with Work(target) as work:
        work.keep = True
        scene = scene_of(source, target, asked, own, shared(settings, target), clock=Stopwatch(), progress=progress, pack=pack, work=work)
    count = -(-scene.sight.frames // segments.SEGMENT)
    return [(first, min(first + part, count)) for first in range(0, count, part)]


def edit_part(
    source: Path,
    target: Path,
    strengths: Mapping[str, Strength],
    settings: Settings,
    first: int,
    stop: int,
    *,
    people: People | None = None,
    pack: Pack | None = None,
    progress: Progress | None = None,
) -> bool:
    """Make segments first..stop (stop not included) of a clip that was prepared, those that are not there yet; whether they are there now.

    False where another process makes them, or a seek does not give the frames it should. Raises as `edit_video`.
    """
    folder = work_folder(target)
    if not (folder / "cache").is_dir():  # nobody has prepared it, or it is done
        return False
    try:
        lock = take(folder / f"lock{first:06d}")
    except (TakenError, OSError):
        return False
    try:
        asked, own = _checked(strengths, people)
        settings = shared(settings, target)
        scene = scene_of(source, target, asked, own, settings, clock=Stopwatch(), progress=progress, pack=pack, work=None)
        scene.cache = Cache(None)  # nobody makes all renders of a face
        return _make(scene, target, folder / "video", first, stop)
    finally:
        with suppress(OSError):
            (folder / f"lock{first:06d}").unlink()
        lock.close()


def finish(
    source: Path,
    target: Path,
    strengths: Mapping[str, Strength],
    settings: Settings,
    *,
    people: People | None = None,
    pack: Pack | None = None,
    progress: Progress | None = None,
) -> ClipReport:
    """`edit_video`, with what parts have done."""
    return edit_video(source, target, strengths, shared(settings, target), people=people, pack=pack, progress=progress)


def shared(settings: Settings, target: Path) -> Settings:
    """The same with the cache in the output's work folder, where whoever works on it finds it, wherever they are."""
    return replace(settings, cache=True, cache_dir=work_folder(target) / "cache")


def _divides(info: ClipInfo, target: Path, settings: Settings, part: int) -> bool:
    if (info.frames or 0) < LONG * part * segments.SEGMENT or steps_for(settings.tune) or settings.debug_dir is not None:
        return False
    return settings.max_identity_drop is None and keeps(target, info, settings.video_encoder)


def _checked(strengths: Mapping[str, Strength], people: People | None) -> tuple[dict[str, Strength], dict[int, dict[str, Strength]]]:
    return check_strengths(strengths), {number: check_strengths(more) for number, more in (people or {}).items()}


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Takes frames for segments that nobody joins."""

    sink: SegmentSink
    target: Path

    def write(self, frame: Frame, mark: Mark | None = None) -> None:
        in_time(partial(self.sink.write, frame, mark), self.target, steps=lambda: self.sink.steps, error=blocked)

    def end(self) -> None:
        """After the clip's last frame."""
        in_time(self.sink.keep, self.target, steps=lambda: self.sink.steps, error=blocked)


def _make(scene: Scene, target: Path, video: Path, first: int, stop: int) -> bool:
    """The segments of a part that are not there; whether all are there then."""
    video.mkdir(exist_ok=True)
    opening, before = _before(scene.source, first) if first else (None, None)
    if first and before is None:
        return False
    done = [before] * first if before else []
    while len(done) < stop and (known := segment_at(video, len(done), scene.key)):
        done.append(known)
    kept = Kept(video, scene.key, done)
    if len(done) == stop or kept.whole:
        return True
    left = (stop - len(done)) * segments.SEGMENT
    try:
        reader, frames = read_behind(scene.source, kept.mark) if kept.mark else (whole := read_frames(scene.source), whole)
    except Changed:
        return False
    if kept.done and opening is None:
        opening = next(read_frames(scene.source))
    info, settings = scene.info, scene.settings
    container = CONTAINERS[target.suffix.lower()]
    sink = SegmentSink(video / "none", container, info, crf=settings.crf, encoder=settings.video_encoder, kept=kept, first=opening)
    pieces, start = _Pieces(sink, target), kept.frames
    moving = moving_of(scene, start, seek=reader.start is not None)
    try:
        with closing(reader):
            second_pass(
                pieces, islice(frames, left), reader, start, moving, settings, scene.clock, scene.progress, None, scene.sight.frames
            )
        if scene.sight.frames <= stop * segments.SEGMENT:
            pieces.end()
    except BaseException:
        sink.left = True
        raise
    return len(kept.done) == stop


def _before(source: Path, first: int) -> tuple[Frame | None, Segment | None]:
    """The clip's first frame, and what stands for the segment before `first`: the mark of its last frame, found by a seek, and the
    encoder's times there. None where the seek gives other frames."""
    number, times = first * segments.SEGMENT, frame_times(source)
    if len(times) <= number:
        return None, None
    opening = next(read_frames(source))
    with closing(read_frames(source, start=times[number - 2] - 1e-6)) as reader:
        last = list(islice(reader, 2))
        if [frame.index for frame in last] != [number - 2, number - 1]:
            return None, None
        mark, stand = Mark.of(last[1], reader), Times()
    for frame in (opening, *last):
        stand.place(frame)
    return opening, Segment(Path(), segments.SEGMENT, mark, stand, [])
