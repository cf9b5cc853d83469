"""Both renders in one pass of the generator, where that pays, and never more of them than are missing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.scripted import make_clip, script
from tests.tinypack import make_tiny_pack
from videdit import pipeline
from videdit.config import Settings
from videdit.packs.load import Pack, load_pack
from videdit.pipeline.changes import Motion
from videdit.pipeline.models import Models, rows_for
from videdit.store import Rows

FRAMES = 30


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(make_tiny_pack(tmp_path_factory.mktemp("packs")))


def motion(count: int, rows: int, *, hidden: slice = slice(0, 0), kept: Rows | None = None) -> tuple[Motion, list[int]]:
    """Of as many frames, and how many pictures each call renders; a render is its latent."""
    calls: list[int] = []

    def render(w: np.ndarray) -> np.ndarray:
        calls.append(len(w))
        return w

    share = np.ones(count, np.float32)
    share[hidden] = 0
    person = SimpleNamespace(track=range(count))
    made = Motion(person, share > 0, share, share, share, None, None, render, kept=kept, rows=rows)  # type: ignore[arg-type]
    return made, calls


def test_how_many_are_rendered_at_once() -> None:
    assert rows_for(1024, 8, "cuda", None) == 16 and rows_for(1024, 4, "cuda", None) == 4, "memory was short"
    assert [rows_for(side, 8, "cpu", None) for side in (128, 256, 512, 1024)] == [8, 8, 2, 1]
    assert [rows_for(side, 8, "cpu", torch.bfloat16) for side in (128, 256, 512, 1024)] == [16, 8, 2, 1]


def test_before_and_after_in_one_call() -> None:
    before, after = np.full((5, 2), 3.4, np.float32), np.full((5, 2), 7.5, np.float32)
    for rows, expected in ((16, [10]), (8, [5, 5]), (1, [5, 5])):
        made, calls = motion(5, rows)
        unedited, edited = made.both(before, after, 0)
        assert calls == expected
        assert (unedited == 3).all() and (edited == 7.5).all(), "whole levels only of what is kept"


def test_passes_are_filled(tmp_path: Path) -> None:
    def told(made: Motion, begun: int = 0) -> list[tuple[list[int], bool]]:
        return [([part.start for part in parts], shows) for parts, shows in made.passes(begun)]

    assert told(motion(30, 16)[0]) == [([0], True), ([8], True), ([16], True), ([24], True)]
    assert told(motion(30, 32)[0]) == [([0, 8], True), ([16, 24], True)]
    assert told(motion(30, 1)[0], 16) == [([16], True), ([24], True)]
    assert told(motion(40, 32, hidden=slice(8, 16))[0]) == [([0], True), ([8], False), ([16, 24], True), ([32], True)]
    with Rows(tmp_path / "kept.npy", (30, 2)) as rows:
        rows.write(0, np.full((30, 2), 9, np.uint8))
    kept = Rows(tmp_path / "kept.npy", (30, 2))
    made, calls = motion(30, 16, kept=kept)
    assert told(made) == [([0, 8], True), ([16, 24], True)]
    unedited, _ = made.both(np.zeros((14, 2), np.float32), np.ones((14, 2), np.float32), 16)
    assert (unedited == 9).all() and calls == [14]


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_one_pass_gives_what_two_give(dtype: torch.dtype | None, pack: Pack) -> None:
    w = pack.sample(np.random.default_rng(0).normal(size=(16, 16)))
    with torch.inference_mode(), Models(pack, dtype)._arithmetic():
        together = pack.generator(torch.from_numpy(w)).float()
        apart = torch.cat([pack.generator(torch.from_numpy(half)).float() for half in (w[:8], w[8:])])
        turned = pack.generator(torch.from_numpy(np.roll(w, 8, axis=0))).float().roll(8, 0)
    assert torch.allclose(together, apart, atol=1e-5)
    assert torch.equal(together, turned), "where a face lies in a pass does not show"


@pytest.mark.parametrize(("precision", "first", "second"), [("fp32", 8, 4), ("bf16", 4, 2)])
def test_what_is_kept_is_not_made_again(
    precision: str, first: int, second: int, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the file is the same byte for byte, whether it was kept or not."""
    script(monkeypatch)
    clip = make_clip(tmp_path / "clip.mp4", pts=range(FRAMES))
    settings = Settings(cache_dir=tmp_path / "cache", tune="off", precision=precision)
    passes: list[int] = []
    hook = pack.generator.register_forward_hook(lambda network, inputs, pictures: passes.append(len(inputs[0])))
    counts = []
    for name in ("first", "second"):
        passes.clear()
        pipeline.edit_video(clip, tmp_path / f"{name}.mp4", {"smile": 1.0}, settings, pack=pack)
        counts.append(len(passes))
        assert set(passes) == {8 if precision == "fp32" else 16}, "always whole batches"
    hook.remove()
    assert counts == [first, second]
    assert (tmp_path / "first.mp4").read_bytes() == (tmp_path / "second.mp4").read_bytes()
