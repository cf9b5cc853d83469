"""Frames to packets: one encoder at work, in the right samples and at times that increase."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import av.filter

from videdit.types import Frame
from videdit.video.color import FULL_RANGE, is_rgb, to_video_frame
from videdit.video.encoders import ENCODERS, Encoder, narrows, written_space
from videdit.video.probe import ClipInfo

LATER = "frames with the time of the one before are moved on by a tick"


@dataclass(slots=True)
class Times:
    """Where an encoder stands: time of the first frame and the end of the last one in s, pts of the last one."""

    first: Fraction | None = None
    end: Fraction = Fraction(0)
    last: int = 0
    moved: bool = False  # a frame had the time of the one before

    def place(self, frame: Frame) -> int:
        """The pts of the next frame."""
        pts = frame.pts
        if self.first is not None and pts <= self.last:
            pts, self.moved = self.last + 1, True
        self.first = pts * frame.time_base if self.first is None else self.first
        self.end = (pts + (frame.duration or max(0, pts - self.last))) * frame.time_base
        self.last = pts
        return pts


class Encoding:
    """The encoder of a stream that `add_video` has made, in a container of a format (FFmpeg's name); times go on from `times`.

    steps counts the packets that came at the end, where the encoder works through all that it still holds.
    """

    def __init__(self, stream: av.VideoStream, info: ClipInfo, frame: Frame, *, container: str, time_base: Fraction, times: Times) -> None:
        self.times = times
        self.steps = 0
        self._stream = stream
        self.narrowed = narrows(frame, stream.codec_context.name, container)
        self._fields: av.filter.Graph | None = None
        if info.fields and ENCODERS.get(stream.codec_context.name, Encoder()).fields:
            self._fields = _field_graph(stream, time_base, info.fields)

    def encode(self, frame: Frame) -> list[av.Packet]:
        """The packets that are finished by now."""
        picture = to_video_frame(frame)
        if self.narrowed or frame.pix_fmt != self._stream.pix_fmt:
            picture = _converted(picture, frame, self._stream.pix_fmt or "yuv420p", narrowed=self.narrowed)
        picture.pts = self.times.place(frame)
        if self._fields is not None:
            picture = _flagged(picture, self._fields)
        return list(self._stream.encode(picture))

    def rest(self) -> list[av.Packet]:
        """All that the encoder still holds; it takes no more frames."""
        packets = []
        for packet in self._stream.codec_context.encode_lazy(None):
            self.steps += 1
            packet.stream = self._stream
            packets.append(packet)
        return packets


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
