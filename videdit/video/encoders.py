"""Video encoders: how each is told its quality, and how one is opened for a clip."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from fractions import Fraction

import av
import av.codec
import cv2
from av.codec.context import Flags
from av.container import OutputContainer

from videdit.errors import OutputError, UsageError
from videdit.types import Frame
from videdit.video.color import SPACE_OF, UNSPECIFIED, closest_format, is_rgb

DEFAULT_ENCODER = "libx264"
CPU_AVX2, CPU_AVX512F = 11, 13  # OpenCV's numbers


@dataclass(frozen=True, slots=True)
class Encoder:
    """FFmpeg's name of the option for quality, its value that looks like the source, and what else is set."""

    quality: str = ""
    default: float = 0
    options: dict[str, str] = field(default_factory=dict)
    tag: str = ""  # four letters that mp4 and mov players want


ENCODERS = {
    "libx264": Encoder("crf", 17, {"preset": "veryfast"}),
    "libx265": Encoder("crf", 19, {"preset": "fast", "x265-params": "log-level=error"}, "hvc1"),
    "libsvtav1": Encoder("crf", 22, {"preset": "8", "svtav1-params": "fast-decode=0"}),
    "libvpx-vp9": Encoder("crf", 22, {"b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"}),
    "libvpx": Encoder("crf", 8, {"b": "8M", "deadline": "good", "cpu-used": "5"}),
    "h264_nvenc": Encoder("cq", 19, {"rc": "vbr", "b": "0", "preset": "p5"}),
    "hevc_nvenc": Encoder("cq", 21, {"rc": "vbr", "b": "0", "preset": "p5"}, "hvc1"),
    "mpeg4": Encoder("qscale", 2),
    "mpeg2video": Encoder("qscale", 2),
    "prores_ks": Encoder(),
    "ffv1": Encoder(),
}
# Tried in this order where a container can't carry H.264.
FALLBACKS = ("libvpx-vp9", "libvpx", "mpeg4", "mpeg2video")


def check_encoder(name: str) -> None:
    """Raises UsageError when this FFmpeg has no video encoder of that name."""
    try:
        if av.codec.Codec(name, "w").type == "video":
            return
    except ValueError:
        pass
    near = difflib.get_close_matches(name, [*ENCODERS, *av.codec.codecs_available], 1)
    hint = f"Did you mean {near[0]}?" if near else f"Known to work: {', '.join(ENCODERS)}."
    raise UsageError(f"there is no video encoder called {name!r}", hint=hint)


def add_video(
    out: OutputContainer, name: str, frame: Frame, *, crf: float | None, rate: Fraction | None, time_base: Fraction, aspect: Fraction
) -> tuple[av.VideoStream, list[str]]:
    """A video stream for frames like this one, and warnings. Raises OutputError when the container or encoder can't take them."""
    warnings = []
    names = [name, *FALLBACKS] if name == DEFAULT_ENCODER else [name]
    for candidate in names:
        try:
            stream = out.add_stream(candidate, rate=rate or 25)
        except ValueError:
            continue
        break
    else:
        raise OutputError(f"{out.format.name} can't carry video of {name}", hint="Choose .mp4 or .mkv, or another --video-encoder.")
    assert isinstance(stream, av.VideoStream)
    if candidate != name:
        warnings.append(f"{out.format.name} can't carry H.264: encoded with {candidate}")
    encoder = ENCODERS.get(candidate, Encoder())
    stream.options.update(_options(candidate, encoder, crf))
    context = stream.codec_context
    odd = bool(frame.width % 2 or frame.height % 2) and candidate not in ("libvpx-vp9", "libvpx", "mpeg4", "ffv1")
    supported = tuple(layout.name for layout in av.codec.Codec(candidate, "w").video_formats or ())
    stream.width, stream.height = frame.width, frame.height
    stream.pix_fmt = closest_format(frame.pix_fmt, supported, odd=odd)
    context.time_base = stream.time_base = time_base
    context.sample_aspect_ratio = aspect
    context.flags |= Flags.frame_duration
    if encoder.quality == "qscale":
        context.flags |= Flags.qscale
        context.global_quality = round(118 * (crf or encoder.default))  # FF_QP2LAMBDA
    if out.format.name == "avi":
        context.max_b_frames = 0
    if encoder.tag and out.format.name in ("mp4", "mov"):
        context.codec_tag = encoder.tag
    _tag(context, frame)
    warnings += _format_warnings(frame, stream.pix_fmt or "", odd)
    return stream, warnings


def _options(name: str, encoder: Encoder, crf: float | None) -> dict[str, str]:
    """The encoder's options at a quality; None is its default."""
    options = dict(encoder.options)
    if name == "libx264" and cv2.checkHardwareSupport(CPU_AVX2) and cv2.checkHardwareSupport(CPU_AVX512F):
        # x264's AVX-512 code for macroblock trees reads beyond its buffer unless the width is a multiple of 128 px, so that
        # the same frames give other bytes from run to run. Its AVX2 code does not, and is as fast.
        options["x264-params"] = "asm=AVX2"
    if encoder.quality and encoder.quality != "qscale":
        options[encoder.quality] = f"{encoder.default if crf is None else crf:g}"
    return options


def written_space(frame: Frame, pix_fmt: str) -> tuple[int, int]:
    """FFmpeg's colour space and range that a frame has in the encoder's format."""
    if frame.color.matrix == "rgb":
        if is_rgb(pix_fmt):
            return 0, 2
        return (SPACE_OF["bt709"] if frame.height >= 720 else SPACE_OF["bt601"]), 1
    return frame.color.tags.get("space", UNSPECIFIED), frame.color.tags.get("range", 0)


def _tag(context: av.VideoCodecContext, frame: Frame) -> None:
    """The source's tags, untagged staying untagged; RGB that becomes YUV says which."""
    tags = frame.color.tags
    context.colorspace, context.color_range = written_space(frame, context.pix_fmt or "")
    context.color_primaries, context.color_trc = tags.get("primaries", UNSPECIFIED), tags.get("transfer", UNSPECIFIED)


def _format_warnings(frame: Frame, pix_fmt: str, odd: bool) -> list[str]:
    """What the encoder's format can't hold of the frame's."""
    warnings = []
    layout, wanted = av.VideoFormat(pix_fmt), av.VideoFormat(frame.pix_fmt)
    if max(c.bits for c in layout.components) < frame.color.depth:
        warnings.append(f"{frame.color.depth} bits a sample are written as {max(c.bits for c in layout.components)}")
    lost = any(c.is_alpha for c in wanted.components) and not any(c.is_alpha for c in layout.components)
    if lost and (frame.planes[-1] != (1 << frame.color.depth) - 1).any():
        warnings.append("transparency is left out: the encoder has none")
    if odd and pix_fmt.startswith("yuv444"):
        warnings.append(f"odd size {frame.width}x{frame.height}: written as 4:4:4, which some players don't show")
    return warnings
