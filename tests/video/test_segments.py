"""Segments: what is encoded in pieces is a stream like any other, whole or cut short, on a full disk too."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests import media
from videdit.errors import OutputError
from videdit.store.work import Work, work_folder
from videdit.video.marks import Changed, Mark, read_behind
from videdit.video.packets import PacketFile, PacketsDamagedError, Times3, read_facts, read_packets
from videdit.video.probe import probe
from videdit.video.reader import read_frames
from videdit.video.segments import Kept, decoding_times, ends
from videdit.video.writer import ClipWriter, keeps

SIZE = (96, 64)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videdit.video.segments.SEGMENT", 8)


def write(source: Path, target: Path, *, encoder: str = "libx264", stop: int | None = None, crf: float | None = None) -> list[int]:
    """Copy a clip, as far as `stop`, keeping what is done; the numbers of the frames that were left to do."""
    left = []
    with Work(target) as work:
        kept = Kept.at(work.place("video"), "key")
        with ClipWriter(target, probe(source), encoder=encoder, part=work.part, kept=kept, crf=crf) as out:
            reader, frames = read_behind(source, kept.mark) if kept.mark else (reader := read_frames(source), reader)
            for frame in iter(()) if kept.whole else frames:
                if frame.index == stop:
                    raise EOFError
                out.write(frame, Mark.of(frame, reader) if ends(frame.index) else None)
                left.append(frame.index)
    return left


def write_cut(source: Path, target: Path, stops: tuple[int, ...], **how: object) -> list[int]:
    for stop in stops:
        with pytest.raises(EOFError):
            write(source, target, stop=stop, **how)  # type: ignore[arg-type]
        assert not target.exists()
    return write(source, target, **how)  # type: ignore[arg-type]


WRITERS = [
    (".mp4", "libx264"),
    (".mkv", "libx265"),
    (".mp4", "libsvtav1"),
    (".webm", "libvpx-vp9"),
    (".webm", "libvpx"),
    (".mov", "prores_ks"),
    (".mkv", "ffv1"),
    (".avi", "mpeg4"),
    (".avi", "mpeg2video"),
    (".mov", "qtrle"),
    (".ts", "libx264"),
    (".flv", "libx264"),
]


@pytest.mark.parametrize(("suffix", "encoder"), WRITERS)
def test_pieces_are_a_stream(suffix: str, encoder: str, tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4", size=SIZE, times=range(20), time_base=Fraction(1, 25), rate=25, audio=1)
    assert keeps(tmp_path / f"out{suffix}", probe(source), encoder)
    write(source, tmp_path / f"whole{suffix}", encoder=encoder)
    assert write_cut(source, tmp_path / f"cut{suffix}", (3, 19), encoder=encoder) == [16, 17, 18, 19]
    assert (tmp_path / f"cut{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
    with ClipWriter(tmp_path / f"one{suffix}", probe(source), encoder=encoder) as out:
        for frame in read_frames(source):
            out.write(frame)
    before, after = list(read_frames(tmp_path / f"one{suffix}")), list(read_frames(tmp_path / f"cut{suffix}"))
    steps = [[b.time - a.time for a, b in zip(frames, frames[1:], strict=False)] for frames in (before, after)]
    assert len(after) == len(before) == 20
    assert np.allclose(steps[0], steps[1], atol=1e-6), "not the times that one encoder gives"
    shades = [[float(frame.rgb().mean()) for frame in frames] for frames in (before, after)]
    assert np.allclose(shades[0], shades[1], atol=4), "frames are lost or in another order"
    if encoder == "ffv1":
        assert all(np.array_equal(p, q) for a, b in zip(before, after, strict=True) for p, q in zip(a.planes, b.planes, strict=True))


def test_uneven_times_and_reordered_frames(tmp_path: Path) -> None:
    """Decoding times go up over all segments, and stay below the times at which frames are shown."""
    times = [0, 1, 2, 3, 4, 5, 6, 9, 10, 30, 50, 51, 52, 53, 54, 55, 60, 61, 62, 63]
    source = media.make_clip(tmp_path / "in.mp4", size=SIZE, times=times)
    write_cut(source, tmp_path / "out.mp4", (11,))
    with av.open(str(tmp_path / "out.mp4")) as container:
        packets = [(packet.dts, packet.pts) for packet in container.demux(container.streams.video[0]) if packet.dts is not None]
    assert all(later[0] > earlier[0] for earlier, later in zip(packets, packets[1:], strict=False))
    assert all(dts <= pts for dts, pts in packets)
    assert any(dts != pts for dts, pts in packets), "nothing was reordered: this tries nothing"
    assert [frame.time for frame in read_frames(tmp_path / "out.mp4")] == [frame.time for frame in read_frames(source)]


def test_decoding_times_of_one_encoder_are_its_own() -> None:
    packets = [Times3(0, -2, 1), Times3(4, -1, 1), Times3(2, 0, 1), Times3(1, 1, 1), Times3(3, 2, 1)]
    assert list(decoding_times([packets])) == [-2, -1, 0, 1, 2]
    again = [Times3(pts + 5, dts + 5, 1) for pts, dts in ((p.pts or 0, p.dts or 0) for p in packets)]
    assert list(decoding_times([packets, again])) == list(range(-2, 8))


def test_packets_come_back_and_damage_is_seen(tmp_path: Path) -> None:
    packet = av.Packet(b"abcdef")
    packet.pts, packet.dts, packet.duration, packet.is_keyframe = 7, -3, 2, True
    with PacketFile(tmp_path / "a") as file:
        file.write(packet)
        file.close({"frames": 1})
    (back,) = read_packets(tmp_path / "a", Fraction(1, 25))
    assert (bytes(back), back.pts, back.dts, back.duration, back.is_keyframe) == (b"abcdef", 7, -3, 2, True)
    assert read_facts(tmp_path / "a") == ({"frames": 1}, [Times3(7, -3, 2)])
    data = (tmp_path / "a").read_bytes()
    for size in range(len(data)):
        (tmp_path / "b").write_bytes(data[:size])
        with pytest.raises(PacketsDamagedError):
            read_facts(tmp_path / "b")
    (tmp_path / "b").write_bytes(data.replace(b"abcdef", b"abcdeg"))
    with pytest.raises(PacketsDamagedError):
        read_facts(tmp_path / "b")


def test_a_mark_finds_its_frame_again(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4", size=SIZE, times=range(30))
    frames, reader = list(read_frames(source)), read_frames(source)
    mark = Mark.of(frames[20], reader)
    assert [frame.index for frame in read_behind(source, mark)[1]] == list(range(21, 30))
    assert [frame.index for frame in read_behind(source, mark, back_to=frames[17].time)[1]] == list(range(17, 30))
    unsure = Mark(mark.index, mark.time, mark.checksum, False)
    again, rest = read_behind(source, unsure)
    assert [frame.index for frame in rest] == list(range(21, 30))
    assert again.start is None, "what was damaged is read from the start"
    with pytest.raises(Changed):
        read_behind(source, Mark(mark.index, mark.time, mark.checksum ^ 1, True))


@contextlib.contextmanager
def tmpfs(folder: Path, options: str) -> Iterator[Path]:
    """A small disk; skips, saying so, where none can be mounted."""
    folder.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here: a full disk is not tried")
    if done.returncode:
        pytest.skip("no tmpfs can be mounted here (it takes root): a full disk is not tried")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


@pytest.mark.parametrize("share", [0.3, 0.8, 1.3, 1.8])
def test_a_full_disk_is_said_and_gone_on_with(share: float, tmp_path: Path) -> None:
    """Wherever it gets full: in a segment, between two, while they are joined. It takes twice the output's size."""
    source = media.make_clip(tmp_path / "in.mp4", size=(320, 240), times=range(40), audio=1)
    write(source, tmp_path / "whole.mp4", crf=1)
    whole = (tmp_path / "whole.mp4").read_bytes()
    with tmpfs(tmp_path / "disk", f"size={int(len(whole) * share)}") as disk:
        with pytest.raises(OutputError, match="no space left") as caught:
            write(source, disk / "out.mp4", crf=1)
        assert caught.value.hint
        assert not (disk / "out.mp4").exists()
        done = len(list(work_folder(disk / "out.mp4").glob("video/*.seg")))
        assert done >= int(5 * min(share, 1)) - 1
        remount(disk, "size=16m")
        assert len(write(source, disk / "out.mp4", crf=1)) == 40 - 8 * done
        assert (disk / "out.mp4").read_bytes() == whole
        assert os.listdir(disk) == ["out.mp4"]


