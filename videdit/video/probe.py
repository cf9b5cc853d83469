"""What a file holds, without reading all of it."""

from __future__ import annotations

import itertools
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import av.error

from videdit.errors import UnreadableError
from videdit.types import Color
from videdit.video import stills
from videdit.video.color import coarse_chroma, color_of, display_matrix, planar_format, turned_format, turns
from videdit.video.formats import Kind, is_sequence, kind_of_file, numbered
from videdit.video.hdr import Mastering, chroma_place, kinds_not_kept, light_of, mastering_of, turned_place
from videdit.video.opening import SEQUENCE_RATE, codec_of, decoder, open_source, source_loop, video_stream
from videdit.video.patience import in_time

__all__ = ["ClipInfo", "StreamInfo", "file_kind", "first_time", "open_source", "probe", "video_stream"]

LOOKED_AT = 240  # packets from which a variable frame rate is told


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A stream that is copied: its index in the file, type (audio, subtitle, data, attachment, video), codec, language, and words on it.

    metadata: as the file says it; disposition: FFmpeg's flags (default, forced ...).
    """

    index: int
    type: str
    codec: str
    language: str = ""
    detail: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    disposition: int = 0


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """A file in figures. width and height px are upright, coded_width and coded_height as stored.

    frames: as the container says, else estimated from duration and rate, else None. duration and start in seconds, start being the time
    of the first frame. rate: frames a second on average. variable_rate: a look at the first frames. rotation: degrees counter-clockwise
    that the picture is turned by when shown. loop: how often a GIF repeats, 0 = for ever, None = it says nothing.
    fields: tff or bff where a frame holds two fields, the upper or the lower first, "unknown" where nobody says which.
    chroma_place: FFmpeg's name of where chroma samples stand. mastering, light (brightest pixel and average, cd/m2): of HDR.
    timecode: of the first frame.
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
    fields: str = ""
    chroma_place: str = ""
    mastering: Mastering | None = None
    light: tuple[int, int] | None = None
    timecode: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = field(default=())

    @property
    def streams(self) -> tuple[StreamInfo, ...]:
        """All streams that are copied."""
        return self.audio + self.subtitles + self.others


def probe(path: Path | str) -> ClipInfo:
    """Look into a clip, GIF or picture; one frame is decoded. Raises UnreadableError, also where the decoder never comes back."""
    path = Path(path)
    return in_time(partial(_probe, path), path)


def _probe(path: Path) -> ClipInfo:
    kind = file_kind(path)
    if kind == "picture":
        return _probe_picture(path)
    with open_source(path) as container:
        stream = video_stream(container, path)
        frame, damaged = _first_frame(container, stream, path)
        info = _with_tags(_basics(path, kind, container, stream, frame), container, stream, frame)
        copied = [_describe(other) for other in container.streams if other.index != stream.index]
        return replace(
            info,
            audio=tuple(other for other in copied if other.type == "audio"),
            subtitles=tuple(other for other in copied if other.type == "subtitle"),
            others=tuple(other for other in copied if other.type not in ("audio", "subtitle")),
            warnings=(*(_sequence_remarks(path) if kind == "sequence" else ()), *_remarks(frame, damaged), *info.warnings),
        )


def _basics(path: Path, kind: Kind, container: av.container.InputContainer, stream: av.VideoStream, frame: av.VideoFrame) -> ClipInfo:
    """Size, time and samples."""
    name, turned = planar_format(frame.format.name), turns(display_matrix(frame))
    size = (frame.height, frame.width) if turned else (frame.width, frame.height)
    aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
    duration = _duration(container, stream)
    assert stream.time_base is not None
    return ClipInfo(
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
        variable_rate=_variable_rate(path),
        rotation=int(frame.rotation),
        coded_width=frame.width,
        coded_height=frame.height,
        aspect=1 / aspect if turned else aspect,
        loop=source_loop(path, kind),
    )


