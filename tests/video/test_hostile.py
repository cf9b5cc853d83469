"""Files nobody wants, under names nobody gives: one clear line each, and names that do work."""

from __future__ import annotations

import os
import random
import struct
import threading
from pathlib import Path
from unittest.mock import Mock

import av
import pytest
from PIL import ExifTags, Image, ImageFile

from tests import media
from videdit.errors import UnreadableError, VideditError
from videdit.video import patience
from videdit.video import probe as probing
from videdit.video.formats import LONGEST_NAME, part_of
from videdit.video.notes import note_in
from videdit.video.probe import probe
from videdit.video.reader import read_frames
from videdit.video.writer import ClipWriter

NAMES = {
    "newline": "a\nb.mp4",
    "quotes": "a'b\"c`d.mp4",
    "dashes": "--crf.mp4",
    "right to left": "a\u202egnp.mp4",
    "colon and percent": "http:a%zb?c#d.mp4",
    "longest": "x" * (LONGEST_NAME - 4) + ".mp4",
    "not UTF-8": os.fsdecode(b"a\xffb.mp4"),
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return media.make_clip(tmp_path_factory.mktemp("clips") / "in.mp4", size=(72, 64), times=range(4))


def write_again(source: Path, target: Path) -> int:
    """Read and write a file; gives back how many frames."""
    with ClipWriter(target, probe(source)) as out:
        for frame in read_frames(source):
            out.write(frame)
    return out.frames


def tried(source: Path, target: Path) -> tuple[int, VideditError | None]:
    """Frames written, and the error instead: of one line, with a hint, and nothing left of the output."""
    found: tuple[int, VideditError | None] = 0, None
    try:
        found = write_again(source, target), None
    except VideditError as error:
        found = 0, error
    if found[1] is not None:
        assert found[1].hint
        assert "\n" not in str(found[1])
    assert target.exists() == (found[1] is None)
    target.unlink(missing_ok=True)
    assert not list(target.parent.glob("*.part"))
    return found


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_is_read_and_written(clip: Path, tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    try:
        source.write_bytes(clip.read_bytes())
    except OSError:
        pytest.skip("this file system takes no such name")
    (tmp_path / "out").mkdir()
    assert write_again(source, tmp_path / "out" / name) == 4
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv", "out.gif"])
def test_sound_of_a_codec_nobody_knows_is_left_out_and_said(tmp_path: Path, target: str) -> None:
    source = media.make_clip(tmp_path / "in.mkv", size=(72, 64), times=range(3), audio=1)
    source.write_bytes(source.read_bytes().replace(b"A_AAC", b"A_ZZZ"))
    info = probe(source)
    assert [other.codec for other in info.streams] == ["unknown"]
    with ClipWriter(tmp_path / target, info) as out:
        for frame in read_frames(source):
            out.write(frame)
    assert out.frames == 3
    assert any("audio stream 1 (unknown)" in warning or "everything else is left out" in warning for warning in out.warnings)


def test_a_part_has_a_name_that_fits() -> None:
    assert part_of(Path("a/b.mp4")) == Path("a/b.mp4.part")
    long = "é" * 125 + ".mp4"
    assert len(os.fsencode(part_of(Path("a") / long).name)) <= LONGEST_NAME
    assert part_of(Path("a") / long) != part_of(Path("a") / f"é{long[1:-4]}x.mp4")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(UnreadableError, match="is no file"):
        probe(tmp_path / "pipe.mp4")
    with pytest.raises(UnreadableError, match="is no file"):
        probe(tmp_path)
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    with pytest.raises(UnreadableError, match="can't be read") as caught:
        probe(tmp_path / "loop.mp4")
    assert caught.value.hint


def test_a_decoder_that_never_comes_back_is_given_up(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(probing, "_first_frame", lambda *_: over.wait(20))
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    with pytest.raises(UnreadableError, match="stands still") as caught:
        probe(clip)
    assert caught.value.hint
    over.set()


def test_in_time_hands_everything_on() -> None:
    assert patience.in_time(lambda: 3, Path("a")) == 3
    with pytest.raises(KeyError):
        patience.in_time(lambda: {}["gone"], Path("a"))


def test_truncated_at_any_byte(clip: Path, tmp_path: Path) -> None:
    """An mp4's index is at its end, a Matroska's pictures come as far as they are there."""
    streamed = media.make_clip(tmp_path / "in.mkv", size=(72, 64), times=[40 * i for i in range(4)], time_base=media.Fraction(1, 1000))
    for source in (clip, streamed):
        data = source.read_bytes()
        for at in [0, 1, 11, *random.Random(0).sample(range(len(data)), 25)]:
            cut = tmp_path / f"cut{source.suffix}"
            cut.write_bytes(data[:at])
            frames, error = tried(cut, tmp_path / f"out{source.suffix}")
            assert bool(error) == (frames == 0)
            assert frames <= 4


@pytest.mark.parametrize("size", [(1, 1), (2, 2)])
def test_the_smallest_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (200, 100, 50)).save(tmp_path / "in.png")
    assert write_again(tmp_path / "in.png", tmp_path / "out.png") == 1
    source = media.make_clip(
        tmp_path / "in.mkv", size=size, encoder="ffv1", pix_fmt="yuv444p", times=[0, 40], time_base=media.Fraction(1, 1000)
    )
    assert write_again(source, tmp_path / "out.mp4") == 2


def test_a_million_frames_that_are_only_promised(clip: Path, tmp_path: Path) -> None:
    """stsz says how many samples there are; the file is as short as before."""
    data = bytearray(clip.read_bytes())
    at = data.index(b"stsz") + 12
    assert int.from_bytes(data[at : at + 4], "big") == 4
    data[at : at + 4] = (1_000_000).to_bytes(4, "big")
    (tmp_path / "in.mp4").write_bytes(data)
    assert tried(tmp_path / "in.mp4", tmp_path / "out.mp4")[0] <= 4


def test_encrypted_ends_well(clip: Path, tmp_path: Path) -> None:
    data = clip.read_bytes().replace(b"avc1", b"encv")
    (tmp_path / "in.mp4").write_bytes(data)
    tried(tmp_path / "in.mp4", tmp_path / "out.mp4")


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "song.m4a"), "w", format="mp4") as out:
        sound = out.add_stream("aac", rate=media.SAMPLE_RATE, layout="mono")
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 16, 16, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(media.picture(0, (16, 16)), format="rgb24").reformat(format="yuvj420p")
        frame.pts = 0
        for packet in [*cover.encode(frame), *cover.encode(None), *media._audio_packets(sound, 220.0, 0, 4000)]:
            out.mux(packet)
    with pytest.raises(UnreadableError, match="no video stream"):
        probe(tmp_path / "song.m4a")


def test_what_beside_a_picture_does_not_fit_is_left_out_and_said(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "x" * 70_000  # more than a JPEG can hold
    Image.fromarray(media.picture(0, (32, 24))).save(tmp_path / "in.png", exif=exif)
    with ClipWriter(tmp_path / "out.jpg", probe(tmp_path / "in.png"), note="AI-edited") as out:
        out.write(next(read_frames(tmp_path / "in.png")))
    assert any("left out" in warning for warning in out.warnings)
    assert note_in(tmp_path / "out.jpg") == "AI-edited"


@pytest.mark.parametrize("error", [struct.error("unpack"), IndexError(), KeyError("a"), EOFError(), ZeroDivisionError(), MemoryError()])
def test_whatever_pillow_raises_is_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    Image.fromarray(media.picture(0, (32, 24))).save(tmp_path / "in.png")
    monkeypatch.setattr(ImageFile.ImageFile, "load", Mock(side_effect=error))
    with pytest.raises(UnreadableError, match="can't be read as a picture") as caught:
        probe(tmp_path / "in.png")
    assert caught.value.hint
