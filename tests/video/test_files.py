"""Files of unusual kinds: HDR, interlaced, see-through, moving pictures, pictures in a row, timecode."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests import media
from videdit.errors import UnreadableError
from videdit.video.formats import at_number, kind_of_file, numbered
from videdit.video.probe import probe
from videdit.video.reader import read_frames
from videdit.video.writer import ClipWriter

SIZE = (64, 48)
DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
PQ = (9, 16, 9, 1)


def write_again(source: Path, target: Path, **options) -> list[str]:  # type: ignore[no-untyped-def]
    with ClipWriter(target, probe(source), **options) as out:
        for frame in read_frames(source):
            out.write(frame)
    return out.warnings


def clear_picture(index: int) -> np.ndarray:
    alpha = np.full(SIZE[::-1], 255, np.uint8)
    alpha[:16, :16] = 0
    return np.dstack([media.picture(index, SIZE), alpha])


def make_pq(path: Path) -> Path:
    params = f"log-level=error:master-display={DISPLAY}:max-cll=1000,400"
    options = {"x265-params": params, "chroma_sample_location": "topleft", "preset": "ultrafast"}
    return media.make_clip(path, size=SIZE, times=range(4), encoder="libx265", pix_fmt="yuv420p10le", tags=PQ, options=options, audio=1)


@pytest.mark.parametrize(("suffix", "encoder"), [(".mp4", "libx265"), (".mkv", "libx265"), (".mov", "libx264"), (".mp4", "libsvtav1")])
def test_hdr_tags_mastering_and_light_come_back(tmp_path: Path, suffix: str, encoder: str) -> None:
    source = probe(make_pq(tmp_path / "in.mp4"))
    assert (source.color.curve, source.chroma_place, source.light) == ("pq", "topleft", (1000, 400))
    assert source.mastering is not None and source.mastering.brightest == 10_000_000 and source.mastering.red == (34000, 16000)
    warnings = write_again(source.path, tmp_path / f"out{suffix}", encoder=encoder)
    assert not [warning for warning in warnings if "keep" in warning and "ticks" not in warning]
    again = probe(tmp_path / f"out{suffix}")
    assert (again.color, again.chroma_place, again.light, again.pix_fmt) == (source.color, "topleft", (1000, 400), "yuv420p10le")
    assert source.mastering.same(again.mastering)
    if encoder != "libsvtav1":
        assert source.mastering == again.mastering


def test_hdr_where_it_can_not_be_kept_is_announced(tmp_path: Path) -> None:
    warnings = write_again(make_pq(tmp_path / "in.mp4"), tmp_path / "out.webm", encoder="libvpx-vp9")
    assert any("mastering display" in warning for warning in warnings)
    assert any("content light" in warning for warning in warnings)
    assert any("10 bits a sample are written as 8" in warning for warning in warnings)


def interlaced(path: Path, fields: str) -> Path:
    options = {"flags": "+ildct+ilme", "x264-params": f"{fields}=1", "threads": "1", "preset": "ultrafast"}
    return media.make_clip(path, size=SIZE, times=range(3), options=options, fields=fields)


@pytest.mark.parametrize("fields", ["tff", "bff"])
def test_interlaced_stays_interlaced(tmp_path: Path, fields: str) -> None:
    source = interlaced(tmp_path / "in.mp4", fields)
    assert probe(source).fields == fields
    assert write_again(source, tmp_path / "out.mp4") == []
    assert probe(tmp_path / "out.mp4").fields == fields


def test_interlaced_in_an_encoder_without_is_announced(tmp_path: Path) -> None:
    warnings = write_again(interlaced(tmp_path / "in.mp4", "tff"), tmp_path / "out.mp4", encoder="libx265")
    assert any("interlaced" in warning for warning in warnings)
    assert probe(tmp_path / "out.mp4").fields == ""


@pytest.mark.parametrize(("source", "target"), [(".mov", ".mov"), (".mov", ".mp4"), (".mov", ".mkv"), (".mkv", ".mov")])
def test_timecode(tmp_path: Path, source: str, target: str) -> None:
    clip = media.make_clip(tmp_path / f"in{source}", size=SIZE, times=range(3), metadata={"timecode": "01:02:03:04"})
    assert probe(clip).timecode == "01:02:03:04"
    warnings = write_again(clip, tmp_path / f"out{target}")
    assert probe(tmp_path / f"out{target}").timecode == "01:02:03:04" or any("timecode" in warning for warning in warnings)


@pytest.mark.parametrize("target", [".mov", ".mp4", ".mkv"])
def test_timecode_of_a_fast_camera(tmp_path: Path, target: str) -> None:
    """mov and mp4 count no more than 255 frames in a second of it."""
    clip = media.make_clip(
        tmp_path / "in.mkv", size=SIZE, times=range(0, 20, 2), time_base=Fraction(1, 1000), rate=500, metadata={"timecode": "01:02:03:04"}
    )
    warnings = write_again(clip, tmp_path / f"out{target}")
    assert len(list(read_frames(tmp_path / f"out{target}"))) == 10
    assert probe(tmp_path / f"out{target}").timecode == "01:02:03:04" or any("timecode" in warning for warning in warnings)


def make_clear(path: Path, encoder: str, pix_fmt: str, options: dict[str, str]) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream(encoder, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, pix_fmt
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(clear_picture(index), format="rgba").reformat(format=pix_fmt)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("target", "encoder"), [("out.webm", "libx264"), ("out.mov", "prores_ks"), ("out.mkv", "ffv1"), ("out.webp", ""), ("out.apng", "")]
)
def test_transparency_of_vp9_is_read_and_written(tmp_path: Path, target: str, encoder: str) -> None:
    source = make_clear(tmp_path / "in.webm", "libvpx-vp9", "yuva420p", {"auto-alt-ref": "0", "crf": "4", "b": "0"})
    assert probe(source).pix_fmt == "yuva420p"
    warnings = write_again(source, tmp_path / target, **({"encoder": encoder} if encoder else {}))
    assert not any("transparency" in warning for warning in warnings)
    frame = next(read_frames(tmp_path / target))
    alpha = frame.planes[3].astype(float) / ((1 << frame.color.depth) - 1)
    assert alpha[:12, :12].max() < 0.1
    assert alpha[24:, 24:].min() > 0.9


def test_transparency_that_is_left_out_is_announced(tmp_path: Path) -> None:
    source = make_clear(tmp_path / "in.webm", "libvpx-vp9", "yuva420p", {"auto-alt-ref": "0"})
    assert any("transparency is left out" in warning for warning in write_again(source, tmp_path / "out.mp4"))


def moving(path: Path, delays: list[int]) -> Path:
    pictures = [Image.fromarray(clear_picture(index)) for index in range(len(delays))]
    kind = {".apng": "PNG", ".webp": "WEBP"}[path.suffix]
    extra = {"lossless": True} if kind == "WEBP" else {}
    pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], duration=delays, loop=3, **extra)
    return path


@pytest.mark.parametrize("source", [".apng", ".webp"])
@pytest.mark.parametrize("target", [".apng", ".webp"])
def test_moving_pictures_keep_every_pixel_time_and_loop(tmp_path: Path, source: str, target: str) -> None:
    path = moving(tmp_path / f"in{source}", [80, 50, 270, 35])
    info = probe(path)
    assert (info.kind, info.loop, (info.width, info.height)) == ("animation", 3, SIZE)
    assert write_again(path, tmp_path / f"out{target}") == []
    assert kind_of_file(tmp_path / f"out{target}") == "animation"
    again = probe(tmp_path / f"out{target}")
    assert again.loop == 3
    before, after = list(read_frames(path)), list(read_frames(tmp_path / f"out{target}"))
    assert [frame.pts * frame.time_base for frame in after] == [Fraction(t, 1000) for t in (0, 80, 130, 400)]
    with Image.open(tmp_path / f"out{target}") as image:
        image.seek(3)
        image.load()
        assert round(image.info["duration"]) == 35
    for frame, other in zip(before, after, strict=True):
        seen = frame.planes[3] > 0  # colours under what can't be seen are the writer's
        assert all(np.array_equal(a[seen], b[seen]) for a, b in zip(frame.planes, other.planes, strict=True))
        assert np.array_equal(frame.planes[3], other.planes[3])


@pytest.mark.parametrize("source", ["gif", "webp", "mov"])
def test_transparency_of_any_samples_reaches_webm(tmp_path: Path, source: str) -> None:
    path = tmp_path / f"in.{source}"
    if source == "gif":
        media.make_transparent_gif(path)
    elif source == "webp":
        moving(path, [80, 50])
    else:
        make_clear(path, "prores_ks", "yuva444p10le", {})
    warnings = write_again(path, tmp_path / "out.webm")
    assert not any("transparency" in warning for warning in warnings)
    assert probe(tmp_path / "out.webm").pix_fmt == "yuva420p"
    assert len(list(read_frames(tmp_path / "out.webm"))) == len(list(read_frames(path)))


def test_a_moving_picture_becomes_a_clip(tmp_path: Path) -> None:
    warnings = write_again(moving(tmp_path / "in.webp", [80, 50, 270, 35]), tmp_path / "out.mp4")
    assert any("transparency" in warning for warning in warnings)
    assert [round(frame.time, 3) for frame in read_frames(tmp_path / "out.mp4")] == [0, 0.08, 0.13, 0.4]


def test_pictures_in_a_row(tmp_path: Path) -> None:
    for number in (7, 8, 9):
        Image.fromarray(media.picture(number, SIZE)).save(tmp_path / f"f{number:04d}.png")
    source = tmp_path / "f%04d.png"
    assert list(numbered(source)) == [7, 8, 9]
    info = probe(source)
    assert (info.kind, info.width, info.pix_fmt) == ("sequence", 64, "gbrp")
    (tmp_path / "out").mkdir()
    assert write_again(source, tmp_path / "out" / "g%03d.png") == ["pictures in a row have no times: taken as 25 a second"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["g007.png", "g008.png", "g009.png"]
    for number in (7, 8, 9):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / f"g{number:03d}.png")), media.picture(number, SIZE))
    write_again(source, tmp_path / "out.mp4")
    assert [round(frame.time, 2) for frame in read_frames(tmp_path / "out.mp4")] == [0, 0.04, 0.08]


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_pictures_in_a_row_of_sixteen_bits_and_with_a_gap(tmp_path: Path, suffix: str) -> None:
    clip = media.make_clip(tmp_path / "in.mkv", size=SIZE, encoder="ffv1", pix_fmt="gray16le", times=range(3))
    write_again(clip, tmp_path / f"a%d{suffix}")
    del_number = at_number(tmp_path / f"a%d{suffix}", 2)
    frame = next(read_frames(tmp_path / f"a%d{suffix}"))
    assert frame.color.depth == 16
    assert np.array_equal(frame.planes[0], next(read_frames(clip)).planes[0])
    del_number.unlink()
    assert any("number 2 is missing" in warning for warning in probe(tmp_path / f"a%d{suffix}").warnings)
    with pytest.raises(UnreadableError):
        probe(tmp_path / f"b%d{suffix}")


def test_a_failed_row_of_pictures_leaves_nothing(tmp_path: Path) -> None:
    clip = media.make_clip(tmp_path / "in.mp4", times=range(3))
    with pytest.raises(KeyboardInterrupt), ClipWriter(tmp_path / "p%d.png", probe(clip)) as out:
        out.write(next(read_frames(clip)))
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_damage_is_concealed_and_counted(tmp_path: Path) -> None:
    options = {"preset": "ultrafast", "bf": "0", "threads": "1", "g": "10"}
    whole = media.make_clip(tmp_path / "in.mp4", size=(160, 128), times=range(60), options=options)
    with av.open(str(whole)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(whole.read_bytes())
    at, size = places[33]
    data[at + size // 2 : at + size] = bytes(size - size // 2)
    (tmp_path / "bad.mp4").write_bytes(data)
    reader = read_frames(tmp_path / "bad.mp4")
    count = len(list(reader))
    assert count + reader.damaged == 60
    assert reader.concealed + reader.damaged >= 1
    assert "concealed" in reader.remarks[0] or "left out" in reader.remarks[0]


def test_a_file_that_ends_before_its_time_is_announced(tmp_path: Path) -> None:
    whole = media.make_clip(tmp_path / "in.mkv", times=[33 * i for i in range(60)], time_base=Fraction(1, 1000))
    assert list(reader := read_frames(whole)) and reader.remarks == []
    reader = read_frames(media.damage(whole, tmp_path / "bad.mkv", start=0.3, length=40))
    assert len(list(reader)) < 60
    assert any("breaks off" in remark for remark in reader.remarks)


def test_a_jpeg_on_its_side_in_a_row(tmp_path: Path) -> None:
    """PyAV can't list what goes with a frame that has EXIF; the turn is read all the same."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in (1, 2):
        Image.fromarray(media.picture(number, SIZE)).save(tmp_path / f"{number}.jpg", exif=exif, quality=95)
    frames = list(read_frames(tmp_path / "%d.jpg"))
    assert [(frame.width, frame.height) for frame in frames] == [(48, 64)] * 2
    upright = np.rot90(media.picture(1, SIZE), -1).astype(float)
    assert np.abs(frames[0].rgb() - upright).mean() < 6
