"""Frames into a video container, in step with the packets copied from the source."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import av
import av.filter

from videdit.errors import OutputError
from videdit.types import Frame
from videdit.video.color import FULL_RANGE, is_rgb, to_video_frame
from videdit.video.copying import Copier
from videdit.video.encoders import ENCODERS, Encoder, add_video, narrows, written_space
from videdit.video.losses import losses
from videdit.video.probe import ClipInfo, first_time, probe

# Matroska can hold the times below zero with which AAC begins; by default everything would be moved on by them.
OPTIONS = {"matroska": {"avoid_negative_ts": "disabled"}, "webm": {"avoid_negative_ts": "disabled"}}
MOVIES = ("mp4", "mov", "3gp")
MAX_TICKS = (1 << 31) - 1  # of a movie's time scale


class ContainerSink:
    """Encodes frames and writes them beside everything else of the source; `warnings` is complete after `finish`."""

    def __init__(self, part: Path, container: str, info: ClipInfo, *, crf: float | None, encoder: str, note: str = "") -> None:
        self.warnings: list[str] = []
        self._part, self._info, self._crf, self._encoder, self._note = part, info, crf, encoder, note
        self._out = av.open(f"file:{part}", "w", format=container, container_options=dict(OPTIONS.get(container, {})))
        self._copier: Copier | None = None
        self._stream: av.VideoStream | None = None
        self._first: Fraction | None = None  # s, of the first frame
        self._end = Fraction(0)  # s, of the last frame
        self._last = 0  # pts of the last frame
        self._first_dts = Fraction(0)
        self._narrowed = False
        self._fields: av.filter.Graph | None = None
        self._held: av.Packet | None = None  # the newest packet; the very last one gets another duration

    def write(self, frame: Frame) -> None:
        """Encode a frame, and copy what belongs before it."""
        stream = self._stream or self._open(frame)
        picture = to_video_frame(frame)
        if self._narrowed or frame.pix_fmt != stream.pix_fmt:
            picture = _converted(picture, frame, stream.pix_fmt or "yuv420p", narrowed=self._narrowed)
        pts = frame.pts
        if self._first is not None and pts <= self._last:
            pts = self._last + 1
            self._warn("frames with the time of the one before are moved on by a tick")
        self._first = pts * frame.time_base if self._first is None else self._first
        self._end = (pts + (frame.duration or max(0, pts - self._last))) * frame.time_base
        self._last = picture.pts = pts
        if self._fields is not None:
            picture = _flagged(picture, self._fields)
        self._mux(stream.encode(picture))

    def finish(self) -> None:
        """Empty the encoder, copy the rest, close the file."""
        assert self._stream is not None
        assert self._copier is not None
        self._mux(self._stream.encode(None))
        self._mux_last()
        self._copier.finish()
        self.warnings += self._copier.warnings
        self._out.close()
        self._copier.close()
        self._check_start()
        self._say_losses(self._copier.copied)

    def abort(self) -> None:
        """Close everything."""
        if self._copier is not None:
            self._copier.close()
        self._out.close()

    def _open(self, frame: Frame) -> av.VideoStream:
        """Set up all streams by the first frame and write the header."""
        info, name = self._info, self._out.format.name
        time_base = _avi_tick(info) if name == "avi" and info.container != "avi" else frame.time_base
        self._copier = Copier(info.path, self._out)
        self._copier.add_streams(before_video=True)
        stream, warnings = add_video(self._out, self._encoder, frame, info, crf=self._crf, time_base=time_base)
        self.warnings += warnings
        self._copier.add_streams(before_video=False)
        self._copier.start(stream, note=self._note)
        if name in MOVIES:
            self._out.container_options.update(_movie_options([time_base, *self._copier.time_bases], self._out.metadata))
        self._out.start_encoding()
        self._copier.check_ticks()
        if stream.time_base and (frame.time_base / stream.time_base).denominator != 1:
            self._warn(f"{name} counts time in coarser ticks: times of frames are kept within half a tick of {stream.time_base} s")
        self._narrowed = narrows(frame, stream.codec_context.name, name)
        if info.fields and ENCODERS.get(stream.codec_context.name, Encoder()).fields:
            self._fields = _field_graph(stream, time_base, info.fields)
        self._stream = stream
        return stream

    def _mux(self, packets: list[av.Packet]) -> None:
        """Write packets, but for the newest."""
        assert self._copier is not None
        for packet in packets:
            if self._held is not None:
                self._out.mux(self._held)
            else:
                self._first_dts = (packet.dts or 0) * packet.time_base
            self._copier.copy_until((packet.dts or 0) * packet.time_base)
            self._held = packet

    def _mux_last(self) -> None:
        """mp4 and mov add up the steps of dts for the length of a track: the last one makes the last frame as long as it was."""
        if self._held is None or self._first is None:
            return
        if self._out.format.name in MOVIES:
            steps = (self._held.dts or 0) * self._held.time_base - self._first_dts
            rest = self._end - self._first - steps
            self._held.duration = max(round(rest / self._held.time_base), 0)
        self._out.mux(self._held)

    def _check_start(self) -> None:
        """Say so when the muxer moved everything on, as formats do that can't hold times below zero."""
        start = first_time(self._part)
        if start is None or self._first is None or self._stream is None:
            return
        moved = start - self._first
        if abs(moved) > (self._stream.time_base or 0):
            self._warn(f"{self._out.format.name} can't hold times below zero: everything begins {float(moved):+.3f} s later")

    def _say_losses(self, copied: dict[int, int]) -> None:
        """Whatever the written file does not say any more, for reasons nobody foresaw, is said here."""
        for text in losses(self._info, probe(self._part), copied=copied, format_name=self._out.format.name):
            if not (self._narrowed and " the range " in text):  # was said when it was decided
                self._warn(text)

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _avi_tick(info: ClipInfo) -> Fraction:
    """AVI counts frames, not time. Raises OutputError when they are not evenly spaced."""
    if info.variable_rate or not info.rate:
        raise OutputError(f"avi can't carry the variable frame rate of {info.path.name}", hint="Choose .mp4, .mov or .mkv.")
    return 1 / info.rate


