"""Which encoders this FFmpeg has, whether they can be opened here, and which containers take them."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass

import av
import av.codec
import av.error

from videdit.video.encoders import ENCODERS, Encoder
from videdit.video.formats import CONTAINERS

TRIAL_SIZE = 256  # px; hardware refuses much smaller pictures


@dataclass(frozen=True, slots=True)
class Listed:
    """An encoder: whether it could be opened, and if not why; suffixes of the containers that take it; its quality by default."""

    name: str
    usable: bool
    reason: str
    suffixes: tuple[str, ...]
    quality: str


def list_encoders() -> list[Listed]:
    """The known encoders that this FFmpeg was built with, tried one by one."""
    os.environ.setdefault("SVT_LOG", "1")
    found = []
    for name, encoder in ENCODERS.items():
        try:
            av.codec.Codec(name, "w")
        except ValueError:
            continue
        taken, reason = [], ""
        for suffix, container in _containers().items():
            try:
                taken += [suffix] if _trial(name, encoder, container) else []
            except (av.error.FFmpegError, OSError, RuntimeError) as error:
                reason = _why(name, error)  # a device that is missing is so for the next container too
                break
        found.append(Listed(name, bool(taken), "" if taken else reason, tuple(taken), _quality(encoder)))
    return found


def _containers() -> dict[str, str]:
    """A suffix of each container, and FFmpeg's name of it."""
    first: dict[str, str] = {}
    for suffix, container in CONTAINERS.items():
        first.setdefault(container, suffix)
    return {suffix: container for container, suffix in first.items()}


def _trial(name: str, encoder: Encoder, container: str) -> bool:
    """Whether a frame comes back from a file in this container. Raises what FFmpeg raises when the encoder can't be opened."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as out:
        try:
            stream = out.add_stream(name, rate=25, options=dict(encoder.options))
        except ValueError:
            return False
        assert isinstance(stream, av.VideoStream)
        formats = [layout.name for layout in av.codec.Codec(name, "w").video_formats or ()] or ["yuv420p"]
        pix_fmt = next((wanted for wanted in ("yuv420p", "nv12") if wanted in formats), formats[0])
        stream.width = stream.height = TRIAL_SIZE
        stream.pix_fmt = pix_fmt
        stream.codec_context.open()
        frame = av.VideoFrame(TRIAL_SIZE, TRIAL_SIZE, pix_fmt)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = 0
        try:
            out.mux([*stream.encode(frame), *stream.encode(None)])
        except av.error.FFmpegError:  # the container says no when its header is written
            return False
    return _readable(target)


def _readable(target: io.BytesIO) -> bool:
    """Some muxers take anything and write what nobody can read."""
    target.seek(0)
    try:
        with av.open(target, "r") as written:
            return next(written.decode(video=0), None) is not None
    except (av.error.FFmpegError, IndexError):
        return False


def _why(name: str, error: Exception) -> str:
    """In words; what is missing is nearly always the device."""
    hardware = {"nvenc": "NVIDIA", "qsv": "Intel", "amf": "AMD", "videotoolbox": "Apple", "v4l2m2m": "V4L2"}
    maker = next((maker for ending, maker in hardware.items() if name.endswith(ending)), "")
    if maker:
        return f"no {maker} device, or its driver is missing"
    return str(getattr(error, "strerror", None) or error).splitlines()[0].lower()


def _quality(encoder: Encoder) -> str:
    """`crf 17`, or that it has none."""
    return f"{encoder.quality} {encoder.default:g}" if encoder.quality else "its own"
