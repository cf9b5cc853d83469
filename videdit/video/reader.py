"""Frames out of files: every frame once, upright, its planes as decoded."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import av.error

from videdit.errors import UnreadableError
from videdit.types import Frame
from videdit.video import stills
from videdit.video.color import color_of, display_matrix, orient, planar_format, planes_of, turned_format, turns
from videdit.video.hdr import kinds_not_kept
from videdit.video.opening import decoder, open_source, promised_end, video_stream
from videdit.video.patience import in_time
from videdit.video.probe import file_kind

BREAK = 0.5  # s; durations in headers are not exact

log = logging.getLogger(__name__)


def read_frames(path: Path | str, *, start: float | None = None, stop: float | None = None) -> FrameReader:
    """An iterator over the frames of a clip, GIF or picture, in the order they are shown.

    start and stop bound `Frame.time` (seconds; start <= time < stop). With a start the reader seeks to the key frame before it
    instead of decoding everything; the frames and their index are the same as without. Raises UnreadableError, also where the decoder
    stands still.
    """
    return FrameReader(Path(path), start=start, stop=stop)


class FrameReader(Iterator[Frame]):
    """Iterates over frames.

    steps counts the packets taken so far: while a decoder works, it grows. Where it does not for a while (see patience), it is given up.
    damaged counts the packets skipped so far because they can't be decoded (the frame before then stands longer), concealed the frames of
    which the decoder had to make up a part, moved those that do not come behind the frame before by their time: they are put a tick behind
    it, so that times always increase; missing are the seconds by which the file ends before the time it promises; not_kept names
    what came with frames and can't be written again.
    """

    def __init__(self, path: Path, *, start: float | None = None, stop: float | None = None) -> None:
        self.path, self.start, self.stop = path, start, stop
        self.damaged = self.concealed = self.moved = self.steps = 0
        self.missing = 0.0
        self.not_kept: set[str] = set()
        self._frames = self._read()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        found = in_time(partial(next, self._frames, None), self.path, steps=lambda: self.steps)
        if found is None:
            raise StopIteration
        return found

    def close(self) -> None:
        """Let go of the file before the end."""
        with contextlib.suppress(ValueError):  # a decoder that was given up is still in it
            self._frames.close()

    @property
    def remarks(self) -> list[str]:
        """What was damaged or can't be kept so far, in words for a user."""
        said = [f"{self.damaged} packets can't be decoded and are left out: the frames before them stand longer"] if self.damaged else []
        if self.concealed:
            said.append(f"{self.concealed} damaged frames are shown as far as they can be decoded, the rest is concealed")
        if self.moved:
            said.append(f"{self.moved} frames with times that are not later than those before them are moved on by a tick")
        if self.missing:
            said.append(f"the file breaks off {self.missing:.2f} s before the end it promises")
        return said + [f"{kind} can't be written again: left out" for kind in sorted(self.not_kept)]

    def _read(self):  # type: ignore[no-untyped-def]  # a generator: close() is needed
        if file_kind(self.path) == "picture":
            yield stills.read_picture(self.path)[0]
            return
        found = False
        for frame in self._window():
            found = True
            yield frame
        if self.damaged:
            log.warning("%s: %d damaged packets skipped", self.path, self.damaged)
        if self.concealed:
            log.warning("%s: %d damaged frames concealed", self.path, self.concealed)
        if not found and self.start is None and self.stop is None:
            raise UnreadableError(f"{self.path}: no frame can be decoded", hint="The file is damaged or incomplete.")

    def _window(self) -> Iterator[Frame]:
        """Frames between start and stop."""
        for frame in self._from_start() if self.start is None else self._from_seek(self.start):
            if self.stop is not None and frame.time >= self.stop:
                return
            if self.start is None or frame.time >= self.start:
                yield frame

    def _from_start(self) -> Iterator[Frame]:
        with open_source(self.path) as container:
            stream = video_stream(container, self.path)
            yield from self._decode(container, stream, 0)

    def _from_seek(self, start: float) -> Iterator[Frame]:
        """From the key frame at or before `start`; from the beginning where the container can't seek there."""
        with open_source(self.path) as container:
            stream = video_stream(container, self.path)
            assert stream.time_base is not None
            try:
                container.seek(int(start / stream.time_base), stream=stream)
            except av.error.FFmpegError:
                frames, first = None, None
            else:
                frames = self._decode(container, stream, 0)
                first = next(frames, None)
            if frames is None or first is None or first.time > start:
                self.damaged = self.concealed = self.moved = 0
                yield from self._from_start()
                return
            offset = self._count_before(first.pts)
            first.index += offset
            yield first
            for frame in frames:
                frame.index += offset
                yield frame

    def _count_before(self, pts: int) -> int:
        """How many frames are shown before the one at `pts`, counted in the packets."""
        count = 0
        with open_source(self.path) as container:
            stream = video_stream(container, self.path)
            for packet in container.demux(stream):
                self.steps += 1
                if packet.dts is not None and packet.dts >= pts:
                    break
                count += packet.pts is not None and packet.pts < pts and not packet.is_discard
        return count

    def _decode(self, container: av.container.InputContainer, stream: av.VideoStream, index: int) -> Iterator[Frame]:
        """Every frame from where the container stands."""
        stream.thread_type = "AUTO"
        for other in container.streams:
            if other.index != stream.index:
                other.discard = av.stream.Discard.all
        last: Frame | None = None
        decode = decoder(stream)
        for packet in self._packets(container, stream):
            self.steps += 1
            try:
                decoded = decode(packet)
            except av.error.FFmpegError:
                self.damaged += 1
                continue
            for picture in decoded:
                self.concealed += bool(picture.is_corrupt)
                self.not_kept |= kinds_not_kept(picture)
                frame = _to_frame(picture, stream, index, last)
                if last is not None and frame.pts <= last.pts:
                    frame.pts = last.pts + 1
                    self.moved += 1
                last = frame
                index += 1
                yield last
        promised = promised_end(stream)
        if last is not None and promised is not None:
            missing = promised - (last.pts + last.duration) * last.time_base
            self.missing = float(missing) if missing > BREAK else 0.0

    def _packets(self, container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet]:
        """The stream's packets; a file that breaks off ends there. The decoder is emptied in either case."""
        try:
            yield from container.demux(stream)
        except av.error.FFmpegError:
            self.damaged += 1
            flush = av.Packet()
            flush.stream = stream
            yield flush


