"""A single clip where memory is short, from the task to the file: batches are halved, and the clip gets done."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.scripted import make_clip, script
from tests.tinypack import make_tiny_pack
from videdit.batch.task import Task, Tools, do
from videdit.config import Settings
from videdit.packs.load import load_pack
from videdit.pipeline import clip as clip_module

CPU = RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory.")


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(load_pack(make_tiny_pack(tmp_path / "packs")))


def task(tmp_path: Path) -> Task:
    clip = make_clip(tmp_path / "clip.mp4", pts=range(12))
    settings = Settings(cache=False, tune="off", precision="fp32")
    return Task(0, clip, tmp_path / "out.mp4", {"smile": 1.0}, settings=settings)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), CPU])
@pytest.mark.parametrize("name", ["encoder", "generator"])
def test_a_network_sees_half_as_many(name: str, error: Exception, tmp_path: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    seen: list[int] = []

    def short(network: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        seen.append(len(inputs[0]))
        if len(inputs[0]) > 2:
            raise error

    tools.pack.loaded(name).register_forward_pre_hook(short)
    done = do(task(tmp_path), tools)
    assert done.error is None and done.report.status == "edited" and (tmp_path / "out.mp4").exists()
    assert seen[:3] == [8, 4, 2] and 1 not in seen


def test_a_clip_is_begun_again_where_that_is_not_enough(tmp_path: Path, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    put, tries = clip_module.put_changes, []

    def short(*args: object, **options: object) -> object:
        if len(tries) < 2:
            tries.append(1)
            raise MemoryError
        return put(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(clip_module, "put_changes", short)
    done = do(task(tmp_path), tools)
    assert done.error is None and (tmp_path / "out.mp4").exists()
    assert done.report.warnings == ["memory ran out, so networks saw 2 faces at once instead of 8"]
