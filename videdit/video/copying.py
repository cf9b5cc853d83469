"""Everything of the source but its pictures: packets copied untouched, chapters, metadata."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.stream import AttachmentStream, Disposition, Stream

from videdit.video.notes import NO_PLACE, add_words, no_place
from videdit.video.opening import codec_of
from videdit.video.probe import open_source, video_stream

# Written anew by the muxer, or about the encoding that is replaced.
_STALE_TAG = re.compile(
    r"(rotate|encoder|alpha_mode|major_brand|minor_version|compatible_brands|"
    r"(bps|duration|number_of_|_statistics_|source_id).*)$",
    re.IGNORECASE,
)

MOST_COUNTED = 255  # frames a second of a timecode in mp4 and mov
_TS_SUBTITLES = ("dvbsub", "dvb_subtitle", "dvb_teletext", "libzvbi_teletextdec", "pgssub")


class Copier:
    """Copies a source's other streams into an output, in step with the video.

    warnings names what the output can't carry. Packets are read as they are needed, so memory does not grow with length.
    """

    def __init__(self, source: Path, out: OutputContainer) -> None:
        self.warnings: list[str] = []
        self._out = out
        self._opened = open_source(source)
        self._source: InputContainer = self._opened.__enter__()
        self._video = video_stream(self._source, source)
        self._video.discard = av.stream.Discard.all
        self._streams: dict[int, Stream] = {}
        self._pending: av.Packet | None = None
        self._failed: dict[int, int] = {}
        self._packets: Iterator[av.Packet] = iter(())

    def add_streams(self, *, before_video: bool) -> None:
        """Add the streams that stand before the video in the source, or behind it, as far as the output can carry them."""
        for stream in self._source.streams:
            if (stream.index < self._video.index) != before_video or stream.index == self._video.index or self._is_made_anew(stream):
                continue
            if not _can_carry(self._out, stream):
                self.warnings.append(f"{self._out.format.name} can't carry {_name(stream)}: left out")
                continue
            self._streams[stream.index] = _add(self._out, stream)

    def start(self, stream: av.VideoStream, *, note: str = "") -> None:
        """Copy chapters and words, and add a note; call it when all streams are there, before the header is written."""
        self._out.metadata.update(_words(self._source.metadata))
        if note and self._out.format.name in NO_PLACE:
            self.warnings.append(no_place(self._out.format.name))
        elif note:
            add_words(self._out.metadata, note)
        stream.metadata.update(_words(self._video.metadata))
        self._set_timecode(stream)
        stream.disposition = self._video.disposition
        chapters = self._source.chapters()
        if chapters and self._out.format.name in ("avi", "mpegts", "mpeg", "flv"):
            self.warnings.append(f"{self._out.format.name} can't carry chapters: left out")
        else:
            self._out.set_chapters(chapters)
        wanted = [stream for index, stream in self._stream_pairs() if not isinstance(stream, AttachmentStream)]
        self._packets = self._demux(wanted)

    def _set_timecode(self, stream: av.VideoStream) -> None:
        """mp4 and mov write a track for the timecode that the video stream says; elsewhere it is a word like others. They count frames
        of a second in a byte: above that it is left out, which losses.py says."""
        words = [*self._video.metadata.items(), *self._source.metadata.items()]
        found = next((value for key, value in words if key.lower() == "timecode"), None)
        rate = stream.codec_context.framerate
        if self._out.format.name in ("mp4", "mov") and rate and rate > MOST_COUNTED:
            for place in (self._out.metadata, stream.metadata):
                for key in [key for key in place if key.lower() == "timecode"]:
                    del place[key]
        elif found is not None:
            stream.metadata["timecode"] = found

    @property
    def copied(self) -> dict[int, int]:
        """Stream numbers in the source, and in the output."""
        return {index: stream.index for index, stream in self._streams.items()}

    @property
    def time_bases(self) -> list[Fraction]:
        """Of the copied streams, as in the source."""
        return [stream.time_base for _, stream in self._stream_pairs() if stream.time_base]

    def check_ticks(self) -> None:
        """Warn of coarser ticks; call it when the header is written."""
        timed = [(source, self._streams[index]) for index, source in self._stream_pairs() if source.type != "attachment"]
        coarse = [source for source, written in timed if _coarser(source.time_base, written.time_base)]
        if coarse:
            names = ", ".join(_name(stream) for stream in coarse)
            self.warnings.append(f"{self._out.format.name} counts time in coarser ticks: times of {names} are kept within half a tick")

        framed = [source for source, _ in timed if source.type == "audio" and source.codec_context.name == "aac"]
        if framed and (self._source.format.name == "mpegts") != (self._out.format.name == "mpegts"):
            names = ", ".join(_name(stream) for stream in framed)
            self.warnings.append(
                f"{self._out.format.name} frames AAC in another way: packets of {names} get other headers, the sound is the same"
            )

    def copy_until(self, seconds: float | Fraction) -> None:
        """Write the packets that come no later than a time, in the order of the source."""
        while True:
            packet = self._pending or next(self._packets, None)
            self._pending = packet
            if packet is None:
                return
            ticks = packet.dts if packet.dts is not None else packet.pts
            if ticks is not None and ticks * packet.time_base > seconds:
                return
            self._pending = None
            self._write(packet)

    def finish(self) -> None:
        """Write all that is left."""
        self.copy_until(Fraction(1 << 62))
        for index, count in sorted(self._failed.items()):
            self.warnings.append(f"{count} damaged packets of {_name(self._source.streams[index])} are left out")

    def close(self) -> None:
        """Let go of the source."""
        self._opened.__exit__(None, None, None)

    def _write(self, packet: av.Packet) -> None:
        index = packet.stream_index
        packet.stream = self._streams[index]
        try:
            self._out.mux(packet)
        except (av.error.ArgumentError, av.error.InvalidDataError):  # broken times
            self._failed[index] = self._failed.get(index, 0) + 1

    def _demux(self, streams: list[Stream]) -> Iterator[av.Packet]:
        """Packets in the order of the source; a file that breaks off ends there."""
        if not streams:
            return
        try:
            for packet in self._source.demux(*streams):
                if packet.pts is not None or packet.dts is not None:
                    yield packet
        except av.error.FFmpegError:
            self.warnings.append("the source breaks off: what comes after is lost")

    def _stream_pairs(self) -> list[tuple[int, Stream]]:
        return [(index, self._source.streams[index]) for index in self._streams]

    def _is_made_anew(self, stream: Stream) -> bool:
        """The tracks in which mp4 and mov keep chapters and the timecode: the muxer writes them by what the file says."""
        if stream.type != "data" or "mp4" not in self._source.format.name:
            return False
        return "timecode" in stream.metadata or (stream.name == "bin_data" and bool(self._source.chapters()))


def _can_carry(out: OutputContainer, stream: Stream) -> bool:
    """Whether a header with this stream alone can be written; formats say no in many ways, so it is tried."""
    if stream.type == "attachment" and out.format.name != "matroska":
        return False
    if stream.type == "subtitle" and out.format.name == "mpegts" and codec_of(stream) not in _TS_SUBTITLES:
        return False
    try:
        with av.open(io.BytesIO(), "w", format=out.format.name) as trial:
            _add(trial, stream)
            trial.start_encoding()
    except (av.error.FFmpegError, ValueError, RuntimeError):
        return False
    return True


def _add(out: OutputContainer, stream: Stream) -> Stream:
    """A stream of the same kind in the output."""
    if isinstance(stream, AttachmentStream):
        return out.add_attachment(stream.name or "attachment", stream.mimetype or "application/octet-stream", stream.data)
    if stream.codec_context is None and stream.type not in ("data", "attachment"):
        raise ValueError(f"no codec for {stream.type}")
    added = out.add_stream_from_template(stream, opaque=True)
    added.metadata.update(_words(stream.metadata))
    added.disposition = stream.disposition
    return added


def stale(key: str) -> bool:
    """Whether a word of metadata is about the encoding that is replaced, or written by every muxer anew."""
    return _STALE_TAG.match(key) is not None


def _words(metadata: dict[str, str]) -> dict[str, str]:
    """Metadata that is still true of the output."""
    return {key: value for key, value in metadata.items() if not stale(key)}


def _name(stream: Stream) -> str:
    """`audio stream 1 (aac)`, `cover picture 2 (mjpeg)`."""
    kind = "cover picture" if Disposition.attached_pic in stream.disposition else f"{stream.type} stream"
    return f"{kind} {stream.index} ({codec_of(stream) or 'unknown'})"


def _coarser(source: Fraction | None, written: Fraction | None) -> bool:
    """Whether times on the ticks of `source` can fall between those of `written`."""
    return source is not None and written is not None and (source / written).denominator != 1