def _with_tags(info: ClipInfo, container: av.container.InputContainer, stream: av.VideoStream, frame: av.VideoFrame) -> ClipInfo:
    """What the file says beside that, and in warnings what is not true of upright pictures any more."""
    matrix = display_matrix(frame)
    stored = chroma_place(container, stream.index) if coarse_chroma(info.pix_fmt) else ""
    place, turned = turned_place(stored, matrix), turns(matrix)
    return replace(
        info,
        fields=_fields(frame, stream) if not turned else "",
        chroma_place=place or "",
        mastering=mastering_of(frame),
        light=light_of(frame),
        timecode=_timecode(container, stream),
        metadata=dict(container.metadata),
        chapters=len(container.chapters()),
        warnings=tuple(_places_lost(stored, place, turned=turned, fields=frame.interlaced_frame)),
    )


def file_kind(path: Path) -> Kind:
    """Clip, GIF or picture, by content. Raises UnreadableError when there is no such file."""
    try:
        if not is_sequence(path) and not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, a device never ends
            raise UnreadableError(f"{path} is no file", hint="Give a file: it is read more than once.")
        return kind_of_file(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableError(f"{path} can't be read: {reason}", hint="Check the path and its permissions.") from error


def first_time(path: Path) -> Fraction | None:
    """The time in seconds of the frame shown first, from the first packets; None where the file has none."""
    with open_source(path) as container:
        stream = video_stream(container, path)
        packets = itertools.islice(container.demux(stream), LOOKED_AT)
        times = [packet.pts for packet in packets if packet.pts is not None and not packet.is_discard]
        return min(times) * stream.time_base if times and stream.time_base else None


def _first_frame(container: av.container.InputContainer, stream: av.VideoStream, path: Path) -> tuple[av.VideoFrame, int]:
    """The first frame that decodes, and how many packets did not. Raises UnreadableError."""
    damaged = 0
    decode = decoder(stream)
    for packet in container.demux(stream):
        try:
            frames = decode(packet)
        except av.error.FFmpegError:
            damaged += 1
            continue
        if frames:
            return frames[0], damaged
    raise UnreadableError(f"{path}: no frame can be decoded", hint="The file is damaged or incomplete.")


def _describe(stream: av.stream.Stream) -> StreamInfo:
    """A summary of a stream that is not edited."""
    detail = ""
    if isinstance(stream, av.AudioStream) and stream.codec_context is not None:
        detail = f"{stream.codec_context.sample_rate} Hz, {stream.codec_context.layout.name}"
    elif av.stream.Disposition.attached_pic in stream.disposition:
        detail = "cover picture"
    words = {"filename": stream.name or "attachment"} if stream.type == "attachment" else dict(stream.metadata)
    codec = codec_of(stream) or "unknown"
    return StreamInfo(stream.index, stream.type, codec, stream.language or "", detail, words, int(stream.disposition))


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
    for kind in sorted(kinds_not_kept(frame)):
        yield f"{kind} can't be written again: left out"


def _places_lost(stored: str, place: str | None, *, turned: bool, fields: bool) -> Iterator[str]:
    """What a picture that is turned upright can't say any more."""
    if place is None:
        yield f"chroma that stands {stored} is elsewhere once the picture is upright, where no tag says so"
    if turned and fields:
        yield "interlaced and turned on its side: written as whole frames, the fields are columns now"


def _fields(frame: av.VideoFrame, stream: av.VideoStream) -> str:
    """Which field of a frame comes first, "" where a frame is one picture."""
    if not frame.interlaced_frame:
        return ""
    return {2: "tff", 3: "bff", 4: "tff", 5: "bff"}.get(int(stream.codec_context.field_order), "unknown")


def _sequence_remarks(path: Path) -> Iterator[str]:
    """What numbered pictures can't say, and which are missing."""
    yield f"pictures in a row have no times: taken as {SEQUENCE_RATE} a second"
    numbers = list(numbered(path))
    gap = next((before for before, after in itertools.pairwise(numbers) if after != before + 1), None)
    if gap is not None:
        yield f"number {gap + 1} is missing: the {sum(number > gap for number in numbers)} pictures behind it are left out"


def _timecode(container: av.container.InputContainer, stream: av.VideoStream) -> str:
    """Of the first frame, wherever the file says it."""
    for words in (stream.metadata, container.metadata):
        for key, value in words.items():
            if key.lower() == "timecode":
                return value
    return ""


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
