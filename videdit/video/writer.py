"""Frames into a file that is like its source in everything else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol

import av.error

from videdit.errors import OutputError, UsageError
from videdit.store.durable import commit
from videdit.types import Frame
from videdit.video import stills
from videdit.video.animation import AnimationSink, SequenceSink
from videdit.video.container import ContainerSink
from videdit.video.encoders import DEFAULT_ENCODER, check_encoder
from videdit.video.formats import ANIMATIONS, CONTAINERS, SUFFIXES, kind_of_suffix, part_of
from videdit.video.marks import Mark
from videdit.video.notes import gif_comment, joined
from videdit.video.packets import PacketsDamagedError
from videdit.video.patience import blocked, in_time
from videdit.video.probe import ClipInfo
from videdit.video.reader import read_frames
from videdit.video.segments import Kept, SegmentSink, joins


class Sink(Protocol):
    """Where frames go: a container, a GIF, an animation, a picture or many."""

    @property
    def warnings(self) -> list[str]: ...
    def write(self, frame: Frame) -> None: ...
    def finish(self) -> None: ...
    def abort(self) -> None: ...


class ClipWriter:
    """Writes frames to `target` and copies every other stream, the chapters and the metadata of the source beside them.

    The suffix of the target says the container; it may differ from the source's. Written to `part` (by default beside the target, see
    `part_of`) and moved in place at the end; after an exception in the `with` block the part is removed and an existing target is as
    before. kept: what is done of the clip, and where more of it is kept (see segments and `keeps`); frames then go on behind it. crf None
    is visually equal to the source. note: a sentence for the file's metadata. `warnings` names what could not be kept, complete after
    the block.

    Raises UsageError for a suffix or an encoder that does not exist, OutputError when the target can't be written, also where an encoder
    stands still (see patience).
    """

    def __init__(
        self,
        target: Path | str,
        info: ClipInfo,
        *,
        crf: float | None = None,
        encoder: str = DEFAULT_ENCODER,
        note: str = "",
        part: Path | None = None,
        kept: Kept | None = None,
    ) -> None:
        self.target, self.info = Path(target), info
        self.part = part or part_of(self.target)
        self.warnings: list[str] = list(info.warnings)
        self.frames = 0
        self._crf, self._encoder, self._note = crf, encoder, note
        self._kept = kept
        self._sink: Sink | None = None
        self._at_work = False  # a thread is in the sink; one that was given up stays there
        self._check()

    def write(self, frame: Frame, mark: Mark | None = None) -> None:
        """Write the next frame; mark: of the source's frame behind which to go on (see segments). Raises OutputError."""
        try:
            if self._sink is None:
                self._sink = self._open()
            sink = self._sink
            self._in_time(partial(sink.write, frame, mark) if isinstance(sink, SegmentSink) else partial(sink.write, frame))
        except (av.error.FFmpegError, OSError, OverflowError, MemoryError) as error:
            raise self._failure(error) from error
        self.frames += 1

    def _in_time(self, work: Callable[[], None]) -> None:
        """Have the sink do something. Raises OutputError where it stands still."""

        def call() -> None:
            try:
                work()
            finally:
                self._at_work = False

        self._at_work = True
        in_time(call, self.target, steps=self._steps, error=blocked)

    def _steps(self) -> tuple[int, int]:
        """Something that changes while the sink gets on: packets, and the time at which its file was written to."""
        try:
            written = self.part.stat().st_mtime_ns
        except OSError:
            written = 0
        return getattr(self._sink, "steps", 0), written

    def __enter__(self) -> ClipWriter:
        try:
            self.part.write_bytes(b"")  # says at once when the place is not writable
        except OSError as error:
            raise self._failure(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._abort()  # nothing is left to do after a success

    def _finish(self) -> None:
        try:
            if self._sink is None and self._kept is not None and self._kept.done:
                self._sink = self._open()
            if self._sink is None:
                raise OutputError(f"{self.target}: no frame was written", hint="The source shows none.")
            self._in_time(self._sink.finish)
            if kind_of_suffix(self.target) != "sequence":
                commit(self.part, self.target)
        except PacketsDamagedError as error:
            raise OutputError(f"{self.target}: what was kept of it is damaged", hint="The same command makes that part again.") from error
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from error
        self.warnings += self._sink.warnings
        self._sink = None

    def _abort(self) -> None:
        if isinstance(self._sink, SegmentSink):
            self._sink.left = True
        # where a thread is still in the sink, it would close what is in use; pictures in a row are only removed
        if self._sink is not None and (not self._at_work or isinstance(self._sink, SequenceSink)):
            with contextlib.suppress(av.error.FFmpegError, OSError):  # the file is thrown away
                self._sink.abort()
        self._sink = None
        with contextlib.suppress(PermissionError):  # Windows removes no file that is open
            self.part.unlink(missing_ok=True)

    def _check(self) -> None:
        """Whether the target fits the source. Raises UsageError."""
        check_encoder(self._encoder)
        kind = kind_of_suffix(self.target, self.info.kind)
        if kind is None:
            raise UsageError(f"{self.target}: can't tell a format from its suffix", hint=f"Allowed: {' '.join(sorted(SUFFIXES))}")
        if kind != self.info.kind and "picture" in (kind, self.info.kind):
            wanted = "a picture (.png .jpg .webp)" if self.info.kind == "picture" else "a clip (.mp4 .mov .mkv .gif, or pictures %04d.png)"
            raise UsageError(f"{self.info.path.name} can't be written as {self.target.suffix}", hint=f"The output has to be {wanted}.")

    def _open(self) -> Sink:
        kind = kind_of_suffix(self.target, self.info.kind)
        if kind == "picture":
            return PictureSink(self.part, self.target, self.info, self._note)
        if kind == "sequence":
            return SequenceSink(self.target, self.info, note=self._note)
        if kind == "animation":
            return AnimationSink(self.part, self.info, container=ANIMATIONS[self.target.suffix.lower()], note=self._note)
        if kind == "gif":
            loop = self.info.loop if self.info.kind in ("gif", "animation") else 0
            sink = stills.GifWriter(self.part, loop=loop, comment=self._gif_comment())
            if self.info.color.curve:
                sink.warnings.append("HDR is written as an SDR picture")
            if self.info.streams:
                sink.warnings.append("a GIF is pictures only: sound and everything else is left out")
            return sink
        container = CONTAINERS[self.target.suffix.lower()]
        if self._kept is None:
            return ContainerSink(self.part, container, self.info, crf=self._crf, encoder=self._encoder, note=self._note)
        first = next(read_frames(self.info.path)) if self._kept.done else None
        return SegmentSink(
            self.part, container, self.info, crf=self._crf, encoder=self._encoder, note=self._note, kept=self._kept, first=first
        )

    def _gif_comment(self) -> str:
        return joined(gif_comment(self.info.path) if self.info.kind == "gif" else "", self._note)

    def _failure(self, error: Exception) -> OutputError:
        reason = (str(getattr(error, "strerror", None) or error) or type(error).__name__).splitlines()[0].lower()
        return OutputError(f"{self.target} can't be written: {reason}", hint="Is the folder there, writable, and the disk not full?")


def keeps(target: Path, info: ClipInfo, encoder: str) -> bool:
    """Whether a clip written there by an encoder can be gone on with; GIFs, pictures that move and pictures in a row begin again."""
    return kind_of_suffix(target, info.kind) == "clip" and joins(CONTAINERS[target.suffix.lower()], encoder, info.pix_fmt)


class PictureSink:
    """One frame into a picture file."""

    def __init__(self, part: Path, target: Path, info: ClipInfo, note: str = "") -> None:
        self.warnings: list[str] = []
        self._part, self._target, self._written, self._note = part, target, False, note
        self._details = stills.read_picture(info.path)[1]

    def write(self, frame: Frame) -> None:
        if self._written:
            raise ValueError("a picture takes one frame")
        self.warnings += stills.write_picture(frame, self._part, self._target, self._details, note=self._note)
        self._written = True

    def finish(self) -> None: ...

    def abort(self) -> None: ...
