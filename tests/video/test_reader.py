"""Frames as decoded: planes to the bit, upright, once each, the same from a seek."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests import media
from videdit.errors import UnreadableError
from videdit.video.color import closest_format, depth_of, planar_format, planes_of
from videdit.video.marks import Mark
from videdit.video.probe import probe
from videdit.video.reader import frame_times, read_frames

SAMPLE_BYTES = {"rgb24": 3, "bgra": 4, "rgba": 4, "rgb48le": 6, "yuyv422": 2, "p010le": 2, "yuv444p10le": 2}  # of a sample in a row, else 1


def decoded(path: Path, pix_fmt: str) -> list[tuple[np.ndarray, ...]]:
    """The planes by PyAV's own conversion to an array, for formats whose planes lie one below the other."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format=pix_fmt) for frame in container.decode(video=0)]


def test_planes_are_the_decoders(tmp_path: Path) -> None:
    path = media.make_clip(tmp_path / "in.mp4", size=(96, 64))
    frames = list(read_frames(path))
    assert [frame.index for frame in frames] == list(range(12))
    for frame, raw in zip(frames, decoded(path, "yuv420p"), strict=True):
        y, u, v = frame.planes
        assert np.array_equal(y, raw[:64])
        assert np.array_equal(u, raw[64:80].reshape(32, 48))
        assert np.array_equal(v, raw[80:].reshape(32, 48))


def test_frames_own_their_planes(tmp_path: Path) -> None:
    """Painting over a frame must not reach the decoder's references."""
    path = media.make_clip(tmp_path / "in.mp4")
    clean = [frame.planes[0].copy() for frame in read_frames(path)]
    for frame, before in zip(read_frames(path), clean, strict=True):
        assert np.array_equal(frame.planes[0], before)
        for plane in frame.planes:
            plane[...] = 0


def test_ten_bits(tmp_path: Path) -> None:
    path = media.make_clip(tmp_path / "in.mp4", pix_fmt="yuv420p10le")
    for frame, raw in zip(read_frames(path), decoded(path, "yuv420p10le"), strict=True):
        assert frame.planes[0].dtype == np.uint16
        assert frame.color.depth == 10
        assert np.array_equal(frame.planes[0], raw[:64])


