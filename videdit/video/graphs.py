"""Side by side and GIF: filter graphs by ffmpeg-python, run on the ffmpeg that imageio-ffmpeg carries; none on the PATH is needed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg
import imageio_ffmpeg
from PIL import Image, ImageDraw, ImageFont

from videdit.errors import MissingError, OutputError, UsageError
from videdit.types import Frame
from videdit.video.formats import kind_of_suffix
from videdit.video.notes import add_gif_comment, note_in, picture_words
from videdit.video.probe import ClipInfo, probe
from videdit.video.stills import PICTURES, read_picture, rgb_pixels

LABELS = ("before", "after")
MAX_HALF = 1920  # px; two of them are the widest that common H.264 decoders take
CLIPS = (".mp4", ".m4v", ".mov", ".mkv")
QUALITY = {"vcodec": "libx264", "crf": 17, "preset": "veryfast"}
GIF_WIDTH, GIF_FPS = 640, 15.0


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a clip, in seconds from its start; None is the clip's own end."""

    start: float | None = None
    stop: float | None = None

    def options(self) -> dict[str, float]:
        """As ffmpeg's input options; -t, for -to counts from the file's own times."""
        start = {"ss": self.start} if self.start else {}
        return start if self.stop is None else {**start, "t": self.stop - (self.start or 0.0)}


def compare(before: Path, after: Path, target: Path) -> None:
    """Write `before` and `after` beside each other, labelled, with the sound of `after`; every frame of `after` at its time.

    target: .mp4 .m4v .mov .mkv or .gif for clips, a picture for pictures; moved into place when complete. A half wider than 1920 px is
    scaled down. Raises UsageError for another suffix, UnreadableError, OutputError, MissingError without ffmpeg.
    """
    kind = check_compare(before, target)
    if kind == "picture":
        _compare_pictures(before, after, target)
        return
    if kind == "gif":
        make_gif(after, target, before=before, width=0, fps=0)
        return
    info = probe(after)
    size = _half(info, MAX_HALF)
    deep = info.color.depth > 8
    with _labels(size, deep=deep) as (label, layout):
        sound = ffmpeg.input(f"file:{after}")
        picture = _beside(_other(before), sound.video, size, ffmpeg.input(label), layout)
        # times as they are: by default they begin at zero and are rounded to the average rate
        options = {**QUALITY, "pix_fmt": layout, "fps_mode": "passthrough", "enc_time_base": info.time_base, "copyts": None}
        options |= {"avoid_negative_ts": "disabled"} if target.suffix.lower() == ".mkv" else {}
        options |= {"acodec": "copy", "map_metadata": -1, "map_chapters": -1}
        if note := note_in(after):
            options["metadata"] = f"comment={note}"
        with _moved_into_place(target) as part:
            _run(ffmpeg.output(picture, sound["a?"], f"file:{part}", format=_muxer(target), **options), target)


def check_compare(source: Path, target: Path) -> str:
    """What a comparison is written as: clip, gif or picture. Raises UsageError where the source can't be compared in such a file."""
    kind, wanted = kind_of_suffix(target), kind_of_suffix(source)
    fits = kind == "picture" if wanted == "picture" else kind == "gif" or target.suffix.lower() in CLIPS
    if kind is None or not fits:
        allowed = "a picture" if wanted == "picture" else f"one of {' '.join(CLIPS)} .gif"
        raise UsageError(f"a comparison of {source.name} can't be written as {target.name}", hint=f"Name {allowed}.")
    return kind


