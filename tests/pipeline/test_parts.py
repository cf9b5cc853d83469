"""A clip edited in parts, in any order, by anybody: the bytes of a run in one go; and whatever goes wrong with a part is made good."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.scripted import make_clip, script
from tests.tinypack import add_pixel, make_tiny_pack
from videdit import pipeline
from videdit.config import Settings
from videdit.packs.load import Pack, load_pack
from videdit.pipeline import parts
from videdit.pipeline.parts import edit_part, finish
from videdit.pipeline.parts import prepare as prepare_by
from videdit.store.lock import take
from videdit.store.work import work_folder
from videdit.video.encoding import Encoding

FRAMES = 44
SMILE = {"smile": 1.5}
PLAIN = Settings(cache=False)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(add_pixel(make_tiny_pack(tmp_path_factory.mktemp("packs"))))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of eight frames, parts of two segments."""
    script(monkeypatch, lambda now: not 0.6 < now < 0.8)
    monkeypatch.setattr("videdit.video.segments.SEGMENT", 8)
    monkeypatch.setattr(parts, "LONG", 2)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Uneven, and more than one key frame: a seek leads into its middle."""
    pts = [index + index // 7 for index in range(FRAMES)]
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", pts=pts, keys=10)


def prepare(clip: Path, target: Path, asked: dict[str, float], settings: Settings, *, pack: Pack) -> list[tuple[int, int]]:
    return prepare_by(clip, target, asked, settings, 2, pack=pack)


def whole(clip: Path, folder: Path, pack: Pack, settings: Settings = PLAIN, **asked: float) -> bytes:
    pipeline.edit_video(clip, folder / "whole.mp4", asked or SMILE, settings, pack=pack)
    return (folder / "whole.mp4").read_bytes()


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many frames were encoded."""
    count, real = [0], Encoding.encode

    def encode(self: Encoding, frame: Any) -> Any:
        count[0] += 1
        return real(self, frame)

    monkeypatch.setattr(Encoding, "encode", encode)
    return count


@pytest.mark.parametrize("how", [{}, {"method": "pixel"}, {"smoother": "one-euro"}])
def test_in_any_order(how: dict[str, str], clip: Path, tmp_path: Path, pack: Pack, encoded: list[int]) -> None:
    settings, asked = Settings(cache=False, **how), {"mouth_open": 1.0} if "method" in how else SMILE  # type: ignore[arg-type]
    wanted = whole(clip, tmp_path, pack, settings, **asked)
    target = tmp_path / "out.mp4"
    encoded[0] = 0
    assert prepare(clip, target, asked, settings, pack=pack) == [(0, 2), (2, 4), (4, 6)]
    for first, stop in ((4, 6), (0, 2), (2, 4)):
        assert edit_part(clip, target, asked, settings, first, stop, pack=pack)
    assert encoded[0] == FRAMES and not target.exists()
    report = finish(clip, target, asked, settings, pack=pack)
    assert encoded[0] == FRAMES, "nothing was encoded again"
    assert (report.status, report.frames) == ("edited", FRAMES)
    assert target.read_bytes() == wanted
    assert not work_folder(target).exists()


def test_a_part_that_is_missing_or_was_cut_short(clip: Path, tmp_path: Path, pack: Pack, encoded: list[int]) -> None:
    wanted, target = whole(clip, tmp_path, pack), tmp_path / "out.mp4"
    prepare(clip, target, SMILE, PLAIN, pack=pack)

    def cut(stage: str, done: int, total: int | None) -> None:
        if done == 27:
            until = time.monotonic() + 20
            while encoded[0] < FRAMES + 9 and time.monotonic() < until:  # the writer is a few frames behind; its first segment is to close
                time.sleep(0.01)
            raise EOFError

    with pytest.raises(EOFError):
        edit_part(clip, target, SMILE, PLAIN, 2, 4, pack=pack, progress=cut)
    (work_folder(target) / "lock000004").touch()  # of a part whose node died
    encoded[0] = 0
    assert edit_part(clip, target, SMILE, PLAIN, 2, 4, pack=pack)
    assert encoded[0] == 8, "its first segment was there"
    assert edit_part(clip, target, SMILE, PLAIN, 0, 2, pack=pack)
    encoded[0] = 0
    finish(clip, target, SMILE, PLAIN, pack=pack)
    assert encoded[0] == FRAMES - 32
    assert target.read_bytes() == wanted
    assert not work_folder(target).exists()


def test_a_seek_that_leads_to_other_frames(
    clip: Path, tmp_path: Path, pack: Pack, encoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with open groups of pictures: what a part took for the frame before is not what the part before ended with."""
    wanted, target = whole(clip, tmp_path, pack), tmp_path / "out.mp4"
    prepare(clip, target, SMILE, PLAIN, pack=pack)
    with monkeypatch.context() as patch:
        real = parts.read_behind
        patch.setattr(parts, "Mark", Other)
        patch.setattr(parts, "read_behind", lambda path, mark: real(path, mark.right))
        assert edit_part(clip, target, SMILE, PLAIN, 2, 4, pack=pack)
    assert edit_part(clip, target, SMILE, PLAIN, 0, 2, pack=pack)
    encoded[0] = 0
    finish(clip, target, SMILE, PLAIN, pack=pack)
    assert encoded[0] == FRAMES - 16, "the part was not kept"
    assert target.read_bytes() == wanted


class Other:
    """Makes marks of other samples."""

    @staticmethod
    def of(frame: Any, reader: Any) -> Any:
        from dataclasses import dataclass

        from videdit.video.marks import Mark

        @dataclass(frozen=True)
        class Wrong(Mark):
            right: Mark = None  # type: ignore[assignment]

        mark = Mark.of(frame, reader)
        return Wrong(mark.index, mark.time, mark.checksum ^ 1, mark.clean, mark)


def test_what_is_not_divided(clip: Path, tmp_path: Path, pack: Pack) -> None:
    target = tmp_path / "out.mp4"
    for settings in (Settings(tune="3"), Settings(max_identity_drop=0.1), Settings(debug_dir=tmp_path)):
        assert prepare(clip, target, SMILE, settings, pack=pack) == []
    assert prepare(clip, tmp_path / "out.gif", SMILE, PLAIN, pack=pack) == []
    short = make_clip(tmp_path / "short.mp4", pts=range(31))
    assert prepare(short, target, SMILE, PLAIN, pack=pack) == []
    assert not list(tmp_path.glob(".*"))


def test_who_comes_second_or_too_late_makes_nothing(clip: Path, tmp_path: Path, pack: Pack) -> None:
    target = tmp_path / "out.mp4"
    assert not edit_part(clip, target, SMILE, PLAIN, 0, 2, pack=pack), "nobody has prepared it"
    prepare(clip, target, SMILE, PLAIN, pack=pack)
    with take(work_folder(target) / "lock000002"):
        assert not edit_part(clip, target, SMILE, PLAIN, 2, 4, pack=pack)
    assert edit_part(clip, target, SMILE, PLAIN, 2, 4, pack=pack)
    shutil.rmtree(work_folder(target))
