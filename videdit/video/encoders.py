"""Video encoders: how each is told its quality, and how one is opened for a clip."""

from __future__ import annotations

import difflib
import os
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
from videdit.video.probe import ClipInfo

DEFAULT_ENCODER = "libx264"
ANY_SIZE = ("libvpx-vp9", "libvpx", "mpeg4", "ffv1", "mjpeg", "qtrle")  # take 4:2:0 of odd sizes
X265_NARROWEST = 64  # px; x265 4.2 writes beyond its memory for pictures narrower than about 56
RANGELESS = ("prores_ks", "mpeg4", "mpeg2video", "libvpx", "qtrle")  # have no tag for full range
UNSURE = {"libvpx-vp9": ("yuva422p", "yuva444p", "gbrap")}  # it names these, but takes them with `-strict experimental` only
CPU_AVX2, CPU_AVX512F = 11, 13  # OpenCV's numbers


@dataclass(frozen=True, slots=True)
class Encoder:
    """FFmpeg's name of the option for quality, its value that looks like the source, and what else is set.

    fields: whether it can say that a frame holds two fields; mastering: its option that takes parameters, and those for the mastering
    display and for content light.
    """

    quality: str = ""
    default: float = 0
    options: dict[str, str] = field(default_factory=dict)
    tag: str = ""  # four letters that mp4 and mov players want
    fields: bool = False
    mastering: str = ""


# The values look like the source: all about 45 to 48 dB against it. Of hardware encoders these are the makers' scales, untried here.
ENCODERS = {
    "libx264": Encoder("crf", 17, {"preset": "veryfast"}, fields=True, mastering="x264-params:mastering-display:cll"),
    "libx265": Encoder(
        "crf", 19, {"preset": "fast", "x265-params": "log-level=error"}, "hvc1", mastering="x265-params:master-display:max-cll"
    ),
    "libsvtav1": Encoder(
        "crf", 22, {"preset": "8", "svtav1-params": "fast-decode=0"}, mastering="svtav1-params:mastering-display:content-light"
    ),
    "libvpx-vp9": Encoder("crf", 22, {"b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"}),
    "libvpx": Encoder("crf", 8, {"b": "8M", "deadline": "good", "cpu-used": "5"}),
    "prores_ks": Encoder(fields=True),
    "ffv1": Encoder(fields=True),
    "mpeg4": Encoder("qscale", 2, fields=True),
    "mpeg2video": Encoder("qscale", 2, fields=True),
    "qtrle": Encoder(),
    "h264_nvenc": Encoder("cq", 19, {"rc": "vbr", "b": "0", "preset": "p5"}),
    "hevc_nvenc": Encoder("cq", 21, {"rc": "vbr", "b": "0", "preset": "p5"}, "hvc1"),
    "av1_nvenc": Encoder("cq", 24, {"rc": "vbr", "b": "0", "preset": "p5"}),
    "h264_qsv": Encoder("global_quality", 19, {"preset": "medium"}),
    "hevc_qsv": Encoder("global_quality", 20, {"preset": "medium"}, "hvc1"),
    "av1_qsv": Encoder("global_quality", 22, {"preset": "medium"}),
    "vp9_qsv": Encoder("global_quality", 22),
    "h264_amf": Encoder("qp_i", 18, {"rc": "cqp", "qp_p": "20"}),
    "hevc_amf": Encoder("qp_i", 20, {"rc": "cqp", "qp_p": "22"}, "hvc1"),
    "h264_videotoolbox": Encoder("qscale", 75),
    "hevc_videotoolbox": Encoder("qscale", 75, tag="hvc1"),
    "h264_v4l2m2m": Encoder("", 0, {"b": "20M"}),
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
    out: OutputContainer, name: str, frame: Frame, info: ClipInfo, *, crf: float | None, time_base: Fraction
) -> tuple[av.VideoStream, list[str]]:
    """A video stream for frames like this one of a clip, and warnings. Raises OutputError when the container or encoder can't take them."""
    warnings = []
    names = [name, *FALLBACKS] if name == DEFAULT_ENCODER else [name]
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 speaks up on stderr otherwise; 1 is errors only
    for candidate in names:
        try:
            stream = out.add_stream(candidate, rate=info.rate or 25)
        except ValueError:
            continue
        break
    else:
        raise OutputError(f"{out.format.name} can't carry video of {name}", hint="Choose .mp4 or .mkv, or another --video-encoder.")
    assert isinstance(stream, av.VideoStream)
    if candidate != name:
        warnings.append(f"{out.format.name} can't carry H.264: encoded with {candidate}")
    if candidate == "libx265" and frame.width < X265_NARROWEST:
        raise OutputError(f"libx265 can't encode a picture {frame.width} px wide", hint="Choose libx264.")
    encoder = ENCODERS.get(candidate, Encoder())
    context = stream.codec_context
    odd = bool(frame.width % 2 or frame.height % 2) and candidate not in ANY_SIZE
    listed = (layout.name for layout in av.codec.Codec(candidate, "w").video_formats or ())
    supported = tuple(name for name in listed if name not in UNSURE.get(candidate, ()))
    stream.width, stream.height = frame.width, frame.height
    stream.pix_fmt = closest_format(frame.pix_fmt, supported, odd=odd) if supported else "yuv420p"
    stream.options.update(_joined(_options(candidate, encoder, crf), _said(candidate, encoder, info, stream.pix_fmt)))
    context.time_base = stream.time_base = time_base
    context.sample_aspect_ratio = info.aspect
    context.flags |= Flags.frame_duration
    if encoder.quality == "qscale":
        context.flags |= Flags.qscale
        context.global_quality = round(118 * (crf or encoder.default))  # FF_QP2LAMBDA
    if candidate == "mpeg4":
        context.qmin = 1  # FFmpeg keeps it from the best quality otherwise
    if out.format.name == "avi":
        context.max_b_frames = 0
    if encoder.tag and out.format.name in ("mp4", "mov"):
        context.codec_tag = encoder.tag
    _tag(context, frame, narrowed=(narrowed := narrows(frame, candidate, out.format.name)))
    if narrowed:
        warnings.append(f"{candidate} in {out.format.name} can't say that samples use the full range: written in limited range")
    warnings += _format_warnings(frame, stream.pix_fmt or "", odd)
    if info.fields and not encoder.fields:
        warnings.append(f"{candidate} can't say that a clip is interlaced: its fields are written as whole frames (libx264 can)")
    if frame.color.curve and candidate == DEFAULT_ENCODER:
        warnings.append("HDR is written as 10-bit H.264, which many players don't show: --video-encoder libx265 is what they expect")
    return stream, warnings


