"""A decoder or an encoder that stands still ends its clip, not the run; and what is done by then is not lost."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.scripted import make_clip, script
from tests.tinypack import make_tiny_pack
from videdit import pipeline
from videdit.config import Settings
from videdit.errors import OutputError, UnreadableError
from videdit.packs.load import Pack, load_pack
from videdit.store.work import work_folder
from videdit.video import patience, reader
from videdit.video.encoding import Encoding


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(make_tiny_pack(tmp_path_factory.mktemp("packs")))


def test_both_ends_of_an_edit(tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    monkeypatch.setattr("videdit.video.segments.SEGMENT", 8)
    clip, target, settings = make_clip(tmp_path / "in.mp4", pts=range(20)), tmp_path / "out.mp4", Settings(cache=False)

    def edit(out: Path) -> None:
        pipeline.edit_video(clip, out, {"smile": 1.5}, settings, pack=pack)

    edit(tmp_path / "whole.mp4")
    over, calls = threading.Event(), {"decode": 0, "encode": 0}
    real = reader._to_frame, Encoding.encode

    def decode(*args):  # type: ignore[no-untyped-def]
        calls["decode"] += 1
        if calls["decode"] == 5:
            over.wait(60)
        return real[0](*args)

    def encode(*args):  # type: ignore[no-untyped-def]
        calls["encode"] += 1
        if calls["encode"] == 14:
            over.wait(60)
        return real[1](*args)

    monkeypatch.setattr(patience, "PATIENCE", 2)
    monkeypatch.setattr(reader, "_to_frame", decode)
    monkeypatch.setattr(Encoding, "encode", encode)
    with pytest.raises(UnreadableError, match="decoder stands still"):
        edit(target)
    with pytest.raises(OutputError, match="encoder stands still"):
        edit(target)
    assert not target.exists()
    assert [path.name for path in work_folder(target).glob("video/*")] == ["000000.seg"]
    over.set()
    edit(target)
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert calls["encode"] == 14 + 12, "the first eight frames were not encoded again"
    assert not work_folder(target).exists()
