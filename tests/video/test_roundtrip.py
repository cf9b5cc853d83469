"""A clip written from its own frames: frames, times, sound, subtitles, chapters and colour are those of the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests import media
from videdit.video.probe import probe, video_stream
from videdit.video.reader import read_frames
from videdit.video.writer import ClipWriter

MILLISECONDS = Fraction(1, 1000)
SHARED = Path(__file__).parents[2].parent / "shared" / "clips"
ASTRONAUT = Path(__file__).parents[2] / "examples" / "astronaut.mp4"


@dataclass
class Contents:
    """What a file holds, read with PyAV alone."""

    times: list[Fraction]
    others: list[tuple[str, list[tuple[Fraction | None, bytes]]]] = field(default_factory=list)
    chapters: list[tuple[Fraction, Fraction, str]] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)


def contents(path: Path) -> Contents:
    with av.open(str(path)) as container:
        stream = video_stream(container, path)
        index = stream.index
        times = [frame.pts * stream.time_base for frame in container.decode(stream)]
        chapters = [(c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"]["title"]) for c in container.chapters()]
        metadata = dict(container.metadata)
    with av.open(str(path)) as container:
        others = [stream for stream in container.streams if stream.index != index]
        packets: dict[int, list[tuple[Fraction | None, bytes]]] = {stream.index: [] for stream in others}
        for packet in container.demux(*others) if others else ():
            if packet.pts is not None:
                packets[packet.stream_index].append((packet.pts * packet.time_base, bytes(packet)))
        return Contents(times, [(stream.type, packets[stream.index]) for stream in others], chapters, metadata)


def write_again(source: Path, target: Path, **options) -> list[str]:  # type: ignore[no-untyped-def]
    with ClipWriter(target, probe(source), **options) as out:
        for frame in read_frames(source):
            out.write(frame)
    return out.warnings


def assert_same(source: Path, target: Path) -> None:
    before, after = contents(source), contents(target)
    assert after.times == before.times
    assert after.others == before.others
    assert after.chapters == before.chapters


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_variable_frame_rate_two_tracks_and_chapters(tmp_path: Path, suffix: str) -> None:
    source = media.make_clip(
        tmp_path / f"in{suffix}",
        times=media.UNEVEN,
        audio=2,
        chapters=[(0, 0.5, "one"), (0.5, 1.5, "two")],
        metadata={"title": "Uneven"},
    )
    assert probe(source).variable_rate
    assert write_again(source, tmp_path / f"out{suffix}") == []
    assert_same(source, tmp_path / f"out{suffix}")
    assert contents(tmp_path / f"out{suffix}").metadata["title"] == "Uneven"


def test_matroska_keeps_subtitles_attachments_and_chapters(tmp_path: Path) -> None:
    source = media.make_clip(
        tmp_path / "in.mkv",
        times=[33 * i for i in range(12)],
        time_base=MILLISECONDS,
        audio=2,
        subtitles=[(0.05, 0.2, "Hello"), (0.25, 0.3, "you")],
        chapters=[(0, 0.2, "a"), (0.2, 0.4, "b")],
        attachment=b"not really a font",
    )
    assert write_again(source, tmp_path / "out.mkv") == []
    assert_same(source, tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert [stream.data for stream in container.streams.attachments] == [b"not really a font"]


def test_another_container_says_what_it_can_not_carry(tmp_path: Path) -> None:
    source = media.make_clip(
        tmp_path / "in.mkv", times=[33 * i for i in range(12)], time_base=MILLISECONDS, audio=1, subtitles=[(0.05, 0.2, "Hello")]
    )
    warnings = write_again(source, tmp_path / "out.mp4")
    assert any("subtitle stream 2" in warning for warning in warnings)
    before, after = contents(source), contents(tmp_path / "out.mp4")
    assert after.times == before.times
    for (time, data), (time_before, data_before) in zip(after.others[0][1], before.others[0][1], strict=True):
        assert data == data_before
        assert abs(time - time_before) <= Fraction(1, 2 * media.SAMPLE_RATE)


def test_coarser_ticks_stay_within_half_a_tick(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4", times=media.UNEVEN, audio=1)
    warnings = write_again(source, tmp_path / "out.mkv")
    assert any("coarser ticks" in warning for warning in warnings)
    before, after = contents(source), contents(tmp_path / "out.mkv")
    assert len(after.times) == len(before.times)
    assert all(abs(a - b) <= MILLISECONDS / 2 for a, b in zip(after.times, before.times, strict=True))
    audio = zip(after.others[0][1], before.others[0][1], strict=True)
    assert all(data == data_before and abs(a - b) <= MILLISECONDS / 2 for (a, data), (b, data_before) in audio)


@pytest.mark.parametrize("delay", [0, 10])
@pytest.mark.parametrize("audio_start", [0, 3001])
def test_streams_that_start_late(tmp_path: Path, delay: int, audio_start: int) -> None:
    source = media.make_clip(tmp_path / "in.mp4", times=[delay + i for i in range(12)], audio=1, audio_start=audio_start)
    write_again(source, tmp_path / "out.mp4")
    assert_same(source, tmp_path / "out.mp4")


def test_transport_stream(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.ts", times=[3000 * i for i in range(12)], time_base=Fraction(1, 90000), audio=1)
    assert write_again(source, tmp_path / "out.ts") == []
    assert_same(source, tmp_path / "out.ts")


def test_shift_of_a_container_without_negative_times_is_announced(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4", audio=1)
    assert any("later" in warning for warning in write_again(source, tmp_path / "out.ts"))


def test_webm_falls_back_to_an_encoder_it_can_carry(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4", audio=1)
    warnings = write_again(source, tmp_path / "out.webm")
    assert any("libvpx-vp9" in warning for warning in warnings)
    assert any("audio stream 1 (aac)" in warning for warning in warnings)


@pytest.mark.parametrize(
    ("pix_fmt", "tags", "read_as", "matrix", "full"),
    [
        ("yuv420p", None, "yuv420p", "bt601", False),
        ("yuv420p", (1, 1, 1, 1), "yuv420p", "bt709", False),
        ("yuv422p", (6, 6, 6, 1), "yuv422p", "bt601", False),
        ("yuv444p", (1, 1, 1, 1), "yuv444p", "bt709", False),
        ("yuvj420p", (1, 1, 1, 2), "yuv420p", "bt709", True),
        ("yuv420p10le", (9, 16, 9, 1), "yuv420p10le", "bt2020", False),
        ("yuv422p10le", (1, 1, 1, 1), "yuv422p10le", "bt709", False),
    ],
)
def test_color_tags_and_sample_format(
    tmp_path: Path, pix_fmt: str, tags: tuple[int, ...] | None, read_as: str, matrix: str, full: bool
) -> None:
    source = media.make_clip(tmp_path / "in.mp4", pix_fmt=pix_fmt, tags=tags)
    info = probe(source)
    assert (info.pix_fmt, info.color.matrix, info.color.full_range) == (read_as, matrix, full)
    assert [warning for warning in write_again(source, tmp_path / "out.mp4") if not warning.startswith("HDR is written as")] == []
    again = probe(tmp_path / "out.mp4")
    assert (again.pix_fmt, again.color) == (info.pix_fmt, info.color)


def test_untagged_is_709_from_720_lines_up(tmp_path: Path) -> None:
    assert probe(media.make_clip(tmp_path / "small.mp4", size=(64, 64), times=[0])).color.matrix == "bt601"
    assert probe(media.make_clip(tmp_path / "large.mp4", size=(64, 720), times=[0])).color.matrix == "bt709"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_odd_size_keeps_every_pixel(tmp_path: Path, suffix: str) -> None:
    source = media.make_clip(tmp_path / "in.mkv", encoder="ffv1", size=(95, 63), times=[33 * i for i in range(6)], time_base=MILLISECONDS)
    warnings = write_again(source, tmp_path / f"out{suffix}", crf=1)
    assert any("odd size" in warning for warning in warnings)
    for before, after in zip(read_frames(source), read_frames(tmp_path / f"out{suffix}"), strict=True):
        assert (after.width, after.height) == (95, 63)
        assert np.abs(before.planes[0].astype(int) - after.planes[0]).mean() < 1.0


def test_other_encoders(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4", audio=1)
    for encoder in ("libx265", "libvpx-vp9"):
        write_again(source, tmp_path / "out.mp4", encoder=encoder)
        assert_same(source, tmp_path / "out.mp4")


def test_default_quality_is_close_to_the_source(tmp_path: Path) -> None:
    write_again(ASTRONAUT, tmp_path / "out.mp4")
    assert_same(ASTRONAUT, tmp_path / "out.mp4")
    errors = [
        np.mean((before.planes[0].astype(float) - after.planes[0]) ** 2)
        for before, after in zip(read_frames(ASTRONAUT, stop=0.5), read_frames(tmp_path / "out.mp4", stop=0.5), strict=True)
    ]
    assert 10 * np.log10(255**2 / np.mean(errors)) > 42


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared clips are not here")
@pytest.mark.parametrize("name", ["neutral_to_smile.mp4", "no_face_cartoon.mp4", "no_face_then_face_vfr_hevc.mov", "rotation90_face.mp4"])
def test_shared_clips(tmp_path: Path, name: str) -> None:
    write_again(SHARED / name, tmp_path / name)
    assert_same(SHARED / name, tmp_path / name)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("rotation", [0, 90])
def test_planes_reach_the_encoder_to_the_bit(tmp_path: Path, pix_fmt: str, rotation: int) -> None:
    """Through a lossless encoder the decoded planes come back unchanged, turned upright."""
    source = media.make_clip(tmp_path / "in.mp4", pix_fmt=pix_fmt, rotation=rotation, times=range(5))
    write_again(source, tmp_path / "out.mkv", encoder="ffv1")
    for before, after in zip(read_frames(source), read_frames(tmp_path / "out.mkv"), strict=True):
        assert after.pix_fmt == before.pix_fmt
        assert all(np.array_equal(a, b) for a, b in zip(before.planes, after.planes, strict=True))