def _to_frame(picture: av.VideoFrame, stream: av.VideoStream, index: int, last: Frame | None) -> Frame:
    """Our frame, upright. A frame without a time comes one frame after the last."""
    matrix = display_matrix(picture)
    name = planar_format(picture.format.name)
    assert stream.time_base is not None
    duration = int(picture.duration or 0)
    pts = picture.pts if picture.pts is not None else picture.dts
    if pts is None:
        rate = stream.average_rate or stream.guessed_rate or 25
        step = max(1, round(1 / (rate * stream.time_base)))
        pts = last.pts + (last.duration or step) if last is not None else 0
    return Frame(
        orient(planes_of(picture), matrix),
        color_of(picture),
        turned_format(name) if turns(matrix) else name,
        pts,
        stream.time_base,
        index,
        duration,
    )


def frame_times(path: Path | str) -> list[float]:
    """The times of all frames in seconds, in order, read from the packets without decoding. Raises UnreadableError."""
    path, ticks = Path(path), list[int]()
    time_base = in_time(partial(_read_ticks, path, ticks), path, steps=lambda: len(ticks))
    return [float(tick * time_base) for tick in sorted(ticks)]


def _read_ticks(path: Path, ticks: list[int]) -> Fraction:
    """Fill in the pts of all frames as they come; what they count, in s. Raises UnreadableError."""
    if file_kind(path) == "picture":
        ticks.append(0)
        return Fraction(1)
    with open_source(path) as container:
        stream = video_stream(container, path)
        assert stream.time_base is not None
        for packet in container.demux(stream):
            if packet.pts is not None and not packet.is_discard:
                ticks.append(packet.pts)
        return stream.time_base
