"""Pictures and GIFs, by Pillow: reading a picture, writing one, writing a GIF frame by frame.

A picture becomes planes G, B, R (and alpha), or one gray plane, upright. A GIF is read by the clip reader; written, it
keeps its colours exactly while a frame has no more than 256 of them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from videdit.errors import UnreadableError
from videdit.types import Color, Frame
from videdit.video import notes
from videdit.video.formats import PICTURES

PICTURE_TIME_BASE = Fraction(1, 25)
GIF_TICK = Fraction(1, 100)
GIF_COLORS = 255  # one entry is left for the transparent
KEPT_COLORS, KEPT_SHARE = 192, 0.6
QUALITY = 95


@dataclass(frozen=True, slots=True)
class PictureDetails:
    """What goes into the written picture beside samples: Pillow's format name, EXIF (upright already), ICC profile, dots per inch,
    words (see notes.read_words)."""

    format: str
    exif: bytes = b""
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    warnings: tuple[str, ...] = ()
    words: dict[str, str] = field(default_factory=dict)


def read_picture(path: Path) -> tuple[Frame, PictureDetails]:
    """The picture upright, 8 bits a sample, planes (G, B, R), (G, B, R, A) or (Y,), and what else stands in it. Raises UnreadableError."""
    try:
        with Image.open(path) as opened:
            opened.load()
            image = _eight_bit(ImageOps.exif_transpose(opened))
            details = _details(opened)
    except Exception as error:  # Pillow's plugins raise anything on damaged files: struct.error, IndexError, KeyError ...
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableError(f"{path} can't be read as a picture: {reason}", hint="The file is damaged or of an unknown kind.") from error
    if _sixteen_bit(path):
        details = replace(details, warnings=(*details.warnings, "16 bits a sample are read as 8"))
    samples = np.asarray(image)
    if image.mode == "L":
        return Frame((samples.copy(),), Color("bt601", True, 8), "gray", 0, PICTURE_TIME_BASE, 0, 1), details
    red, green, blue, *alpha = (np.ascontiguousarray(samples[..., i]) for i in range(samples.shape[2]))
    name = "gbrap" if alpha else "gbrp"
    return Frame((green, blue, red, *alpha), Color("rgb", True, 8), name, 0, PICTURE_TIME_BASE, 0, 1), details


def _sixteen_bit(path: Path) -> bool:
    """Whether a PNG says so in its header; Pillow reads such colours as 8 bits without a word."""
    with path.open("rb") as file:
        head = file.read(32)
    return head.startswith(b"\x89PNG") and head[24] == 16


def _details(image: Image.Image) -> PictureDetails:
    """What to write again, and what can't be kept."""
    exif = image.getexif()
    exif.pop(0x0112, None)  # orientation: the samples are upright
    warnings = []
    if getattr(image, "n_frames", 1) > 1:
        warnings.append("only the first picture of the file is taken")
    if image.mode.startswith(("I", "F")) or image.mode in ("CMYK", "LAB", "YCbCr"):
        warnings.append(f"samples of the kind {image.mode} are turned into 8-bit RGB or gray")
    dpi = image.info.get("dpi")
    return PictureDetails(
        image.format or "",
        exif.tobytes() if len(exif) else b"",
        image.info.get("icc_profile") if image.mode not in ("CMYK", "LAB") else None,
        (float(dpi[0]), float(dpi[1])) if dpi else None,
        tuple(warnings),
        notes.read_words(image),
    )


def _eight_bit(image: Image.Image) -> Image.Image:
    """In mode L, RGB or RGBA."""
    if image.mode.startswith("I"):  # 16 bits in gray
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if image.mode in ("L", "RGB", "RGBA"):
        return image
    transparent = "transparency" in image.info or image.mode in ("LA", "PA", "La", "RGBa")
    return image.convert("RGBA" if transparent else "L" if image.mode in ("1", "F") else "RGB")


