"""Pictures and GIFs, in and out."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests import media
from videdit.errors import UnreadableError
from videdit.video.probe import probe
from videdit.video.reader import read_frames
from videdit.video.stills import gif_loop, rgb_pixels, to_palette
from videdit.video.writer import ClipWriter


def write_again(source: Path, target: Path) -> list[str]:
    with ClipWriter(target, probe(source)) as out:
        for frame in read_frames(source):
            out.write(frame)
    return out.warnings


def gif_frames(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgba") for frame in container.decode(video=0)]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".webp"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_lossless_pictures_come_back_equal(tmp_path: Path, suffix: str, mode: str) -> None:
    source = tmp_path / "in.png"
    image = Image.fromarray(media.picture(3, (61, 47))).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(media.picture(1, (61, 47))[..., 2]))
    image.save(source)
    warnings = write_again(source, tmp_path / f"out{suffix}")
    with Image.open(tmp_path / f"out{suffix}") as again:
        if mode == "RGBA" and suffix == ".bmp":
            assert any("transparency" in warning for warning in warnings)
            assert np.array_equal(again.convert("RGB"), image.convert("RGB"))
        elif mode == "RGBA" and suffix == ".webp":  # what is wholly transparent has no colour
            shown = np.asarray(image)[..., 3] > 0
            assert np.array_equal(np.asarray(again.convert(mode))[shown], np.asarray(image)[shown])
        else:
            assert warnings == []
            assert np.array_equal(again.convert(mode), image)


def test_jpeg_is_close_upright_and_keeps_its_words(tmp_path: Path) -> None:
    source = tmp_path / "in.jpg"
    image = Image.fromarray(media.picture(0, (64, 48)))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera"  # turned by a quarter; maker
    image.save(source, quality=95, exif=exif, dpi=(150, 150))
    info = probe(source)
    assert (info.kind, info.width, info.height, info.frames) == ("picture", 48, 64, 1)
    write_again(source, tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as again:
        assert again.size == (48, 64)
        assert again.getexif().get(0x0112) is None
        assert again.getexif()[0x010F] == "Camera"
        assert again.info["dpi"] == (150, 150)
        assert np.abs(np.asarray(again).astype(int) - np.rot90(np.asarray(image), -1)).mean() < 4


def test_sixteen_bits_and_cmyk_become_eight_bits_and_say_so(tmp_path: Path) -> None:
    deep = (np.arange(48 * 64).reshape(48, 64) * 21).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    frame = next(read_frames(tmp_path / "deep.png"))
    assert np.array_equal(frame.planes[0], deep >> 8)
    assert probe(tmp_path / "deep.png").warnings
    Image.new("CMYK", (20, 10), (10, 20, 30, 40)).save(tmp_path / "ink.jpg")
    assert probe(tmp_path / "ink.jpg").warnings
    assert len(next(read_frames(tmp_path / "ink.jpg")).planes) == 3


def test_broken_picture(tmp_path: Path) -> None:
    Image.fromarray(media.picture(0, (64, 48))).save(tmp_path / "in.png")
    media.truncate(tmp_path / "in.png", tmp_path / "cut.png", 0.5)
    with pytest.raises(UnreadableError):
        probe(tmp_path / "cut.png")


@pytest.mark.parametrize("loop", [0, 3, None])
def test_gif_keeps_colors_delays_and_loop(tmp_path: Path, loop: int | None) -> None:
    source = media.make_gif(tmp_path / "in.gif", loop=loop)
    info = probe(source)
    assert (info.kind, info.loop, info.frames) == ("gif", loop, 6)
    assert write_again(source, tmp_path / "out.gif") == []
    assert gif_loop(tmp_path / "out.gif") == loop
    for before, after in zip(gif_frames(source), gif_frames(tmp_path / "out.gif"), strict=True):
        assert np.array_equal(before, after)
    with Image.open(source) as before, Image.open(tmp_path / "out.gif") as after:
        for number in range(6):
            before.seek(number)
            after.seek(number)
            assert before.info["duration"] == after.info["duration"]


def test_gif_keeps_transparency(tmp_path: Path) -> None:
    source = media.make_transparent_gif(tmp_path / "in.gif")
    write_again(source, tmp_path / "out.gif")
    for before, after in zip(gif_frames(source), gif_frames(tmp_path / "out.gif"), strict=True):
        assert np.array_equal(before[..., 3], after[..., 3])
        shown = before[..., 3] > 0
        assert np.array_equal(before[shown], after[shown])


def test_gif_becomes_a_clip_and_a_clip_a_gif(tmp_path: Path) -> None:
    source = media.make_gif(tmp_path / "in.gif")
    write_again(source, tmp_path / "out.mp4")
    info = probe(tmp_path / "out.mp4")
    assert info.duration == pytest.approx(0.88)  # the last delay counts
    assert info.pix_fmt == "yuv420p"
    assert info.color.tags["space"] == 6
    for before, after in zip(read_frames(source), read_frames(tmp_path / "out.mp4"), strict=True):
        assert before.pts * before.time_base == after.pts * after.time_base
        assert np.abs(before.rgb() - after.rgb()).mean() < 8  # chroma is halved
    write_again(tmp_path / "out.mp4", tmp_path / "again.gif")
    assert probe(tmp_path / "again.gif").loop == 0
    assert [frame.pts for frame in read_frames(tmp_path / "again.gif")] == [frame.pts for frame in read_frames(source)]


def test_palette_is_exact_up_to_255_colors() -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[..., 0] = np.arange(256).reshape(16, 16).clip(0, 254)
    indices, palette = to_palette(pixels)
    assert np.array_equal(palette[indices][..., 2::-1], pixels)


def test_palette_leaves_what_was_not_edited_alone() -> None:
    rng = np.random.default_rng(0)
    table = rng.integers(0, 256, (180, 3), dtype=np.uint8)
    pixels = table[rng.integers(0, 180, (80, 80))]
    edited = pixels.copy()
    edited[30:50, 30:50] = rng.integers(0, 256, (20, 20, 3))
    indices, palette = to_palette(edited)
    again = palette[indices][..., 2::-1]
    outside = np.ones((80, 80), bool)
    outside[30:50, 30:50] = False
    assert np.array_equal(again[outside], pixels[outside])
    assert np.abs(again[30:50, 30:50].astype(int) - edited[30:50, 30:50]).mean() < 60


def test_rgb_pixels_of_yuv_match_the_tags(tmp_path: Path) -> None:
    """A flat colour in BT.709 comes back as that colour, not as BT.601's reading of it."""
    with av.open(str(tmp_path / "flat.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"crf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 1
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), (200, 50, 90), np.uint8), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
        out.mux([*stream.encode(frame), *stream.encode(None)])
    pixels = rgb_pixels(next(read_frames(tmp_path / "flat.mp4")))
    assert np.abs(pixels.astype(int) - (200, 50, 90)).max() <= 2
