"""Pictures that move, and pictures in a row: APNG, animated WebP and numbered files, written frame by frame."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from videdit.types import Frame
from videdit.video import notes, stills
from videdit.video.color import to_video_frame
from videdit.video.formats import at_number, numbered, part_of
from videdit.video.opening import SEQUENCE_RATE
from videdit.video.probe import ClipInfo

TICK = Fraction(1, 1000)
DEEP = {".png": ("png", "rgb48be", "rgba64be"), ".tif": ("tiff", "rgb48le", "rgba64le"), ".tiff": ("tiff", "rgb48le", "rgba64le")}


class AnimationSink:
    """Writes an APNG or an animated WebP: RGB with transparency, lossless; WebP with losses where the source had some.

    Times are rounded to milliseconds.
    """

    def __init__(self, part: Path, info: ClipInfo, *, container: str, note: str = "") -> None:
        self.warnings: list[str] = [notes.no_place(container)] if note else []
        self._part, self._kind = part, container
        loop = info.loop if info.kind in ("gif", "animation") else 0
        plays = {"plays" if container == "apng" else "loop": str(1 if loop is None else loop)}
        self._out = av.open(f"file:{part}", "w", format=container, container_options=plays)
        self._lossless = info.color.matrix == "rgb"
        self._stream: av.VideoStream | None = None
        self._last, self._duration = -1, 0
        if info.streams or info.chapters:
            self.warnings.append("a picture that moves has no sound: sound and everything else is left out")
        if info.color.curve:
            self.warnings.append("HDR is written as an SDR picture")

    def write(self, frame: Frame) -> None:
        """Add a frame."""
        exact = frame.pts * frame.time_base / TICK
        pts = max(round(exact), self._last + 1)
        if pts != exact:
            self._warn("times are rounded to milliseconds")
        stream = self._stream or self._open(frame)
        pixels = stills.rgb_pixels(frame)
        if pixels.shape[2] == 3:
            pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgba")
        if stream.pix_fmt != "rgba":
            picture = picture.reformat(format=stream.pix_fmt)
        picture.pts, picture.time_base = pts, TICK
        self._duration = max(1, round(frame.duration * frame.time_base / TICK)) if frame.duration else max(1, pts - self._last)
        picture.duration = self._duration
        self._last = pts
        self._out.mux(stream.encode(picture))

    def finish(self) -> None:
        """Write what is left, and how long the last frame stands, which FFmpeg does not ask for. Raises OSError."""
        if self._stream is not None:
            self._out.mux(self._stream.encode(None))
        self._out.close()
        data = bytearray(self._part.read_bytes())
        (_end_apng if self._kind == "apng" else _end_webp)(data, self._duration)
        self._part.write_bytes(data)

    def abort(self) -> None:
        """Let go of the file."""
        self._out.close()

    def _open(self, frame: Frame) -> av.VideoStream:
        if frame.color.depth > 8:
            self._warn(f"{frame.color.depth} bits a sample are written as 8")
        if self._kind == "apng":
            stream = self._out.add_stream("apng", rate=1000)
            stream.pix_fmt = "rgba"
        else:
            quality = {"lossless": "1"} if self._lossless else {"quality": str(stills.QUALITY)}
            stream = self._out.add_stream("libwebp_anim", rate=1000, options=quality)
            stream.pix_fmt = "bgra"
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = frame.width, frame.height
        stream.time_base = stream.codec_context.time_base = TICK
        stream.codec_context.flags |= av.codec.context.Flags.frame_duration
        self._stream = stream
        return stream

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _end_apng(data: bytearray, milliseconds: int) -> None:
    """Set the delay of the last frame: a fraction of two 16-bit numbers in its fcTL chunk, whose checksum follows. In place."""
    at, last = 8, None
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] == b"fcTL":
            last = at
        at += 12 + length
    if last is not None:
        struct.pack_into(">HH", data, last + 8 + 20, min(milliseconds, 65535), 1000)
        struct.pack_into(">I", data, last + 8 + 26, zlib.crc32(data[last + 4 : last + 8 + 26]))


def _end_webp(data: bytearray, milliseconds: int) -> None:
    """Set the duration of the last frame, 24 bits in its ANMF chunk. In place."""
    at, last = 12, None
    while at + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        if data[at : at + 4] == b"ANMF":
            last = at
        at += 8 + length + length % 2
    if last is not None:
        data[last + 20 : last + 23] = min(milliseconds, (1 << 24) - 1).to_bytes(3, "little")


class SequenceSink:
    """Writes every frame as a picture with a number; the files take their names when all are there."""

    def __init__(self, target: Path, info: ClipInfo, *, note: str = "") -> None:
        self.warnings: list[str] = []
        self._target, self._info, self._note = target, info, note
        source = numbered(info.path) if info.kind == "sequence" else {}
        self._number = next(iter(source), 1)
        self._parts: list[tuple[Path, Path]] = []
        if info.streams or info.chapters:
            self.warnings.append("pictures in a row have no sound: sound and everything else is left out")
        if info.kind != "sequence" and (info.variable_rate or info.rate != SEQUENCE_RATE):
            self.warnings.append("pictures in a row have no times: those of the frames are not kept")
        if info.color.curve:
            self.warnings.append("HDR is written as SDR pictures")

    def write(self, frame: Frame) -> None:
        """Write a picture. Raises OSError."""
        place = at_number(self._target, self._number)
        part = part_of(place)
        self._parts.append((part, place))
        self._number += 1
        deep = DEEP.get(place.suffix.lower())
        if frame.color.depth > 8 and deep and not frame.color.curve:
            part.write_bytes(_deep_picture(frame, deep[0], deep[2] if len(frame.planes) == 4 else deep[1]))
            if self._note:
                self._warn(notes.no_place(f"{deep[0].upper()} of 16 bits"))
            return
        if frame.color.depth > 8:
            self._warn(f"{frame.color.depth} bits a sample are written as 8")
        for warning in stills.write_picture(frame, part, place, None, note=self._note):
            self._warn(warning)

    def finish(self) -> None:
        """Move all in place. Raises OSError."""
        for part, place in self._parts:
            os.replace(part, place)
        self._parts = []

    def abort(self) -> None:
        """Remove what was written."""
        for part, _ in self._parts:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _deep_picture(frame: Frame, encoder: str, pix_fmt: str) -> bytes:
    """A picture file with 16 bits a sample."""
    target = io.BytesIO()
    with av.open(target, "w", format="image2pipe") as out:
        stream = out.add_stream(encoder, rate=1)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pix_fmt
        picture = to_video_frame(frame).reformat(format=pix_fmt)
        picture.pts, picture.time_base = 0, Fraction(1)
        out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return target.getvalue()