def rgb_pixels(frame: Frame) -> NDArray[np.uint8]:
    """uint8 [h,w,3] RGB or [h,w,4] RGBA of a frame; exact for 8-bit RGB planes, rounded for others."""
    planes = frame.planes
    if frame.color.matrix == "rgb" and frame.color.depth == 8:
        return np.stack([planes[2], planes[0], planes[1], *planes[3:4]], axis=2).astype(np.uint8, copy=False)
    rgb = np.clip(np.rint(frame.rgb()), 0, 255).astype(np.uint8)
    if len(planes) < 4:
        return rgb
    alpha = planes[3] >> (frame.color.depth - 8)
    return np.concatenate([rgb, alpha[..., None].astype(np.uint8)], axis=2)


def write_picture(frame: Frame, part: Path, target: Path, details: PictureDetails | None, *, note: str = "") -> list[str]:
    """Write a frame to `part` in the format of the target's suffix, with a note in it; gives back warnings. Raises OSError."""
    try:
        return _save(frame, part, target, details, note=note)
    except (ValueError, TypeError, ArithmeticError, LookupError, struct.error):  # EXIF too long for JPEG, words no format takes ...
        bare = PictureDetails(details.format if details else "")
        return [*_save(frame, part, target, bare, note=note), "what stands beside the picture can't be written again: left out"]


def _save(frame: Frame, part: Path, target: Path, details: PictureDetails | None, *, note: str) -> list[str]:
    """The same, with everything or not at all."""
    kind, warnings = PICTURES[target.suffix.lower()], []
    gray = len(frame.planes) == 1 and frame.color.full_range
    image = Image.fromarray(frame.planes[0] if gray else rgb_pixels(frame))
    if image.mode == "RGBA" and kind in ("JPEG", "BMP"):
        image = image.convert("RGB")
        warnings.append(f"{kind} has no transparency: it is left out")
    extra = details or PictureDetails(kind)
    dpi, icc = extra.dpi, extra.icc_profile
    said = notes.picture_words(kind, extra.words, extra.exif, note)
    words = {"exif": extra.exif, **said} if kind in ("JPEG", "WEBP", "PNG") else said
    if note and kind in notes.NO_PLACE:
        warnings.append(notes.no_place(kind))
    match kind:
        case "JPEG":
            image.save(part, kind, quality=QUALITY, subsampling=0, icc_profile=icc, dpi=dpi or (0, 0), **words)
        case "WEBP":
            image.save(part, kind, quality=QUALITY, method=4, lossless=extra.format in ("PNG", "BMP", "TIFF"), icc_profile=icc, **words)
        case "PNG":
            image.save(part, kind, icc_profile=icc, dpi=dpi, **words)
        case "TIFF":
            image.save(part, kind, compression="tiff_deflate", icc_profile=icc, dpi=dpi, **words)
        case _:
            image.save(part, kind)
    return warnings


def gif_loop(path: Path) -> int | None:
    """How often a GIF, an APNG or a WebP repeats: 0 for ever, None when it says nothing (it then plays once)."""
    try:
        with Image.open(path) as image:
            loop = image.info.get("loop")
            return None if loop is None else int(loop)
    except Exception:  # as above; what can't be read says nothing
        return None