def _joined(options: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    """Both; lists of parameters one behind the other."""
    return options | {key: f"{options[key]}:{value}" if key in options else value for key, value in more.items()}


def _said(name: str, encoder: Encoder, info: ClipInfo, pix_fmt: str) -> dict[str, str]:
    """Options that say what the source says beside its samples."""
    options: dict[str, str] = {}
    if pix_fmt.startswith("yuva") and name.startswith("libvpx"):
        options["auto-alt-ref"] = "0"
    if info.chroma_place not in ("", "left"):
        options["chroma_sample_location"] = info.chroma_place
    params = []
    if encoder.mastering:
        option, display, light = encoder.mastering.split(":")
        if info.mastering:
            params.append(f"{display}={info.mastering.as_text(units=name != 'libsvtav1')}")
        if info.light and any(info.light):
            params.append(f"{light}={info.light[0]},{info.light[1]}")
    if info.fields and encoder.fields:
        options |= {"flags": "+ildct+ilme", "field_order": "bb" if info.fields == "bff" else "tt"}
        if name == "libx264":
            option = "x264-params"
            params.append("bff=1" if info.fields == "bff" else "tff=1")
    if params:
        options[option] = ":".join(params)
    return options


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


def written_space(frame: Frame, pix_fmt: str, *, narrowed: bool = False) -> tuple[int, int]:
    """FFmpeg's colour space and range that a frame has in the encoder's format. narrowed: see `narrows`."""
    if narrowed:
        return frame.color.tags.get("space", UNSPECIFIED), 1
    if frame.color.matrix == "rgb":
        if is_rgb(pix_fmt):
            return 0, 2
        return (SPACE_OF["bt709"] if frame.height >= 720 else SPACE_OF["bt601"]), 1
    return frame.color.tags.get("space", UNSPECIFIED), frame.color.tags.get("range", 0)


def narrows(frame: Frame, encoder: str, container: str) -> bool:
    """Whether full range becomes limited, because nothing in the file could say that it is full."""
    silent = encoder in RANGELESS or (encoder == "ffv1" and container == "avi")
    return silent and frame.color.full_range and frame.color.matrix != "rgb"


def _tag(context: av.VideoCodecContext, frame: Frame, *, narrowed: bool) -> None:
    """The source's tags, untagged staying untagged; RGB that becomes YUV says which."""
    tags = frame.color.tags
    context.colorspace, context.color_range = written_space(frame, context.pix_fmt or "", narrowed=narrowed)
    context.color_primaries, context.color_trc = tags.get("primaries", UNSPECIFIED), tags.get("transfer", UNSPECIFIED)


def _format_warnings(frame: Frame, pix_fmt: str, odd: bool) -> list[str]:
    """What the encoder's format can't hold of the frame's."""
    warnings = []
    layout, wanted = av.VideoFormat(pix_fmt), av.VideoFormat(frame.pix_fmt)
    if max(c.bits for c in layout.components) < frame.color.depth:
        warnings.append(f"{frame.color.depth} bits a sample are written as {max(c.bits for c in layout.components)}")
    lost = any(c.is_alpha for c in wanted.components) and not any(c.is_alpha for c in layout.components)
    if lost and (frame.planes[-1] != (1 << frame.color.depth) - 1).any():
        warnings.append("transparency is left out: the encoder has none (libvpx-vp9 in .webm, prores_ks in .mov, ffv1 in .mkv have)")
    if odd and pix_fmt.startswith("yuv444"):
        warnings.append(f"odd size {frame.width}x{frame.height}: written as 4:4:4, which some players don't show")
    if len(frame.planes) >= 3 and layout.is_rgb == wanted.is_rgb and _finer(frame, layout):
        warnings.append(f"chroma is written coarser: {frame.pix_fmt} as {pix_fmt}")
    return warnings


def _finer(frame: Frame, layout: av.VideoFormat) -> bool:
    """Whether the frame has more chroma samples than the encoder's format, across or down."""
    height, width = frame.planes[1].shape
    return width > layout.chroma_width(frame.width) or height > layout.chroma_height(frame.height)
