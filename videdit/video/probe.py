"""What a file holds, without reading all of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import av.error

from videdit.errors import UnreadableError
from videdit.types import Color
from videdit.video import stills
from videdit.video.color import color_of, display_matrix, planar_format, turned_format, turns
from videdit.video.formats import Kind, kind_of_file

LOOKED_AT = 240  # packets from which a variable frame rate is told


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A stream that is copied: its index in the file, type (audio, subtitle, data, attachment, video), codec, language, and words on it."""

    index: int
    type: str
    codec: str
    language: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """A file in figures. width and height px are upright, coded_width and coded_height as stored.

    frames: as the container says, else estimated from duration and rate, else None. duration and start in seconds, start being the time
    of the first frame. rate: frames a second on average. variable_rate: a look at the first frames. rotation: degrees counter-clockwise
    that the picture is turned by when shown. loop: how often a GIF repeats, 0 = for ever, None = it says nothing.
    """

    path: Path
    kind: Kind
    width: int
    height: int
    frames: int | None
    duration: float | None
    rate: Fraction | None
    time_base: Fraction
    codec: str
    pix_fmt: str
    color: Color
    container: str = ""
    start: float = 0.0
    variable_rate: bool = False
    rotation: int = 0
    coded_width: int = 0
    coded_height: int = 0
    aspect: Fraction = Fraction(1)
    loop: int | None = None
    chapters: int = 0
    audio: tuple[StreamInfo, ...] = ()
    subtitles: tuple[StreamInfo, ...] = ()
    others: tuple[StreamInfo, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def streams(self) -> tuple[StreamInfo, ...]:
        """All streams that are copied."""
        return self.audio + self.subtitles + self.others


def probe(path: Path | str) -> ClipInfo:
    """Look into a clip, GIF or picture; one frame is decoded. Raises UnreadableError."""
    path = Path(path)
    kind = file_kind(path)
    if kind == "picture":
        return _probe_picture(path)
    with open_source(path) as container:
        stream = video_stream(container, path)
        frame, damaged = _first_frame(container, stream, path)
        copied = [_describe(other) for other in container.streams if other.index != stream.index]
        matrix = display_matrix(frame)
        name = planar_format(frame.format.name)
        turned = turns(matrix)
        size = (frame.height, frame.width) if turned else (frame.width, frame.height)
        aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        duration = _duration(container, stream)
        assert stream.time_base is not None
        info = ClipInfo(
            path=path,
            kind=kind,
            width=size[0],
            height=size[1],
            frames=stream.frames or _estimate(duration, stream.average_rate),
            duration=duration,
            rate=stream.average_rate or stream.guessed_rate,
            time_base=stream.time_base,
            codec=stream.codec_context.name,
            pix_fmt=turned_format(name) if turned else name,
            color=color_of(frame),
            container=container.format.name,
            start=float((frame.pts or 0) * stream.time_base),
            rotation=int(frame.rotation),
            coded_width=frame.width,
            coded_height=frame.height,
            aspect=1 / aspect if turned else aspect,
            loop=stills.gif_loop(path) if kind == "gif" else None,
            chapters=len(container.chapters()),
            audio=tuple(other for other in copied if other.type == "audio"),
            subtitles=tuple(other for other in copied if other.type == "subtitle"),
            others=tuple(other for other in copied if other.type not in ("audio", "subtitle")),
            variable_rate=_variable_rate(path),
            warnings=tuple(_remarks(frame, damaged)),
        )
    return info


def file_kind(path: Path) -> Kind:
    """Clip, GIF or picture, by content. Raises UnreadableError when there is no such file."""
    try:
        return kind_of_file(path)
    except OSError as error:
        raise UnreadableError(f"{path} can't be read: {error.strerror}", hint="Check the path and its permissions.") from error


@contextmanager
def open_source(path: Path) -> Iterator[av.container.InputContainer]:
    """The opened container. What FFmpeg raises while it is open becomes UnreadableError."""
    try:
        # "file:" keeps a colon in a name from being taken for a protocol. A GIF's delays of 0.01 s are kept.
        options = {"min_delay": "1"} if kind_of_file(path) == "gif" else {}
        container = av.open(f"file:{path}", "r", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as error:
        message = f"{path} is no video or picture we can open: {_reason(error)}"
        raise UnreadableError(message, hint="Is it complete, and a video?") from error
    with container:
        try:
            yield container
        except av.error.FFmpegError as error:
            raise UnreadableError(f"{path} can't be decoded: {_reason(error)}", hint="The file is damaged or incomplete.") from error


def video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The stream that is edited: the first that is no cover picture. Raises UnreadableError."""
    for stream in container.streams.video:
        if av.stream.Disposition.attached_pic in stream.disposition:
            continue
        if stream.codec_context is None:
            raise UnreadableError(f"{path} holds video in a format this FFmpeg has no decoder for", hint="Convert it to H.264 first.")
        return stream
    raise UnreadableError(f"{path} has no video stream", hint="Give a file with pictures in it.")


def first_time(path: Path) -> Fraction | None:
    """The time in seconds of the frame shown first, from the first packets; None where the file has none."""
    with open_source(path) as container:
        stream = video_stream(container, path)
        packets = itertools.islice(container.demux(stream), LOOKED_AT)
        times = [packet.pts for packet in packets if packet.pts is not None and not packet.is_discard]
        return min(times) * stream.time_base if times and stream.time_base else None


def _reason(error: Exception) -> str:
    """FFmpeg's words, in one line."""
    return str(getattr(error, "strerror", None) or error).splitlines()[0].lower()


def _first_frame(container: av.container.InputContainer, stream: av.VideoStream, path: Path) -> tuple[av.VideoFrame, int]:
    """The first frame that decodes, and how many packets did not. Raises UnreadableError."""
    damaged = 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            damaged += 1
            continue
        if frames:
            return frames[0], damaged
    raise UnreadableError(f"{path}: no frame can be decoded", hint="The file is damaged or incomplete.")


def _describe(stream: av.stream.Stream) -> StreamInfo:
    """A summary of a stream that is not edited."""
    codec = stream.codec_context.name if stream.codec_context is not None else (stream.name or "unknown")
    detail = ""
    if isinstance(stream, av.AudioStream) and stream.codec_context is not None:
        detail = f"{stream.codec_context.sample_rate} Hz, {stream.codec_context.layout.name}"
    elif av.stream.Disposition.attached_pic in stream.disposition:
        detail = "cover picture"
    return StreamInfo(stream.index, stream.type, codec, stream.language or "", detail)


def _duration(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Seconds of the video stream, else of the file."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _estimate(duration: float | None, rate: Fraction | None) -> int | None:
    """Frames in a duration."""
    return round(duration * rate) if duration and rate else None


def _variable_rate(path: Path) -> bool:
    """Whether the first frames are unevenly spaced, by more than the rounding to ticks."""
    with open_source(path) as container:
        stream = video_stream(container, path)
        packets = itertools.islice(container.demux(stream), LOOKED_AT)
        times = sorted(packet.pts for packet in packets if packet.pts is not None and not packet.is_discard)
    if len(times) >= LOOKED_AT // 2:
        times = times[:-16]  # later packets may still belong between these
    steps = [after - before for before, after in itertools.pairwise(times)]
    return bool(steps) and max(steps) - min(steps) > 1


def _remarks(frame: av.VideoFrame, damaged: int) -> Iterator[str]:
    """What a user should know about the source."""
    if damaged:
        yield f"the first {damaged} packets can't be decoded"
    if frame.interlaced_frame:
        yield "interlaced source: its fields are edited and written as whole frames"


def _probe_picture(path: Path) -> ClipInfo:
    """A still picture, through Pillow."""
    frame, details = stills.read_picture(path)
    return ClipInfo(
        path=path,
        kind="picture",
        width=frame.width,
        height=frame.height,
        frames=1,
        duration=0.0,
        rate=None,
        time_base=frame.time_base,
        codec=details.format,
        pix_fmt=frame.pix_fmt,
        color=frame.color,
        container=details.format,
        coded_width=frame.width,
        coded_height=frame.height,
        warnings=details.warnings,
    )
