"""A note is in the written file, beside what stood there, or it is said that it can't be."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from tests import media
from videdit.video.notes import add_gif_comment, gif_comment
from videdit.video.probe import probe
from videdit.video.reader import read_frames
from videdit.video.writer import ClipWriter

NOTE = "AI-edited with videdit 0.1.0: smile +1, age -0.5"


def write_again(source: Path, target: Path, note: str = NOTE) -> list[str]:
    with ClipWriter(target, probe(source), note=note) as out:
        for frame in read_frames(source):
            out.write(frame)
    return out.warnings


def words(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return {key.lower(): value for key, value in container.metadata.items()}


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".flv"])
@pytest.mark.parametrize("comment", ["", "filmed in Ålesund"])
def test_containers_carry_it(tmp_path: Path, suffix: str, comment: str) -> None:
    source = media.make_clip(tmp_path / "in.mkv", metadata={"title": "Harbour", **({"comment": comment} if comment else {})})
    warnings = write_again(source, tmp_path / f"out{suffix}")
    assert not [w for w in warnings if "AI" in w]
    read = words(tmp_path / f"out{suffix}")
    assert read["title"] == "Harbour"
    assert read["comment"] == (f"{comment}; {NOTE}" if comment else NOTE)


def test_words_of_a_telephone_stay(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mov", metadata={"title": "Harbour"})
    with av.open(str(source)) as opened, av.open(str(tmp_path / "phone.mov"), "w", options={"movflags": "use_metadata_tags"}) as out:
        stream = out.add_stream_from_template(opened.streams.video[0])
        out.metadata.update({"com.apple.quicktime.make": "Phone", "title": "Harbour"})
        for packet in opened.demux(opened.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    write_again(tmp_path / "phone.mov", tmp_path / "out.mov")
    read = words(tmp_path / "out.mov")
    assert (read["com.apple.quicktime.make"], read["comment"]) == ("Phone", NOTE)


def test_3gp_holds_it_as_description(tmp_path: Path) -> None:
    write_again(media.make_clip(tmp_path / "in.mp4"), tmp_path / "out.3gp")
    assert b"dscp" in (data := (tmp_path / "out.3gp").read_bytes())  # FFmpeg writes that box and does not read it
    assert NOTE.encode() in data


def test_a_transport_stream_has_no_place_and_that_is_said(tmp_path: Path) -> None:
    warnings = write_again(media.make_clip(tmp_path / "in.mp4", times=range(30)), tmp_path / "out.ts")
    assert "mpegts can't carry the note that the file was edited by AI" in warnings


def test_without_a_note_nothing_is_added(tmp_path: Path) -> None:
    write_again(media.make_clip(tmp_path / "in.mp4"), tmp_path / "out.mp4", "")
    assert "comment" not in words(tmp_path / "out.mp4")


@pytest.mark.parametrize("comment", ["", "by hand"])
def test_gifs(tmp_path: Path, comment: str) -> None:
    source = media.make_gif(tmp_path / "in.gif")
    if comment:
        add_gif_comment(source, comment)
    write_again(source, tmp_path / "out.gif")
    assert gif_comment(tmp_path / "out.gif") == (f"{comment}; {NOTE}" if comment else NOTE)
    with Image.open(tmp_path / "out.gif") as image, Image.open(source) as before:
        assert (image.n_frames, image.info["loop"]) == (before.n_frames, before.info["loop"])


def test_a_long_comment_fills_several_blocks(tmp_path: Path) -> None:
    source = media.make_gif(tmp_path / "in.gif")
    add_gif_comment(source, "x" * 700)
    assert gif_comment(source) == "x" * 700


def test_pictures(tmp_path: Path) -> None:
    pixels, exif = Image.fromarray(media.picture(0, (48, 40))), Image.Exif()
    exif[ExifTags.Base.ImageDescription], exif[ExifTags.Base.Make] = "a harbour", "Camera"
    pixels.save(tmp_path / "in.jpg", exif=exif, comment=b"by hand")
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Author", "somebody")
    chunks.add_itxt("Title", "Ålesund")
    pixels.save(tmp_path / "in.png", pnginfo=chunks)

    for suffix in (".jpg", ".webp", ".tiff"):
        assert write_again(tmp_path / "in.jpg", tmp_path / f"out{suffix}") == []
    write_again(tmp_path / "in.png", tmp_path / "out.png")
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.info["comment"].decode() == f"by hand; {NOTE}"
        assert image.getexif()[ExifTags.Base.Make] == "Camera"
    for name in ("out.webp", "out.tiff"):
        with Image.open(tmp_path / name) as image:
            assert image.getexif()[ExifTags.Base.ImageDescription] == f"a harbour; {NOTE}"
    with Image.open(tmp_path / "out.png") as image:
        assert {**image.text} == {"Author": "somebody", "Title": "Ålesund", "Comment": NOTE}
        assert np.array_equal(np.asarray(image), np.asarray(pixels))
    assert "BMP can't carry the note that the file was edited by AI" in write_again(tmp_path / "in.png", tmp_path / "out.bmp")