def make_gif(
    source: Path, target: Path, *, before: Path | None = None, span: Span = Span(), width: int = GIF_WIDTH, fps: float = GIF_FPS
) -> None:
    """Write a part of a clip as a GIF with a palette of its own; `before` goes to its left, labelled.

    width: px of the whole GIF, at most (0: as wide as it is); fps: frames a second, at most (0: every frame). The palette is made in a
    pass of its own, so memory does not grow with length. Raises UnreadableError, OutputError, MissingError without ffmpeg.
    """
    info = probe(source)
    size = _half(info, (width or info.width * 2) // (2 if before else 1))
    rate = 0.0 if not fps or (info.rate and info.rate <= fps) else fps
    with _labels(size) as (label, layout), tempfile.TemporaryDirectory() as folder, _moved_into_place(target) as part:

        def picture() -> Any:
            shown = ffmpeg.input(f"file:{source}", **span.options()).video
            other = _other(before, span) if before else None
            shown = _beside(other, shown, size, ffmpeg.input(label), layout) if before else _scaled(shown, size)
            return shown.filter("fps", fps=rate) if rate else shown

        palette = str(Path(folder) / "palette.png")
        # colours by what moves: a still background would take them all
        _run(ffmpeg.output(picture().filter("palettegen", stats_mode="diff"), palette, **{"frames:v": 1, "update": 1}), target)
        made = ffmpeg.filter([picture(), ffmpeg.input(palette)], "paletteuse", dither="bayer", bayer_scale=4, diff_mode="rectangle")
        _run(ffmpeg.output(made, f"file:{part}", format="gif", fps_mode="passthrough", loop=0), target)
        if note := note_in(source):
            add_gif_comment(part, note)


def _beside(before: Any, after: Any, size: tuple[int, int], label: Any, layout: str) -> Any:
    """Two pictures, each scaled to (width, height), beside each other under their labels; one frame for each of `after`.

    `hstack` would make a frame for every time that either has, and a container's coarser ticks double the frames.
    """
    width, height = size
    wide = _scaled(after, size).filter("format", layout).filter("pad", 2 * width, height, width, 0)
    other = _scaled(before, size).filter("format", layout)
    depth = "yuv420p10" if layout.endswith("10le") else "yuv420"
    both = ffmpeg.overlay(wide, other, x=0, y=0, ts_sync_mode="nearest", eof_action="repeat", format=depth)
    return ffmpeg.overlay(both, label, x=0, y=0, format=depth)


def _other(before: Path, span: Span = Span()) -> Any:
    """The picture to compare with. stream_loop=0 changes nothing but that a file can be compared with itself: equal inputs are one node."""
    return ffmpeg.input(f"file:{before}", stream_loop=0, **span.options()).video


def _scaled(picture: Any, size: tuple[int, int]) -> Any:
    return picture.filter("scale", *size, flags="lanczos+accurate_rnd").filter("setsar", 1)


def _half(info: ClipInfo, most: int) -> tuple[int, int]:
    """Width and height of a picture in square pixels, at most so wide, both even."""
    shown = float(info.width * (info.aspect or Fraction(1)))
    scale = min(1.0, most / shown)
    return max(2, int(shown * scale) // 2 * 2), max(2, round(info.height * scale) // 2 * 2)


@contextmanager
def _labels(size: tuple[int, int], *, deep: bool = False) -> Iterator[tuple[str, str]]:
    """A file with the labels over both halves, transparent elsewhere, and the pixel format to work in."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.png"
        labels(size).save(path)
        yield str(path), "yuv420p10le" if deep else "yuv420p"


def labels(size: tuple[int, int]) -> Image.Image:
    """Both labels, RGBA, to lie over two halves of a size; in Pillow's own font, for not every ffmpeg can draw text nor every machine
    has a font."""
    width, height = size
    letters = max(12, min(height // 18, width // 8))
    strip = Image.new("RGBA", (2 * width, height))
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(letters)
    for word, left in zip(LABELS, (0, width), strict=True):
        x, y, pad = left + letters // 2, letters // 2, letters // 4
        box = draw.textbbox((x + pad, y), word, font=font)
        draw.rectangle((box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad), fill=(0, 0, 0, 150))
        draw.text((x + pad, y), word, font=font, fill=(255, 255, 255, 255))
    return strip


def _compare_pictures(before: Path, after: Path, target: Path) -> None:
    """Two pictures of one size beside each other. Raises UnreadableError, OutputError."""
    sides = [_image(read_picture(path)[0]) for path in (before, after)]
    width, height = sides[1].size
    both = Image.new("RGB", (2 * width, height))
    both.paste(sides[0].resize(sides[1].size), (0, 0))
    both.paste(sides[1], (width, 0))
    both.paste(strip := labels((width, height)), (0, 0), strip)
    kind = PICTURES[target.suffix.lower()]
    with _moved_into_place(target) as part:
        quality = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
        both.save(part, kind, **quality, **picture_words(kind, {}, b"", note_in(after)))


def _image(frame: Frame) -> Image.Image:
    return Image.fromarray(frame.planes[0]).convert("RGB") if len(frame.planes) == 1 else Image.fromarray(rgb_pixels(frame)).convert("RGB")


def _muxer(target: Path) -> str:
    return {".mkv": "matroska", ".mov": "mov"}.get(target.suffix.lower(), "mp4")


def _run(graph: Any, target: Path) -> None:
    """Run a graph; a failure is told in ffmpeg's last words. Raises OutputError, MissingError."""
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        raise MissingError("imageio-ffmpeg has no ffmpeg here", hint="pip install imageio-ffmpeg, from a wheel of your platform.") from None
    try:
        ffmpeg.run(graph.global_args("-nostdin", "-v", "error"), cmd=program, quiet=True, overwrite_output=True)
    except ffmpeg.Error as error:
        said = (error.stderr or b"").decode("utf-8", "replace").strip().splitlines()
        reason = said[0].split("] ")[-1].lower() if said else "ffmpeg failed"
        raise OutputError(
            f"{target} can't be written: {reason}", hint="Is the span within the clip, and does the file take its sound?"
        ) from None


@contextmanager
def _moved_into_place(target: Path) -> Iterator[Path]:
    """A file beside the target that takes its name at the end, or goes. Raises OutputError."""
    part = target.with_name(target.name + ".part")
    try:
        part.write_bytes(b"")  # says at once when the place is not writable
        yield part
        os.replace(part, target)
    except OSError as error:
        raise OutputError(f"{target} can't be written: {(error.strerror or str(error)).lower()}") from None
    finally:
        part.unlink(missing_ok=True)
