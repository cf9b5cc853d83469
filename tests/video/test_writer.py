"""The target appears whole or not at all, and refusals say what to do."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from tests import media
from videdit.errors import OutputError, UsageError
from videdit.video.container import ContainerSink, Muxer
from videdit.video.probe import probe
from videdit.video.reader import read_frames
from videdit.video.writer import ClipWriter


class InterruptionError(Exception):
    """Stands for whatever goes wrong in the middle."""


def write(source: Path, target: Path, *, crf: float | None = None, until: int | None = None) -> None:
    """Write a clip again; raises InterruptionError at the frame `until`."""
    with ClipWriter(target, probe(source), crf=crf) as out:
        for frame in read_frames(source):
            if frame.index == until:
                raise InterruptionError
            out.write(frame)


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
@pytest.mark.parametrize("after", [0, 1, 8])
def test_failure_leaves_nothing_behind(tmp_path: Path, suffix: str, after: int) -> None:
    source = media.make_clip(tmp_path / "in.mp4", audio=1)
    target = tmp_path / f"out{suffix}"
    target.write_bytes(b"as before")
    with pytest.raises(InterruptionError):
        write(source, target, until=after)
    assert target.read_bytes() == b"as before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", target.name]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_transport_stream_of_few_packets_is_one(tmp_path: Path, count: int) -> None:
    write(media.make_clip(tmp_path / "in.mp4", size=(32, 32), times=range(count)), tmp_path / "out.ts")
    assert len(list(read_frames(tmp_path / "out.ts"))) == count


def without_sound_header(path: Path) -> Path:
    """A clip whose sound Matroska can't take, which it says when it is given pictures."""
    media.make_clip(path, size=(72, 64), times=[40 * i for i in range(4)], time_base=Fraction(1, 1000), audio=1)
    path.write_bytes(path.read_bytes().replace(b"\xaf\x00", b"\xaf\x01", 1))  # AAC's header, marked as sound
    return path


def test_sound_that_a_muxer_refuses_late_costs_no_pictures(tmp_path: Path) -> None:
    source = without_sound_header(tmp_path / "in.flv")
    with ClipWriter(tmp_path / "out.mkv", probe(source)) as out:
        for frame in read_frames(source):
            out.write(frame)
    assert len(list(read_frames(tmp_path / "out.mkv"))) == 4
    assert "matroska does not take all packets of the copied streams: some are left out" in out.warnings


def test_pictures_that_a_muxer_lost_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = without_sound_header(tmp_path / "in.flv")
    check = Muxer._check_pictures

    def lost(muxer: Muxer) -> None:
        muxer.steps += 1  # one that never reached the file
        check(muxer)

    monkeypatch.setattr(Muxer, "_check_pictures", lost)
    with pytest.raises(OutputError, match=r"does not take in\.flv"):
        write(source, tmp_path / "out.mkv")
    assert not (tmp_path / "out.mkv").exists()


def test_target_appears_at_the_end(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4")
    target = tmp_path / "out.mp4"
    with ClipWriter(target, probe(source)) as out:
        for frame in read_frames(source):
            out.write(frame)
            assert not target.exists()
            assert (tmp_path / "out.mp4.part").exists()
    assert target.exists()
    assert not (tmp_path / "out.mp4.part").exists()
    assert out.frames == 12


def test_the_source_itself_can_be_replaced(tmp_path: Path) -> None:
    path = media.make_clip(tmp_path / "in.mp4", audio=1)
    write(path, path)
    assert len(list(read_frames(path))) == 12


def test_no_frame(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4")
    with pytest.raises(OutputError, match="no frame"), ClipWriter(tmp_path / "out.mp4", probe(source)):
        pass
    assert not (tmp_path / "out.mp4").exists()


def test_unwritable_folder_is_said_at_once(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4")
    with pytest.raises(OutputError) as caught, ClipWriter(tmp_path / "missing" / "out.mp4", probe(source)):
        pass
    assert caught.value.hint


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_full_disk(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4", size=(320, 240), times=range(40))
    os.symlink("/dev/full", tmp_path / "out.mp4.part")
    with pytest.raises(OutputError):
        write(source, tmp_path / "out.mp4", crf=1)
    assert not (tmp_path / "out.mp4").exists()


def test_refusals(tmp_path: Path) -> None:
    clip = probe(media.make_clip(tmp_path / "in.mp4"))
    Image.fromarray(media.picture(0, (32, 24))).save(tmp_path / "in.png")
    with pytest.raises(UsageError) as caught:
        ClipWriter(tmp_path / "out.xyz", clip)
    assert ".mp4" in caught.value.hint
    with pytest.raises(UsageError, match=r"can't be written as \.png"):
        ClipWriter(tmp_path / "out.png", clip)
    with pytest.raises(UsageError, match=r"can't be written as \.mp4"):
        ClipWriter(tmp_path / "out.mp4", probe(tmp_path / "in.png"))
    with pytest.raises(UsageError, match="libx263") as caught:
        ClipWriter(tmp_path / "out.mp4", clip, encoder="libx263")
    assert "libx26" in caught.value.hint
    with pytest.raises(OutputError, match="libx265"), ClipWriter(tmp_path / "out.webm", clip, encoder="libx265") as out:
        out.write(next(read_frames(tmp_path / "in.mp4")))


def test_uneven_frames_don_t_go_into_avi(tmp_path: Path) -> None:
    even, uneven = media.make_clip(tmp_path / "even.mp4"), media.make_clip(tmp_path / "uneven.mp4", times=media.UNEVEN)
    write(even, tmp_path / "even.avi")
    assert len(list(read_frames(tmp_path / "even.avi"))) == 12
    with pytest.raises(OutputError, match="variable frame rate"), ClipWriter(tmp_path / "uneven.avi", probe(uneven)) as out:
        out.write(next(read_frames(uneven)))


def test_same_frames_same_bytes(tmp_path: Path) -> None:
    source = media.make_clip(tmp_path / "in.mp4", audio=1)
    for name in ("a.mp4", "b.mp4"):
        write(source, tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_packets_are_read_in_step_with_the_frames(tmp_path: Path) -> None:
    """Memory stays the same for long clips: sound is not read ahead of the pictures."""
    source = media.make_clip(tmp_path / "in.mp4", times=range(300), audio=1)
    sink = ContainerSink(tmp_path / "out.mp4", "mp4", probe(source), crf=None, encoder="libx264")
    copied = []
    for frame in read_frames(source):
        sink.write(frame)
        copier = sink._muxer._copier
        if copier is not None and copier._pending is not None and frame.index > 100:
            copied.append(float(copier._pending.dts * copier._pending.time_base) - frame.time)
    sink.abort()
    assert copied
    assert max(copied) < 0.1
