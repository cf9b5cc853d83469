"""Frames into a file that is like its source in everything else."""

from __future__ import annotations

import contextlib
import math
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol

import av
import av.error

from videdit.errors import OutputError, UsageError
from videdit.types import Frame
from videdit.video import stills
from videdit.video.color import FULL_RANGE, is_rgb, to_video_frame
from videdit.video.copying import Copier
from videdit.video.encoders import DEFAULT_ENCODER, add_video, check_encoder, written_space
from videdit.video.formats import CONTAINERS, SUFFIXES, kind_of_suffix
from videdit.video.probe import ClipInfo

MAX_TICKS = (1 << 31) - 1  # a movie's time scale in mp4 and mov


class Sink(Protocol):
    """Where frames go: a container, a GIF or a picture."""

    warnings: list[str]

    def write(self, frame: Frame) -> None: ...
    def finish(self) -> None: ...
    def abort(self) -> None: ...


class ClipWriter:
    """Writes frames to `target` and copies every other stream, the chapters and the metadata of the source beside them.

    The suffix of the target says the container; it may differ from the source's. Written to `target` + ".part" and moved in
    place at the end; after an exception in the `with` block the part is removed and an existing target is as before. crf None
    is visually equal to the source. `warnings` names what could not be kept, complete after the block.

    Raises UsageError for a suffix or an encoder that does not exist, OutputError when the target can't be written.
    """

    def __init__(self, target: Path | str, info: ClipInfo, *, crf: float | None = None, encoder: str = DEFAULT_ENCODER) -> None:
        self.target, self.info = Path(target), info
        self.part = self.target.with_name(self.target.name + ".part")
        self.warnings: list[str] = list(info.warnings)
        self.frames = 0
        self._crf, self._encoder = crf, encoder
        self._sink: Sink | None = None
        self._check()

    def write(self, frame: Frame) -> None:
        """Write the next frame. Raises OutputError."""
        try:
            if self._sink is None:
                self._sink = self._open()
            self._sink.write(frame)
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from error
        self.frames += 1

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
        if self._sink is None:
            raise OutputError(f"{self.target}: no frame was written", hint="The source shows none.")
        try:
            self._sink.finish()
            os.replace(self.part, self.target)
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from error
        self.warnings += self._sink.warnings
        self._sink = None

    def _abort(self) -> None:
        if self._sink is not None:
            with contextlib.suppress(av.error.FFmpegError, OSError):  # the file is thrown away
                self._sink.abort()
            self._sink = None
        self.part.unlink(missing_ok=True)

    def _check(self) -> None:
        """Whether the target fits the source. Raises UsageError."""
        check_encoder(self._encoder)
        kind = kind_of_suffix(self.target)
        if kind is None:
            raise UsageError(f"{self.target}: can't tell a format from its suffix", hint=f"Allowed: {' '.join(sorted(SUFFIXES))}")
        if kind != self.info.kind and "picture" in (kind, self.info.kind):
            wanted = "a picture (.png .jpg .webp)" if self.info.kind == "picture" else "a clip (.mp4 .mov .mkv .gif)"
            raise UsageError(f"{self.info.path.name} can't be written as {self.target.suffix}", hint=f"The output has to be {wanted}.")

    def _open(self) -> Sink:
        kind = kind_of_suffix(self.target)
        if kind == "picture":
            return PictureSink(self.part, self.target, self.info)
        if kind == "gif":
            sink = stills.GifWriter(self.part, loop=self.info.loop if self.info.kind == "gif" else 0)
            if self.info.streams:
                sink.warnings.append("a GIF is pictures only: sound and everything else is left out")
            return sink
        return ContainerSink(self.part, CONTAINERS[self.target.suffix.lower()], self.info, crf=self._crf, encoder=self._encoder)

    def _failure(self, error: Exception) -> OutputError:
        reason = str(getattr(error, "strerror", None) or error).splitlines()[0].lower()
        return OutputError(f"{self.target} can't be written: {reason}", hint="Is the folder there, writable, and the disk not full?")


class PictureSink:
    """One frame into a picture file."""

    def __init__(self, part: Path, target: Path, info: ClipInfo) -> None:
        self.warnings: list[str] = []
        self._part, self._target, self._written = part, target, False
        self._details = stills.read_picture(info.path)[1]

    def write(self, frame: Frame) -> None:
        if self._written:
            raise ValueError("a picture takes one frame")
        self.warnings += stills.write_picture(frame, self._part, self._target, self._details)
        self._written = True

    def finish(self) -> None: ...

    def abort(self) -> None: ...


