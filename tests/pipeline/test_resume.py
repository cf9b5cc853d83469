"""Cut short anywhere and gone on with: the same bytes as in one go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.scripted import ScriptedTracker, make_clip, script
from tests.tinypack import add_pixel, make_tiny_pack
from videdit import pipeline
from videdit.config import Settings
from videdit.errors import OutputError, UsageError
from videdit.faces.track import Observation
from videdit.packs.load import Pack, load_pack
from videdit.store.work import Work, work_folder
from videdit.types import Frame

FRAMES = 30
UNEVEN = [0, 1, 2, 4, 5, 9, 10, 11, 12, 13, 16, 17, 18, 20, 21, 22, 23, 24, 40, 41, 42, 43, 46, 47, 48, 49, 50, 52, 53, 54]
SHAKES = np.random.default_rng(3).normal(0, 0.3, FRAMES)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(add_pixel(make_tiny_pack(tmp_path_factory.mktemp("packs"))))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", pts=range(FRAMES))


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is done after every frame of pass 1 and every eight of pass 2."""
    monkeypatch.setattr("videdit.pipeline.facelog.EVERY", 0.0)
    monkeypatch.setattr("videdit.video.segments.SEGMENT", 8)


class PowerCut(Exception):  # noqa: N818
    """Nobody has caught it."""


def cut_at(stage: str, frame: int, seen: list[tuple[str, int]]) -> Callable[[str, int, int | None], None]:
    """Progress that ends the run at a frame, and notes with which frame each stage begins."""

    def progress(now: str, done: int, total: int | None) -> None:
        if now not in [name for name, _ in seen]:
            seen.append((now, done))
        if (now, done) == (stage, frame):
            raise PowerCut

    return progress


def edit(source: Path, target: Path, settings: Settings, pack: Pack, *, cut: tuple[str, int] = ("", 0), **strengths: float) -> list:
    """The frames with which stages began; cut: where the run ends."""
    seen: list[tuple[str, int]] = []
    wanted = strengths or {"smile": 1.5}
    try:
        pipeline.edit_video(source, target, wanted, settings, pack=pack, progress=cut_at(*cut, seen))
    except PowerCut:
        assert not target.exists()
    else:
        assert not work_folder(target).exists(), "what is done with leaves nothing behind"
    return seen