@pytest.mark.parametrize("rotation", [90, 180, -90])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p"])
def test_rotation_turns_the_planes(tmp_path: Path, rotation: int, pix_fmt: str) -> None:
    flat = media.make_clip(tmp_path / "flat.mp4", pix_fmt=pix_fmt, times=range(3))
    turned = media.make_clip(tmp_path / "turned.mp4", pix_fmt=pix_fmt, times=range(3), rotation=rotation)
    info = probe(turned)
    assert abs(info.rotation) == abs(rotation)
    assert (info.width, info.height) == ((64, 96) if rotation % 180 else (96, 64))
    for frame, upright in zip(read_frames(flat), read_frames(turned), strict=True):
        assert upright.planes[0].shape == (info.height, info.width)
        for plane, turned_plane in zip(frame.planes, upright.planes, strict=True):
            assert np.array_equal(turned_plane, np.rot90(plane, rotation // 90))
    assert info.pix_fmt == upright.pix_fmt


def test_mirrored(tmp_path: Path) -> None:
    flat = media.make_clip(tmp_path / "flat.mp4", times=range(2))
    mirrored = media.make_clip(tmp_path / "mirrored.mp4", times=range(2), mirrored=True)
    for frame, other in zip(read_frames(flat), read_frames(mirrored), strict=True):
        assert np.array_equal(other.planes[0], frame.planes[0][:, ::-1])


@pytest.mark.parametrize(("start", "stop"), [(0.0, 0.2), (0.9, 1.4), (1.0, None), (2.95, 9.0)])
def test_seek_gives_the_same_frames(tmp_path: Path, start: float, stop: float | None) -> None:
    path = media.make_clip(tmp_path / "in.mp4", times=range(90))
    wanted = [frame for frame in read_frames(path) if start <= frame.time < (stop or 99)]
    found = list(read_frames(path, start=start, stop=stop))
    assert [(frame.index, frame.pts) for frame in found] == [(frame.index, frame.pts) for frame in wanted]
    assert all(np.array_equal(a.planes[0], b.planes[0]) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_seek_in_other_containers(tmp_path: Path, suffix: str) -> None:
    path = media.make_clip(tmp_path / f"in{suffix}", times=[3000 * i for i in range(60)], time_base=Fraction(1, 90000))
    wanted = [(frame.index, frame.pts) for frame in read_frames(path) if frame.time >= 1.0]
    assert [(frame.index, frame.pts) for frame in read_frames(path, start=1.0)] == wanted
    assert len(frame_times(path)) == 60


def test_times_without_decoding(tmp_path: Path) -> None:
    path = media.make_clip(tmp_path / "in.mp4", times=media.UNEVEN)
    assert frame_times(path) == pytest.approx([time / 30 for time in media.UNEVEN])


@pytest.mark.parametrize("name", ["nv12", "p010le", "yuyv422", "rgb24", "bgra", "rgba", "gray", "rgb48le", "yuvj422p", "yuv444p10le"])
def test_planar_conversion_loses_nothing(name: str) -> None:
    rng = np.random.default_rng(0)
    frame = av.VideoFrame(32, 16, name)
    for plane in frame.planes:
        data = rng.integers(0, 256, plane.buffer_size, dtype=np.uint8)
        if name == "p010le":  # ten bits, at the top of sixteen
            data = (data.view(np.uint16) & 0xFFC0).view(np.uint8)
        if name.endswith("10le") and name != "p010le":
            data = (data.view(np.uint16) & 0x3FF).view(np.uint8)
        plane.update(data)
    planes = planes_of(frame)
    again = av.VideoFrame(32, 16, planar_format(name))
    for plane, samples in zip(again.planes, planes, strict=True):
        rows = np.frombuffer(plane, samples.dtype).reshape(plane.height, -1)
        rows[:, : plane.width] = samples
    packed = again.reformat(format=name.replace("yuvj", "yuv"))
    for index, (plane, other) in enumerate(zip(frame.planes, packed.planes, strict=True)):
        interleaved = index == 1 and name in ("nv12", "p010le")
        used = plane.width * SAMPLE_BYTES.get(name, 1) * (2 if interleaved else 1)
        rows, again_rows = (np.frombuffer(p, np.uint8).reshape(plane.height, -1)[:, :used] for p in (plane, other))
        assert np.array_equal(rows, again_rows)


def test_closest_format() -> None:
    x264 = tuple(layout.name for layout in av.codec.Codec("libx264", "w").video_formats)
    assert closest_format("yuv420p", x264, odd=False) == "yuv420p"
    assert closest_format("yuv440p", x264, odd=False) == "yuv444p"
    assert closest_format("yuv420p12le", x264, odd=False) == "yuv420p10le"
    assert closest_format("yuva420p", x264, odd=False) == "yuv420p"
    assert closest_format("gbrap", x264, odd=False) == "yuv420p"
    assert closest_format("yuv420p", x264, odd=True) == "yuv444p"
    assert closest_format("gray", x264, odd=False) == "gray"
    assert depth_of("yuv420p10le") == 10


def test_no_video_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="no video stream"):
        probe(media.make_sound(tmp_path / "sound.mp4"))
    with pytest.raises(UnreadableError, match="can't be read"):
        list(read_frames(tmp_path / "missing.mp4"))
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(UnreadableError):
        probe(tmp_path / "text.mp4")
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(UnreadableError):
        probe(tmp_path / "empty.mp4")


def test_cut_off_clip_is_read_to_where_it_breaks(tmp_path: Path) -> None:
    whole = media.make_clip(tmp_path / "in.mkv", times=[33 * i for i in range(60)], time_base=Fraction(1, 1000))
    cut = media.truncate(whole, tmp_path / "cut.mkv", 0.6)
    assert 10 < len(list(read_frames(cut))) < 60
    with pytest.raises(UnreadableError):  # its index is at the end
        probe(media.truncate(media.make_clip(tmp_path / "in.mp4"), tmp_path / "cut.mp4", 0.6))


def test_damaged_packets_are_skipped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    times = [33 * i for i in range(40)]
    whole = media.make_clip(tmp_path / "in.mkv", encoder="ffv1", times=times, time_base=Fraction(1, 1000), pix_fmt="yuv420p")
    with av.open(str(whole)) as source, av.open(str(tmp_path / "bad.mkv"), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.dts is not None):
            if number in (5, 6):
                empty = av.Packet(b"\x00" * 4)
                empty.pts, empty.dts, empty.time_base = packet.pts, packet.dts, packet.time_base
                packet = empty
            packet.stream = stream
            out.mux(packet)
    reader = read_frames(tmp_path / "bad.mkv")
    with caplog.at_level(logging.WARNING):
        frames = list(reader)
    assert len(frames) + reader.damaged == 40
    assert reader.damaged > 0
    assert "damaged" in caplog.text


def test_times_always_increase(tmp_path: Path) -> None:
    """Two transport streams in one file, as `cat` joins them, go back to the first one's times."""
    path = media.make_clip(tmp_path / "in.ts", size=(72, 64), times=[3600 * i for i in range(4)], time_base=Fraction(1, 90000))
    path.write_bytes(path.read_bytes() * 2)
    reader = read_frames(path)
    times = [frame.pts for frame in reader]
    assert times == [7200, 10800, 14400, 18000, 18001, 18002, 18003, 18004]
    assert reader.remarks == ["4 frames with times that are not later than those before them are moved on by a tick"]
    assert not Mark.of(list(read_frames(path))[-1], reader).clean
