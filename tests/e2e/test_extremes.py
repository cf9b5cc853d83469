"""Inputs and disks at the end of what there is, through the whole command: one clear line, the right code, nothing lost."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests import media, scripted
from tests.e2e.runner import run
from tests.tinypack import make_tiny_pack
from tests.video.test_segments import remount, tmpfs
from videdit.store.work import work_folder
from videdit.video.probe import probe
from videdit.video.reader import read_frames

resource = pytest.importorskip("resource", reason="this system counts no memory and limits no files: disks and memory are not tried")

FRAMES = 24
LARGE = "--crf", "1"  # an output larger than what pass 1 keeps


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_pack(tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted.make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", pts=range(FRAMES))


@pytest.fixture(scope="module")
def whole(clip: Path, pack: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The clip edited by a run that nothing happens to."""
    out = tmp_path_factory.mktemp("whole") / "out.mp4"
    with short_segments():
        assert run([clip], out, pack, *LARGE) == 0
    return out.read_bytes()


@contextmanager
def short_segments() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("videdit.video.segments.SEGMENT", 8)
        patch.setattr("videdit.pipeline.facelog.EVERY", 0.0)
        yield


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    with short_segments():
        yield


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The error, in one line and a hint, no traceback."""
    text = capsys.readouterr().err
    errors = [line for line in text.splitlines() if line.startswith("videdit: error:")]
    assert len(errors) == 1 and "Traceback" not in text, text
    assert text.splitlines()[-1].startswith("  "), "no hint"
    return errors[0]


def test_8k(tmp_path: Path, pack: Path) -> None:
    """Two frames of 7680 x 4320 in a process of its own, so that its memory can be told. A frame is 50 MB, one in RGB as floats 400."""
    with av.open(str(tmp_path / "in.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "35"})
        stream.width, stream.height, stream.pix_fmt = 7680, 4320, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 24)
        planes = np.full((6480, 7680), 128, np.uint8)
        planes[:4320] = np.linspace(30, 220, 7680).astype(np.uint8)
        for index in range(2):
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    arguments = [sys.executable, "-m", "tests.e2e.runner", "in.mp4", "out.mp4", str(pack)]
    surroundings = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(arguments, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    info = probe(tmp_path / "out.mp4")
    assert (info.width, info.height, info.frames) == (7680, 4320, 2)
    assert int(done.stderr.split()[-1]) < 3000, "MB"


def stand_still(path: Path, *, list_too: bool) -> None:
    """An mp4 in which no time passes: every sample lasts 0 ticks, and so do the track and the movie; its list of edits shows none of it."""
    data = bytearray(path.read_bytes())
    at = data.index(b"stts") + 8
    for entry in range(int.from_bytes(data[at : at + 4], "big")):
        data[at + 8 + 8 * entry : at + 12 + 8 * entry] = bytes(4)
    for name, offset in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24), *([(b"elst", 12)] if list_too else [])):
        where = data.find(name)
        if where >= 0:
            data[where + offset : where + offset + 4] = bytes(4)
    path.write_bytes(data)


@pytest.mark.parametrize("frames", [1, 6])
def test_a_clip_that_lasts_no_time(frames: int, tmp_path: Path, pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = scripted.make_clip(tmp_path / "in.mp4", pts=range(frames), audio=False)
    stand_still(source, list_too=False)
    assert not probe(source).duration
    assert run([source], tmp_path / "out.mp4", pack) == 0
    assert len(list(read_frames(tmp_path / "out.mp4"))) == len(list(read_frames(source))) == frames
    stand_still(source, list_too=True)
    assert run([source], tmp_path / "none.mp4", pack) == 6
    assert "in.mp4: no frame can be decoded" in said(capsys)
    assert sorted(os.listdir(tmp_path)) == ["in.mp4", "out.mp4"]


@contextmanager
def closed(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> Iterator[None]:
    """As after chmod 000, for root too."""
    real: Callable[..., Any] = os.scandir

    def scandir(path: Any = ".") -> Any:
        if not isinstance(path, int) and Path(path) in folders:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        yield


def test_a_folder_that_nobody_may_look_into(
    clip: Path, tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is beside it is done; that it is not is said, and the run has failed."""
    for name in ("a.mp4", "secret/b.mp4"):
        (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clips" / name).write_bytes(clip.read_bytes())
    with closed(monkeypatch, tmp_path / "clips" / "secret"):
        assert run([tmp_path / "clips"], tmp_path / "out", pack, "--report", str(tmp_path / "r.json")) == 3
    text = capsys.readouterr().err
    assert f"the folder {tmp_path / 'clips' / 'secret'} can't be read" in text and "1 of 2 inputs failed" in text
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.mp4"]
    files = {Path(file["input"]).name: file for file in json.loads((tmp_path / "r.json").read_text())["files"]}
    assert (files["a.mp4"]["status"], files["secret"]["status"], files["secret"]["exit_code"]) == ("edited", "failed", 6)
    with closed(monkeypatch, tmp_path / "clips"):
        assert run([tmp_path / "clips"], tmp_path / "other", pack) == 6
    assert "permission denied" in said(capsys)
    assert not (tmp_path / "other").exists()


def test_a_clip_that_nobody_may_look_at(
    clip: Path, tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not passed over in silence because its folder lets nobody ask what it is."""
    (tmp_path / "clips").mkdir()
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / "clips" / name).write_bytes(clip.read_bytes())
    real = os.stat

    def look(path: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(path, int) and Path(os.fsdecode(path)) == tmp_path / "clips" / "b.mp4":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(os, "stat", look)
    assert run([tmp_path / "clips"], tmp_path / "out", pack) == 3
    text = capsys.readouterr().err
    assert "b.mp4" in text and "ermission denied" in text and "Traceback" not in text


@pytest.mark.parametrize("share", [0.1, 1.5])
def test_a_full_disk(share: float, clip: Path, whole: bytes, pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Full while frames are encoded, and while they are joined; with more room the same command goes on."""
    with tmpfs(tmp_path / "disk", f"size={int(len(whole) * share)}") as disk:
        assert run([clip], disk / "out.mp4", pack, *LARGE) == 7
        assert "no space left" in said(capsys)
        assert not (disk / "out.mp4").exists() and not (work_folder(disk / "out.mp4") / "part").exists()
        remount(disk, "size=16m")
        assert run([clip], disk / "out.mp4", pack, *LARGE) == 0
        assert (disk / "out.mp4").read_bytes() == whole
        assert sorted(os.listdir(disk)) == ["out.mp4"]


def test_files_that_may_not_grow(clip: Path, whole: bytes, pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same where nothing can be mounted: a limit of the process, hit by what pass 1 keeps."""
    limits, act = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) * 3 // 4, limits[1]))
    try:
        assert run([clip], tmp_path / "out.mp4", pack, *LARGE) == 7
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, act)
    assert "file too large" in said(capsys)
    assert list(work_folder(tmp_path / "out.mp4").glob("faces/*.npz")), "nothing was kept"
    assert run([clip], tmp_path / "out.mp4", pack, *LARGE) == 0
    assert (tmp_path / "out.mp4").read_bytes() == whole


def test_a_folder_that_can_only_be_read(clip: Path, whole: bytes, pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the start, for one clip and for several; and when a run that was cut short is gone on with."""
    with tmpfs(tmp_path / "disk", "size=16m") as disk:
        remount(disk, "ro")
        assert run([clip], disk / "out.mp4", pack, *LARGE) == 7
        assert "read-only" in said(capsys).lower()
        assert run([clip, media.make_clip(tmp_path / "b.mp4")], disk / "out", pack, *LARGE) == 7
        assert "read-only" in said(capsys).lower()
        assert os.listdir(disk) == []
        remount(disk, "rw")
        frames, real = [0], scripted.ScriptedTracker.update

        def update(self: Any, frame: Any) -> Any:
            frames[0] += 1
            if frames[0] == 12:
                raise KeyboardInterrupt
            return real(self, frame)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scripted.ScriptedTracker, "update", update)
            assert run([clip], disk / "out.mp4", pack, *LARGE) == 130
        assert "goes on" in capsys.readouterr().err
        remount(disk, "ro")
        assert run([clip], disk / "out.mp4", pack, *LARGE) == 7
        assert "read-only" in said(capsys).lower()
        remount(disk, "rw")
        assert run([clip], disk / "out.mp4", pack, *LARGE) == 0
        assert (disk / "out.mp4").read_bytes() == whole
        assert os.listdir(disk) == ["out.mp4"]
