"""Native code that stands still ends its file, not the run: one line, nothing half left, and the same command goes on."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import media
from videdit.errors import OutputError, UnreadableError
from videdit.store.work import Work, work_folder
from videdit.video import patience, reader
from videdit.video.container import Muxer
from videdit.video.copying import Copier
from videdit.video.encoding import Encoding
from videdit.video.marks import Mark, read_behind
from videdit.video.probe import probe
from videdit.video.reader import FrameReader, frame_times, read_frames
from videdit.video.segments import Kept, ends
from videdit.video.stills import GifWriter
from videdit.video.writer import ClipWriter

FRAMES = 20


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Set at the end, so that what hangs comes back; an impatient program, and short segments."""
    monkeypatch.setattr(patience, "PATIENCE", 0.6)
    monkeypatch.setattr("videdit.video.segments.SEGMENT", 8)
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == patience.LEFT:
            thread.join(10)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return media.make_clip(tmp_path / "in.mp4", size=(96, 64), times=range(FRAMES), audio=1)


def hang(monkeypatch: pytest.MonkeyPatch, over: threading.Event, owner: Any, name: str, *, call: int = 1) -> None:
    """From its `call`th call on, what is called `name` does not come back until all is over."""
    real, calls = getattr(owner, name), [0]

    def stuck(*args: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] >= call:
            over.wait(60)
        return real(*args, **options)

    monkeypatch.setattr(owner, name, stuck)


def copy(source: Path, target: Path) -> None:
    """A clip frame by frame, in segments that are kept."""
    with Work(target) as work:
        kept = Kept.at(work.place("video"), "key")
        with ClipWriter(target, probe(source), part=work.part, kept=kept) as out:
            frames, left = read_behind(source, kept.mark) if kept.mark else (read := read_frames(source), read)
            for frame in iter(()) if kept.whole else left:
                out.write(frame, Mark.of(frame, frames) if ends(frame.index) else None)


ENCODERS = [
    (Encoding, "encode", 12, 1),
    (Encoding, "rest", 2, 1),
    (Muxer, "open", 1, 3),
    (Muxer, "mux", 1, 3),
    (Muxer, "finish", 1, 3),
    (Copier, "finish", 1, 3),
]


@pytest.mark.parametrize(("owner", "name", "call", "kept"), ENCODERS)
def test_an_encoder_that_never_comes_back(
    owner: type, name: str, call: int, kept: int, clip: Path, tmp_path: Path, over: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it hangs: in a frame, at the end of a segment, while all are joined. The file that was there stays."""
    copy(clip, tmp_path / "whole.mp4")
    target = tmp_path / "out.mp4"
    target.write_bytes(b"older")
    with monkeypatch.context() as patched:
        hang(patched, over, owner, name, call=call)
        began = time.monotonic()
        with pytest.raises(OutputError, match=r"out\.mp4 can't be written: the encoder stands still") as caught:
            copy(clip, target)
        assert time.monotonic() - began < 20
        assert caught.value.hint and caught.value.exit_code == 7
        assert patience.left_behind()
        assert target.read_bytes() == b"older"
        left = sorted(str(path.relative_to(work_folder(target))) for path in work_folder(target).rglob("*") if path.is_file())
        assert [path for path in left if path.endswith(".seg")] == [os.path.join("video", f"{i:06d}.seg") for i in range(kept)]
        assert "part" not in left
        over.set()
    while patience.left_behind():
        time.sleep(0.01)
    assert len(list(work_folder(target).glob("video/*.seg"))) == kept, "who was given up keeps nothing any more"
    copy(clip, target)
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.parametrize(("name", "owner"), [("out.gif", GifWriter), ("out.mkv", Muxer)])
def test_files_written_in_one_go(
    name: str, owner: type, clip: Path, tmp_path: Path, over: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang(monkeypatch, over, owner, "finish")
    with pytest.raises(OutputError, match="stands still"), ClipWriter(tmp_path / name, probe(clip)) as out:
        for frame in read_frames(clip):
            out.write(frame)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_who_gets_on_slowly_is_waited_for(clip: Path, tmp_path: Path, over: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets come, each in less than the patience, all of them in more."""
    real = Muxer.mux

    def slow(self: Muxer, packets: Any) -> None:
        for number, packet in enumerate(packets):
            if number % 4 == 0:
                time.sleep(0.2)
            real(self, [packet])

    monkeypatch.setattr(Muxer, "mux", slow)
    copy(clip, tmp_path / "out.mp4")
    assert len(list(read_frames(tmp_path / "out.mp4"))) == FRAMES


def decode_never(monkeypatch: pytest.MonkeyPatch, over: threading.Event) -> None:
    hang(monkeypatch, over, reader, "_to_frame", call=5)


def count_never(monkeypatch: pytest.MonkeyPatch, over: threading.Event) -> None:
    hang(monkeypatch, over, FrameReader, "_count_before")


def open_never(monkeypatch: pytest.MonkeyPatch, over: threading.Event) -> None:
    hang(monkeypatch, over, reader, "video_stream")


READERS = [
    (decode_never, lambda clip: list(read_frames(clip))),
    (count_never, lambda clip: next(read_frames(clip, start=0.3))),
    (open_never, lambda clip: next(read_frames(clip, start=0.3))),
    (open_never, frame_times),
]


@pytest.mark.parametrize(("act", "read"), READERS)
def test_a_decoder_that_never_comes_back(
    act: Callable[..., None], read: Callable[[Path], Any], clip: Path, over: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(monkeypatch, over)
    began = time.monotonic()
    with pytest.raises(UnreadableError, match=r"in\.mp4: the decoder stands still") as caught:
        read(clip)
    assert caught.value.hint
    assert time.monotonic() - began < 20


def test_a_reader_that_was_given_up_can_be_closed(clip: Path, over: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    decode_never(monkeypatch, over)
    with contextlib.closing(read_frames(clip)) as frames, pytest.raises(UnreadableError):
        list(frames)


def test_a_mark_behind_which_a_seek_hangs_is_found_from_the_start(
    clip: Path, over: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = read_frames(clip)
    mark = next(Mark.of(frame, frames) for frame in frames if frame.index == 9)
    count_never(monkeypatch, over)
    again, left = read_behind(clip, mark)
    assert [frame.index for frame in left] == list(range(10, FRAMES))
    assert again.start is None


def test_steps_are_what_counts(over: threading.Event) -> None:
    steps = [0]

    def slow() -> int:
        for _ in range(10):
            time.sleep(0.15)
            steps[0] += 1
        return 3

    assert patience.in_time(slow, Path("a"), seconds=0.5, steps=lambda: steps[0]) == 3
    assert not patience.left_behind()
    with pytest.raises(OutputError, match="a can't be written"):
        patience.in_time(lambda: over.wait(60), Path("a"), seconds=0.1, error=patience.blocked)
    assert patience.left_behind()


def test_an_interrupt_waits_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(patience, "_waited", interrupt)
    with pytest.raises(KeyboardInterrupt):
        patience.in_time(lambda: time.sleep(0.2) or done.set(), Path("a"))
    assert done.is_set(), "what it was at can be closed"
