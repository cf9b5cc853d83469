"""Files opened and their packets decoded, whatever kind they are."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from PIL import Image, ImageSequence

from videdit.errors import UnreadableError
from videdit.video import stills
from videdit.video.formats import Kind, is_sequence, kind_of_file, numbered

SEQUENCE_RATE = 25  # pictures have no times
MILLISECOND = Fraction(1, 1000)


@contextmanager
def open_source(path: Path) -> Iterator[av.container.InputContainer]:
    """The opened container. What FFmpeg raises while it is open becomes UnreadableError."""
    try:
        container = _opened(path)
    except (av.error.FFmpegError, OSError) as error:
        message = f"{path} is no video or picture we can open: {_reason(error)}"
        raise UnreadableError(message, hint="Is it complete, and a video?") from error
    with container:
        try:
            yield container
        except av.error.FFmpegError as error:
            raise UnreadableError(f"{path} can't be decoded: {_reason(error)}", hint="The file is damaged or incomplete.") from error
        except (ValueError, ArithmeticError, LookupError) as error:  # a format or a number that PyAV can't take
            raise UnreadableError(
                f"{path} can't be decoded: {_reason(error)}", hint="The file is damaged, or of a kind we don't know."
            ) from error
        except MemoryError as error:
            raise UnreadableError(f"{path} takes more memory than there is", hint="Is it damaged, or its picture very large?") from error


def _opened(path: Path) -> av.container.InputContainer:
    """By what the file is. Raises OSError and FFmpegError."""
    if is_sequence(path):
        numbers = numbered(path)
        if not numbers:
            raise FileNotFoundError(f"no file is called {path.name} with a number")
        options = {"framerate": str(SEQUENCE_RATE), "start_number": str(next(iter(numbers)))}
        return av.open(f"file:{path}", "r", format="image2", options=options)
    kind = kind_of_file(path)
    if kind == "animation" and path.open("rb").read(4) == b"RIFF":
        stat = path.stat()
        return av.open(io.BytesIO(_unpacked(path, stat.st_mtime_ns, stat.st_size)), "r")
    # "file:" keeps a colon in a name from being taken for a protocol. A GIF's delays of 0.01 s are kept.
    options = {"min_delay": "1"} if kind == "gif" else {}
    return av.open(f"file:{path}", "r", options=options, metadata_errors="replace")


@lru_cache(maxsize=1)  # a file is opened several times in a row
def _unpacked(path: Path, changed: int, size: int) -> bytes:
    """An animated WebP, which FFmpeg can't decode, as lossless Matroska. Raises OSError."""
    try:
        return _as_matroska(path)
    except av.error.FFmpegError:
        raise
    except Exception as error:  # Pillow raises anything on damaged files
        raise OSError(str(error) or type(error).__name__) from error


def _as_matroska(path: Path) -> bytes:
    target = io.BytesIO()
    with Image.open(path) as image, av.open(target, "w", format="matroska") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = image.width, image.height, "bgra"
        stream.time_base = stream.codec_context.time_base = MILLISECOND
        stream.codec_context.flags |= av.codec.context.Flags.frame_duration
        now = 0
        for picture in ImageSequence.Iterator(image):
            picture.load()
            frame = av.VideoFrame.from_ndarray(np.asarray(picture.convert("RGBA")), format="rgba").reformat(format="bgra")
            frame.pts, frame.time_base, frame.duration = now, MILLISECOND, max(1, int(picture.info.get("duration", 0)))
            now += frame.duration
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target.getvalue()


def source_loop(path: Path, kind: Kind) -> int | None:
    """How often a GIF, an APNG or a WebP repeats; None where nothing is said."""
    return stills.gif_loop(path) if kind in ("gif", "animation") else None


def video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The stream that is edited: the first that is no cover picture. Raises UnreadableError."""
    for stream in container.streams.video:
        if av.stream.Disposition.attached_pic in stream.disposition:
            continue
        if stream.codec_context is None:
            raise UnreadableError(f"{path} holds video in a format this FFmpeg has no decoder for", hint="Convert it to H.264 first.")
        return stream
    raise UnreadableError(f"{path} has no video stream", hint="Give a file with pictures in it.")


def codec_of(stream: Stream) -> str:
    """FFmpeg's name of a stream's codec; "" where the file does not say, or names one that is unknown."""
    if stream.codec_context is not None:
        return str(stream.codec_context.name)
    return str(getattr(stream, "name", None) or "")  # only streams that nobody decodes have a name of their own


def promised_end(stream: av.VideoStream) -> Fraction | None:
    """When the stream ends by what the header says, in seconds; None where it does not say."""
    if stream.duration and stream.time_base:
        return Fraction((stream.start_time or 0) + stream.duration) * stream.time_base
    said = next((value for key, value in stream.metadata.items() if key.lower() == "duration"), "")
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", said)  # Matroska's tag, the time of the end
    return int(match[1]) * 3600 + int(match[2]) * 60 + Fraction(match[3]) if match else None


def decoder(stream: av.VideoStream) -> Callable[[av.Packet], list[Any]]:
    """What makes frames of the stream's packets. VP8 and VP9 with transparency are decoded by libvpx: FFmpeg's own leaves it out."""
    name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.name, "")
    if name and any(key.lower() == "alpha_mode" and value == "1" for key, value in stream.metadata.items()):
        try:
            context = av.CodecContext.create(name, "r")
        except ValueError:
            return lambda packet: list(packet.decode())
        assert isinstance(context, VideoCodecContext)
        context.extradata = stream.codec_context.extradata
        return lambda packet: list(context.decode(packet))
    return lambda packet: list(packet.decode())


def _reason(error: Exception) -> str:
    """FFmpeg's words, in one line."""
    return (str(getattr(error, "strerror", None) or error) or type(error).__name__).splitlines()[0].lower()
