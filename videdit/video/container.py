"""Frames into a video container, in step with the packets copied from the source."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error

from videdit.errors import OutputError, UnreadableError
from videdit.types import Frame
from videdit.video.copying import Copier
from videdit.video.encoders import add_video, narrows
from videdit.video.encoding import LATER, Encoding, Times
from videdit.video.losses import losses
from videdit.video.opening import open_source, video_stream
from videdit.video.probe import ClipInfo, first_time, probe

# Matroska can hold the times below zero with which AAC begins; by default everything would be moved on by them. And it would draw
# numbers for the file and its tracks: the same input would give other bytes every time.
MATROSKA = {"avoid_negative_ts": "disabled", "fflags": "+bitexact"}
OPTIONS = {"matroska": MATROSKA, "webm": MATROSKA}
OTHER = "Choose another format, such as .mkv, .mp4 or .mov."
MOVIES = ("mp4", "mov", "3gp")
MAX_TICKS = (1 << 31) - 1  # of a movie's time scale
# A transport stream of 9 or 10 packets is none to FFmpeg. Null packets, which everybody skips, make a short one long enough.
TS_LEAST, TS_NULL = 16, b"\x47\x1f\xff\x10" + b"\xff" * 184


class CopiesRefusedError(OutputError):
    """No whole file comes of pictures and what is copied beside them."""


class Muxer:
    """Writes packets of pictures beside everything else of the source (copies False: alone); `warnings` is complete after `finish`.

    `open` makes the stream, `mux` takes its packets in order; see ContainerSink and segments.SegmentSink for who makes them.
    """

    def __init__(
        self, part: Path, container: str, info: ClipInfo, *, crf: float | None, encoder: str, note: str = "", copies: bool = True
    ) -> None:
        self.warnings: list[str] = []
        self.steps = 0  # packets of pictures that were given to the muxer
        self._part, self._info, self._crf, self._encoder, self._note = part, info, crf, encoder, note
        self._copies = copies
        self._out = av.open(f"file:{part}", "w", format=container, container_options=dict(OPTIONS.get(container, {})))
        self._copier: Copier | None = None
        self._stream: av.VideoStream | None = None
        self._first_dts = Fraction(0)
        self._narrowed = False
        self._held: av.Packet | None = None  # the newest packet; the very last one gets another duration
        self._refusal: av.error.FFmpegError | None = None  # what it said when it took one of somebody's

    def open(self, frame: Frame) -> tuple[av.VideoStream, Fraction]:
        """Set up all streams by the first frame and write the header; the stream, and the ticks in which its encoder counts, s."""
        name = self._out.format.name
        time_base = ticks_of(self._info, frame, name)
        self._copier = Copier(self._info.path, self._out)
        if self._copies:
            self._copier.add_streams(before_video=True)
        stream, warnings = add_video(self._out, self._encoder, frame, self._info, crf=self._crf, time_base=time_base)
        self.warnings += warnings
        if self._copies:
            self._copier.add_streams(before_video=False)
        self._copier.start(stream, note=self._note)
        if name in MOVIES:
            self._out.container_options.update(_movie_options([time_base, *self._copier.time_bases], self._out.metadata))
        self._out.start_encoding()
        self._copier.check_ticks()
        if stream.time_base and (frame.time_base / stream.time_base).denominator != 1:
            self.warn(f"{name} counts time in coarser ticks: times of frames are kept within half a tick of {stream.time_base} s")
        self._narrowed = narrows(frame, stream.codec_context.name, name)
        self._stream = stream
        return stream, time_base

    def mux(self, packets: Iterable[av.Packet]) -> None:
        """Write packets, but for the newest, and copy what belongs before them."""
        assert self._copier is not None
        for packet in packets:
            if self._held is not None:
                self._put(self._held)
            else:
                self._first_dts = (packet.dts or 0) * packet.time_base
            self._copier.copy_until((packet.dts or 0) * packet.time_base)
            self._held = packet

    def finish(self, times: Times) -> None:
        """Write the last packet, copy the rest, close the file. Raises OutputError, CopiesRefusedError."""
        assert self._copier is not None
        self._mux_last(times)
        if times.moved:
            self.warn(LATER)
        self._copier.finish()
        self._close()
        self.warnings += self._copier.warnings
        self._copier.close()
        try:
            self._check_pictures()
            self._check_start(times)
            self._say_losses(self._copier.copied)
        except UnreadableError as error:
            raise self._unfit() from error

    def abort(self) -> None:
        """Close everything."""
        if self._copier is not None:
            self._copier.close()
        self._out.close()

    def _mux_last(self, times: Times) -> None:
        """mp4 and mov add up the steps of dts for the length of a track: the last one makes the last frame as long as it was."""
        if self._held is None or times.first is None:
            return
        if self._out.format.name in MOVIES:
            steps = (self._held.dts or 0) * self._held.time_base - self._first_dts
            rest = times.end - times.first - steps
            self._held.duration = max(round(rest / self._held.time_base), 0)
        self._put(self._held)

    def _put(self, packet: av.Packet) -> None:
        """Write a packet of pictures. What a muxer does not take of a copied stream may show only here, for it sorts packets first."""
        self.steps += 1
        with self._patient():
            self._out.mux(packet)

    def _close(self) -> None:
        """Write what the muxer still holds, and the file's end."""
        with self._patient():
            self._out.close()
        if self._out.format.name == "mpegts":
            with self._part.open("ab") as file:
                file.write(TS_NULL * (TS_LEAST - self._part.stat().st_size // len(TS_NULL)))

    @contextlib.contextmanager
    def _patient(self) -> Iterator[None]:
        """A refusal counts only where pictures are missing in the end, or nothing is copied that it could be about."""
        assert self._copier is not None
        try:
            yield
        except (av.error.ArgumentError, av.error.InvalidDataError) as error:
            if not self._copier.copied:
                raise
            self._refusal = error

    def _check_pictures(self) -> None:
        """After a refusal: whether all pictures are there all the same. Raises CopiesRefusedError, UnreadableError."""
        if self._refusal is None:
            return
        with open_source(self._part) as written:
            found = sum(bool(packet.size) for packet in written.demux(video_stream(written, self._part)))
        if found != self.steps:
            raise self._unfit()
        self.warn(f"{self._out.format.name} does not take all packets of the copied streams: some are left out")

    def _unfit(self) -> OutputError:
        """Why what was written is no good, as far as the muxer has said."""
        name, reason = self._out.format.name, (self._refusal and self._refusal.strerror) or "it can't be read again"
        kind = CopiesRefusedError if self._refusal else OutputError
        return kind(f"{name} does not take {self._info.path.name}: {reason.lower()}", hint=OTHER)

    def _check_start(self, times: Times) -> None:
        """Say so when the muxer moved everything on, as formats do that can't hold times below zero."""
        start = first_time(self._part)
        if start is None or times.first is None or self._stream is None:
            return
        moved = start - times.first
        if abs(moved) > (self._stream.time_base or 0):
            self.warn(f"{self._out.format.name} can't hold times below zero: everything begins {float(moved):+.3f} s later")

    def _say_losses(self, copied: dict[int, int]) -> None:
        """Whatever the written file does not say any more, for reasons nobody foresaw, is said here."""
        for text in losses(self._info, probe(self._part), copied=copied, format_name=self._out.format.name):
            if not (self._narrowed and " the range " in text):  # was said when it was decided
                self.warn(text)

    def warn(self, text: str) -> None:
        """Say something once."""
        if text not in self.warnings:
            self.warnings.append(text)


class ContainerSink:
    """Encodes frames and writes them beside everything else of the source; `warnings` is complete after `finish`."""

    def __init__(self, part: Path, container: str, info: ClipInfo, *, crf: float | None, encoder: str, note: str = "") -> None:
        self._info, self._container = info, container
        self._muxer = Muxer(part, container, info, crf=crf, encoder=encoder, note=note)
        self._encoding: Encoding | None = None

    @property
    def warnings(self) -> list[str]:
        """What could not be kept."""
        return self._muxer.warnings

    @property
    def steps(self) -> int:
        """Grows while a call of this sink gets on."""
        return self._muxer.steps + (self._encoding.steps if self._encoding else 0)

    def write(self, frame: Frame) -> None:
        """Encode a frame, and copy what belongs before it."""
        if self._encoding is None:
            stream, time_base = self._muxer.open(frame)
            self._encoding = Encoding(stream, self._info, frame, container=self._container, time_base=time_base, times=Times())
        self._muxer.mux(self._encoding.encode(frame))

    def finish(self) -> None:
        """Empty the encoder, copy the rest, close the file."""
        assert self._encoding is not None
        self._muxer.mux(self._encoding.rest())
        self._muxer.finish(self._encoding.times)

    def abort(self) -> None:
        """Close everything."""
        self._muxer.abort()


def ticks_of(info: ClipInfo, frame: Frame, container: str) -> Fraction:
    """The ticks, in s, in which a container (FFmpeg's name) wants frames like this one. Raises OutputError for AVI, see `_avi_tick`."""
    return _avi_tick(info) if container == "avi" and info.container != "avi" else frame.time_base


def _avi_tick(info: ClipInfo) -> Fraction:
    """AVI counts frames, not time. Raises OutputError when they are not evenly spaced."""
    if info.variable_rate or not info.rate:
        raise OutputError(f"avi can't carry the variable frame rate of {info.path.name}", hint="Choose .mp4, .mov or .mkv.")
    return 1 / info.rate


def _movie_options(time_bases: list[Fraction], metadata: dict[str, str]) -> dict[str, str]:
    """Options of the mp4 and mov muxer: a time scale in which every stream's edit list is exact, the index in front."""
    scale = math.lcm(*(time_base.denominator for time_base in time_bases))
    flags = "+faststart"
    if any("." in key for key in metadata):  # words like com.apple.quicktime.*, which only this layout holds
        flags += "+use_metadata_tags"
    return {"movflags": flags, "movie_timescale": str(scale if scale <= MAX_TICKS else max(t.denominator for t in time_bases))}