@pytest.mark.parametrize("uneven", [False, True])
def test_cut_anywhere_and_gone_on_with(uneven: bool, clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda time: not 0.4 < time < 0.6)
    source = make_clip(tmp_path / "uneven.mp4", pts=UNEVEN) if uneven else clip
    settings = Settings(cache=False)
    assert edit(source, tmp_path / "whole.mp4", settings, pack) == [("faces", 1), ("edit", 1)]
    began = [
        edit(source, tmp_path / "cut.mp4", settings, pack, cut=cut) for cut in (("faces", 7), ("faces", 21), ("edit", 3), ("edit", 28))
    ]
    began.append(edit(source, tmp_path / "cut.mp4", settings, pack))
    assert began[0] == [("faces", 1)]
    assert began[1] == [("faces", 8)], "it was cut behind frame 7"
    assert began[2][0][1] >= 20
    assert [stage for stage, _ in began[3]] == ["edit"]
    assert began[4][0][0] == "edit" and began[4][0][1] in (9, 17, 25)
    assert (tmp_path / "cut.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.parametrize("how", [{"invert": "optimize"}, {"method": "pixel"}])
def test_methods_with_a_memory(how: dict[str, str], clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Optimised latents begin where those before ended; redrawn crops are read from the clip a second time."""
    script(monkeypatch)
    monkeypatch.setattr("videdit.invert.optimize.STEPS", 2)
    monkeypatch.setattr("videdit.invert.optimize.WARM_STEPS", 1)
    settings, asked = Settings(cache=False, **how), {"mouth_open": 1.0} if "method" in how else {"smile": 1.5}
    edit(clip, tmp_path / "whole.mp4", settings, pack, **asked)
    for cut in (("faces", 13), ("edit", 19), ("", 0)):
        edit(clip, tmp_path / "cut.mp4", settings, pack, cut=cut, **asked)
    assert (tmp_path / "cut.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.parametrize("smoother", ["savgol", "lowpass", "one-euro"])
def test_smoothers_that_look_further(smoother: str, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misplaced frame and one missed beside the cuts, so that trust is in it too; with batches of two, changes begin in the middle."""
    tracker = script(monkeypatch, lambda time: not 0.8 < time < 0.85)
    steady = tracker.update

    def update(frame: Frame) -> list[Observation]:
        moved = (SHAKES[frame.index] + (9.0 if frame.index == 12 else 0.0)) * np.ones(2)
        return [replace(one, landmarks=one.landmarks + moved) for one in steady(frame)]

    monkeypatch.setattr(tracker, "update", update)
    monkeypatch.setattr("videdit.pipeline.changes.BATCH", 2)
    source = make_clip(tmp_path / "uneven.mp4", pts=UNEVEN)
    settings = Settings(cache=False, smoother=smoother, stabilise=0.4)
    edit(source, tmp_path / "whole.mp4", settings, pack)
    began = [edit(source, tmp_path / "cut.mp4", settings, pack, cut=cut) for cut in (("faces", 11), ("edit", 26), ("", 0))]
    assert began[1][0] == ("faces", 12)
    assert began[2] in ([("edit", 17)], [("edit", 25)])
    assert (tmp_path / "cut.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_what_was_made_from_something_else_is_not_used(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    settings, target = Settings(cache=False), tmp_path / "out.mp4"
    edit(clip, target, settings, pack, cut=("edit", 20))
    for other in ({"ramp": 0.5}, {"max_yaw": 30.0}, {"min_face": 90.0}, {"max_blur": 1.0}, {"min_presence": 0.2}):
        assert edit(clip, target, replace(settings, **other), pack, cut=("edit", 10)) == [("edit", 1)], other
    for other in ({"smoother": "savgol"}, {"stabilise": 0.7}, {"occlusion": False}):
        assert edit(clip, target, replace(settings, **other), pack, cut=("faces", 2)) == [("faces", 1)], other
    edit(clip, target, settings, pack, cut=("edit", 20))
    assert edit(clip, target, settings, pack, cut=("edit", 20), age=1.0) == [("edit", 1)], "another edit: the faces are the same"
    other = make_clip(tmp_path / "other.mp4", pts=range(20))
    assert edit(other, target, settings, pack, cut=("edit", 10)) == [("faces", 1), ("edit", 1)]
    monkeypatch.setattr("videdit.pipeline.resume.torch.get_num_threads", lambda: 99)
    assert edit(other, target, settings, pack)[0] == ("faces", 1)


def test_who_wants_every_frame_gets_every_frame(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    settings, target = Settings(cache_dir=tmp_path / "cache"), tmp_path / "out.mp4"
    edit(clip, tmp_path / "whole.mp4", settings, pack)
    edit(clip, target, settings, pack, cut=("edit", 20))
    seen: list[int] = []
    pipeline.edit_video(clip, target, {"smile": 1.5}, settings, pack=pack, on_frame=lambda before, *_: seen.append(before.index))
    assert seen == list(range(FRAMES))
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_damaged_pieces_are_made_again(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that lied about fsync: the second segment is cut off, and a piece of pass 1 is not what was written."""
    script(monkeypatch)
    settings, target = Settings(cache=False), tmp_path / "out.mp4"
    edit(clip, tmp_path / "whole.mp4", settings, pack)
    edit(clip, target, settings, pack, cut=("edit", 30))
    folder = work_folder(target)
    second = folder / "video" / "000001.seg"
    second.write_bytes(second.read_bytes()[:-5])
    piece = folder / "faces" / "000011.npz"
    data = bytearray(piece.read_bytes())
    data[len(data) // 2] ^= 255
    piece.write_bytes(data)
    began = edit(clip, target, settings, pack)
    assert began == [("faces", 12), ("edit", 9)] or began == [("faces", 11), ("edit", 9)]
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_one_process_at_a_time(clip: Path, tmp_path: Path, pack: Pack) -> None:
    target = tmp_path / "out.mp4"
    with Work(target), pytest.raises(OutputError, match="another process") as caught:
        pipeline.edit_video(clip, target, {"smile": 1.0}, Settings(cache=False), pack=pack)
    assert caught.value.hint
    assert not work_folder(target).exists()


def test_a_request_that_makes_no_sense_leaves_nothing(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    with pytest.raises(UsageError, match="no person 9"):
        pipeline.edit_video(clip, tmp_path / "out.mp4", {}, Settings(cache=False), pack=pack, people={9: {"smile": 1.0}})
    assert list(tmp_path.iterdir()) == []


def test_short_clips_are_one_segment(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder's own bytes, as without segments."""
    script(monkeypatch)
    settings = replace(Settings(cache=False), crf=20.0)
    edit(clip, tmp_path / "pieces.mp4", settings, pack)
    monkeypatch.setattr("videdit.video.segments.SEGMENT", 48)
    edit(clip, tmp_path / "one.mp4", settings, pack)
    monkeypatch.setattr("videdit.pipeline.resume.keeps", lambda *_: False)
    edit(clip, tmp_path / "none.mp4", settings, pack)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "none.mp4").read_bytes() != (tmp_path / "pieces.mp4").read_bytes()


def test_the_script_is_a_tracker() -> None:
    tracker = ScriptedTracker()
    tracker.restore({"calls": 3})
    assert tracker.state() == {"calls": 3}
