"""What a written file says about itself."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.scripted import make_clip, script
from tests.tinypack import make_tiny_pack
from videdit import __version__, pipeline
from videdit.config import Settings
from videdit.curves import Curve, done_to, in_words
from videdit.packs.load import load_pack


@pytest.mark.parametrize(("there", "said"), [(True, f"AI-edited with videdit {__version__}: smile +1"), (False, None)])
def test_an_edited_clip_says_so_and_an_untouched_one_does_not(
    there: bool, said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, lambda time: there)
    source, target = make_clip(tmp_path / "in.mp4", pts=range(6)), tmp_path / "out.mp4"
    pack = load_pack(make_tiny_pack(tmp_path))
    pipeline.edit_video(source, target, {"smile": 1.0, "age": 0.0}, Settings(cache=False, tune="off"), pack=pack)
    with av.open(str(target)) as container:
        assert container.metadata.get("comment") == said


def test_edits_in_words() -> None:
    edits = {"smile": 0.5, "age": -1, "eyeglasses": Curve((0, 2), (0, 1))}
    assert in_words(edits) == "smile +0.5, age -1, eyeglasses 0s:0 2s:+1"
    assert done_to(edits, {1: edits}) == in_words(edits)
    assert done_to({"smile": 1.0}, {1: {"smile": 1.0}, 2: {"smile": 1.0, "age": 0.5}}) == "person 1: smile +1; person 2: smile +1, age +0.5"