class GifWriter:
    """Writes frames to a GIF as they come; times are rounded to hundredths of a second, as the format has it."""

    def __init__(self, part: Path, *, loop: int | None, comment: str = "") -> None:
        self.warnings: list[str] = []
        self._part, self._comment = part, comment
        # FFmpeg writes each frame's difference to the one before; -1 leaves the loop block out.
        options = {"loop": str(-1 if loop is None else loop)}
        self._container = av.open(f"file:{part}", "w", format="gif", container_options=options)
        self._stream: av.VideoStream | None = None
        self._last: int | None = None

    def write(self, frame: Frame) -> None:
        """Add a frame."""
        pts = round(frame.pts * frame.time_base / GIF_TICK)
        if frame.pts * frame.time_base != pts * GIF_TICK:
            self._warn("times are rounded to hundredths of a second, as GIF has them")
        if self._last is not None and pts <= self._last:
            pts = self._last + 1
            self._warn("frames closer than a hundredth of a second are moved apart, as GIF needs it")
        self._last = pts
        stream = self._stream or self._open(frame)
        indices, palette = to_palette(rgb_pixels(frame))
        picture = av.VideoFrame(frame.width, frame.height, "pal8")
        rows = np.frombuffer(memoryview(picture.planes[0]), np.uint8).reshape(frame.height, -1)
        rows[:, : frame.width] = indices
        np.frombuffer(memoryview(picture.planes[1]), np.uint8)[:1024] = palette.ravel()
        picture.pts, picture.time_base = pts, GIF_TICK
        picture.duration = max(1, round(frame.duration * frame.time_base / GIF_TICK))
        self._container.mux(stream.encode(picture))

    def finish(self) -> None:
        """Write what is left. Raises OSError."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
        if self._comment:
            notes.add_gif_comment(self._part, self._comment)

    def abort(self) -> None:
        """Let go of the file."""
        self._container.close()

    def _open(self, frame: Frame) -> av.VideoStream:
        stream = self._container.add_stream("gif", rate=100)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "pal8"
        stream.time_base = stream.codec_context.time_base = GIF_TICK
        stream.codec_context.flags |= av.codec.context.Flags.frame_duration
        self._stream = stream
        return stream

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def __enter__(self) -> GifWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.abort() if kind else self.finish()


def to_palette(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Indices uint8 [h,w] and a palette uint8 [256,4] (B, G, R, A) for RGB or RGBA pixels.

    Up to 255 colours stay exact. With more, the commonest stay exact when they make up most of the picture (a GIF of which a
    part was edited); the rest is dithered to a palette by Pillow. Index 255 is the transparent one.
    """
    height, width = pixels.shape[:2]
    packed = np.ascontiguousarray(pixels[..., :3]).astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    clear = pixels[..., 3] < 128 if pixels.shape[2] == 4 else np.zeros((height, width), bool)
    palette = np.zeros((256, 4), np.uint8)
    indices = np.full((height, width), GIF_COLORS, np.uint8)
    colors, inverse, counts = np.unique(packed[~clear], return_inverse=True, return_counts=True)
    if len(colors) <= GIF_COLORS:
        indices[~clear] = inverse.astype(np.uint8)
        chosen = colors
    else:
        order = np.argsort(-counts, kind="stable")
        keep = order[:KEPT_COLORS] if counts[order[:KEPT_COLORS]].sum() > KEPT_SHARE * counts.sum() else order[:0]
        chosen, dithered = _quantized(pixels, packed, colors[keep], clear)
        rank = np.full(len(colors), -1)
        rank[keep] = np.arange(len(keep))
        exact = rank[inverse]
        indices[~clear] = np.where(exact >= 0, exact, dithered[~clear])
    palette[: len(chosen), :3] = np.stack([chosen & 255, chosen >> 8 & 255, chosen >> 16], axis=1)
    palette[:GIF_COLORS, 3] = 255
    return indices, palette


def _quantized(
    pixels: NDArray[np.uint8], packed: NDArray[np.uint32], kept: NDArray[np.uint32], clear: NDArray[np.bool_]
) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """A palette [<=255] that begins with `kept`, packed as 0xRRGGBB, and the picture's indices into it, dithered."""
    rest = pixels[..., :3][~(np.isin(packed, kept) | clear)][None]
    free = Image.fromarray(np.ascontiguousarray(rest)).quantize(GIF_COLORS - len(kept), Image.Quantize.MEDIANCUT)
    found = np.array(free.getpalette() or [], np.uint32).reshape(-1, 3)[: GIF_COLORS - len(kept)]
    chosen = np.concatenate([kept, found @ np.array([1 << 16, 1 << 8, 1], np.uint32)])
    table = Image.new("P", (1, 1))
    table.putpalette(np.stack([chosen >> 16, chosen >> 8 & 255, chosen & 255], axis=1).astype(np.uint8).tobytes())
    picture = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    return chosen, np.asarray(picture.quantize(palette=table, dither=Image.Dither.FLOYDSTEINBERG))