def _field_graph(stream: av.VideoStream, time_base: Fraction, fields: str) -> av.filter.Graph:
    """A filter that marks frames as two fields: PyAV can't set that itself."""
    graph = av.filter.Graph()
    shape = f"video_size={stream.width}x{stream.height}:pix_fmt={stream.pix_fmt}:time_base={time_base}:pixel_aspect=1/1"
    nodes = graph.add("buffer", shape), graph.add("setparams", f"field_mode={'bff' if fields == 'bff' else 'tff'}"), graph.add("buffersink")
    nodes[0].link_to(nodes[1])
    nodes[1].link_to(nodes[2])
    graph.configure()
    return graph


def _flagged(picture: av.VideoFrame, graph: av.filter.Graph) -> av.VideoFrame:
    """The same picture with the graph's flags."""
    graph.push(picture)
    out = graph.pull()
    assert isinstance(out, av.VideoFrame)
    return out


def _converted(picture: av.VideoFrame, frame: Frame, pix_fmt: str, *, narrowed: bool) -> av.VideoFrame:
    """The picture in the encoder's format. Luma keeps its values unless the depth changes; RGB becomes YUV by the written tags."""
    pts, time_base, duration = picture.pts, picture.time_base, picture.duration
    space, _ = written_space(frame, pix_fmt)
    if is_rgb(frame.pix_fmt):
        out = picture.reformat(format=pix_fmt, dst_colorspace=space, dst_color_range=1)
    else:
        same = FULL_RANGE if frame.color.full_range else 1
        out = picture.reformat(format=pix_fmt, src_color_range=same, dst_color_range=1 if narrowed else same)
    out.pts, out.time_base, out.duration = pts, time_base, duration
    return out


def _movie_options(time_bases: list[Fraction], metadata: dict[str, str]) -> dict[str, str]:
    """Options of the mp4 and mov muxer: a time scale in which every stream's edit list is exact, the index in front."""
    scale = math.lcm(*(time_base.denominator for time_base in time_bases))
    flags = "+faststart"
    if any("." in key for key in metadata):  # words like com.apple.quicktime.*, which only this layout holds
        flags += "+use_metadata_tags"
    return {"movflags": flags, "movie_timescale": str(scale if scale <= MAX_TICKS else max(t.denominator for t in time_bases))}