class ContainerSink:
    """Frames into a video container, with everything else of the source."""

    def __init__(self, part: Path, container: str, info: ClipInfo, *, crf: float | None, encoder: str) -> None:
        self.warnings: list[str] = []
        self._info, self._crf, self._encoder = info, crf, encoder
        self._options: dict[str, str] = {}
        self._out = av.open(f"file:{part}", "w", format=container, container_options=self._options)
        self._copier: Copier | None = None
        self._stream: av.VideoStream | None = None
        self._last: int | None = None

    def write(self, frame: Frame) -> None:
        """Encode a frame, and copy what belongs before it."""
        stream = self._stream or self._open(frame)
        picture = to_video_frame(frame)
        if frame.pix_fmt != stream.pix_fmt:
            picture = _converted(picture, frame, stream.pix_fmt or "yuv420p")
        if self._last is not None and frame.pts <= self._last:
            picture.pts = self._last + 1
            self._warn("frames with the time of the one before are moved on by a tick")
        self._last = picture.pts
        self._mux(stream.encode(picture))

    def finish(self) -> None:
        """Empty the encoder, copy the rest, close the file."""
        assert self._stream is not None
        assert self._copier is not None
        self._mux(self._stream.encode(None))
        self._copier.finish()
        self.warnings += self._copier.warnings
        self._out.close()
        self._copier.close()

    def abort(self) -> None:
        """Close everything."""
        if self._copier is not None:
            self._copier.close()
        self._out.close()

    def _open(self, frame: Frame) -> av.VideoStream:
        """Set up all streams by the first frame and write the header."""
        info, name = self._info, self._out.format.name
        time_base = frame.time_base
        if name == "avi" and info.rate:
            time_base = 1 / info.rate
        self._copier = Copier(info.path, self._out)
        self._copier.add_streams(before_video=True)
        stream, warnings = add_video(
            self._out, self._encoder, frame, crf=self._crf, rate=info.rate, time_base=time_base, aspect=info.aspect
        )
        self.warnings += warnings
        self._copier.add_streams(before_video=False)
        self._copier.start(stream)
        if name in ("mp4", "mov", "3gp"):
            self._out.container_options.update(_movie_options([time_base, *self._copier.time_bases], self._out.metadata))
        self._out.start_encoding()
        self._copier.check_ticks()
        if stream.time_base and (frame.time_base / stream.time_base).denominator != 1:
            self._warn(f"{name} counts time in coarser ticks: times of frames are kept within half a tick of {stream.time_base} s")
        self._stream = stream
        return stream

    def _mux(self, packets: list[av.Packet]) -> None:
        assert self._copier is not None
        for packet in packets:
            self._copier.copy_until((packet.dts or 0) * packet.time_base)
            self._out.mux(packet)

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _converted(picture: av.VideoFrame, frame: Frame, pix_fmt: str) -> av.VideoFrame:
    """The picture in the encoder's format. Luma keeps its values unless the depth changes; RGB becomes YUV by the written tags."""
    pts, time_base, duration = picture.pts, picture.time_base, picture.duration
    space, _ = written_space(frame, pix_fmt)
    if is_rgb(frame.pix_fmt):
        out = picture.reformat(format=pix_fmt, dst_colorspace=space, dst_color_range=1)
    else:
        same = FULL_RANGE if frame.color.full_range else 1
        out = picture.reformat(format=pix_fmt, src_color_range=same, dst_color_range=same)
    out.pts, out.time_base, out.duration = pts, time_base, duration
    return out


def _movie_options(time_bases: list[Fraction], metadata: dict[str, str]) -> dict[str, str]:
    """Options of the mp4 and mov muxer: a time scale in which every stream's edit list is exact, the index in front."""
    scale = math.lcm(*(time_base.denominator for time_base in time_bases))
    flags = "+faststart"
    if any("." in key for key in metadata):  # words like com.apple.quicktime.*, which only this layout holds
        flags += "+use_metadata_tags"
    return {"movflags": flags, "movie_timescale": str(scale if scale <= MAX_TICKS else max(t.denominator for t in time_bases))}