def test_a_disk_that_can_only_be_read(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4", size=SIZE, times=range(20))
    with tmpfs(tmp_path / "disk", "size=1m") as disk:
        with pytest.raises(EOFError):
            write(source, disk / "out.mp4", stop=12)
        remount(disk, "ro")
        with pytest.raises(OutputError, match="read-only") as caught:
            write(source, disk / "out.mp4")
        assert caught.value.hint
        remount(disk, "rw")
        assert write(source, disk / "out.mp4") == list(range(8, 20))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_folder_that_can_only_be_read(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4", size=SIZE, times=range(20))
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="denied"):
        write(source, tmp_path / "out" / "out.mp4")


def test_names_as_long_as_can_be(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4", size=SIZE, times=range(10))
    name = "n" * 251 + ".mp4"
    write(source, tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == sorted(["in.mp4", name])


@pytest.mark.parametrize("stop", [None, 44])
def test_encoders_of_segments_that_are_done_are_gone(tmp_path: Path, stop: int | None) -> None:
    """Each holds some dozens of pictures; nobody knows when a garbage collector would come."""
    source = media.make_clip(tmp_path / "in.mp4", size=SIZE, times=range(50))
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(EOFError) if stop else contextlib.nullcontext():
            write(source, tmp_path / "out.mp4", stop=stop)
        assert not [thing for thing in gc.get_objects() if isinstance(thing, av.container.OutputContainer)]
    finally:
        gc.enable()


def test_pictures_go_alone_where_nothing_whole_comes_of_the_sound(tmp_path: Path) -> None:
    source = media.make_clip(
        tmp_path / "in.webm",
        size=SIZE,
        times=[40 * i for i in range(10)],
        time_base=Fraction(1, 1000),
        encoder="libvpx-vp9",
        audio=1,
        sound="libopus",
        options={"cpu-used": "8"},
    )
    header = b"\x93OpusHead"  # behind the name of its element; without one mp4 says no when all is written
    source.write_bytes(source.read_bytes().replace(b"c\xa2" + header, b"c\xa9" + header))
    with Work(tmp_path / "out.mp4") as work:
        kept = Kept.at(work.place("video"), "key")
        with ClipWriter(tmp_path / "out.mp4", probe(source), part=work.part, kept=kept) as out:
            for frame in read_frames(source):
                out.write(frame)
    assert len(list(read_frames(tmp_path / "out.mp4"))) == 10
    assert not probe(tmp_path / "out.mp4").audio
    assert "mp4 does not take the other streams of in.webm: left out" in out.warnings
    again = ClipWriter(tmp_path / "again.mp4", probe(source))
    with pytest.raises(OutputError, match=r"mp4 does not take in\.webm: invalid data"), again:  # nothing is kept to begin again with
        for frame in read_frames(source):
            again.write(frame)
