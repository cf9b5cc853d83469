"""--compile: what torch.compile can do with the networks, and what becomes of a run where there is no compiler."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.scripted import make_clip, script
from tests.tinypack import make_tiny_pack
from videdit import pipeline
from videdit.config import Settings
from videdit.networks.compiled import Compiled, compiled, compiles, reason_of
from videdit.networks.stylegan2 import Generator
from videdit.packs.load import load_pack

NONE = RuntimeError("InvalidCxxCompiler: No working C++ compiler found in torch._inductor.config.cpp.cxx: (None, 'g++')\n\nSet TORCH_LOGS")
REASON = "torch.compile does not work here (No working C++ compiler found in torch._inductor.config.cpp.cxx: (None, 'g++'))"


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """What was found out in another test is forgotten, and here afterwards."""
    compiles.cache_clear()
    compiled.cache_clear()
    yield
    compiles.cache_clear()
    compiled.cache_clear()


def without_compiler(function: Any, **_: Any) -> Any:
    def call(*_: Any) -> None:
        raise NONE

    return call


def test_a_run_without_a_compiler_says_so_and_is_the_plain_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    script(monkeypatch)
    monkeypatch.setattr(torch, "compile", without_compiler)
    clip, pack = make_clip(tmp_path / "clip.mp4", pts=range(10)), load_pack(make_tiny_pack(tmp_path))
    settings = Settings(cache_dir=tmp_path / "cache", tune="off")
    plain = pipeline.edit_video(clip, tmp_path / "plain.mp4", {"smile": 1.0}, settings, pack=pack)
    for name in ("first", "second"):
        report = pipeline.edit_video(clip, tmp_path / f"{name}.mp4", {"smile": 1.0}, replace(settings, compile=True), pack=pack)
        assert (report.compiled, report.cached, report.status) == (False, True, plain.status), "what the plain run kept serves it"
        assert (tmp_path / f"{name}.mp4").read_bytes() == (tmp_path / "plain.mp4").read_bytes()
    said = [record.getMessage() for record in caplog.records if "--compile" in record.getMessage()]
    assert said == [f"--compile: {REASON}; networks run as they are"], "once, in one line"


def test_what_is_compiled_is_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a compiler that leaves everything as it is."""
    script(monkeypatch)
    asked: list[str] = []

    def as_it_is(function: Any, **_: Any) -> Any:
        asked.append(type(function).__name__)
        return function if isinstance(function, torch.nn.Module) else torch.ones_like

    monkeypatch.setattr(torch, "compile", as_it_is)
    clip, pack = make_clip(tmp_path / "clip.mp4", pts=range(10)), load_pack(make_tiny_pack(tmp_path))
    settings = Settings(cache_dir=tmp_path / "cache", tune="off")
    runs = [settings, replace(settings, compile=True), replace(settings, compile=True)]
    reports = [pipeline.edit_video(clip, tmp_path / f"{i}.mp4", {"smile": 1.0}, one, pack=pack) for i, one in enumerate(runs)]
    assert [report.compiled for report in reports] == [False, True, True] and reports[1].as_json()["compiled"] is True
    assert [report.cached for report in reports] == [False, False, True]
    assert asked == ["function", "Encoder", "Generator"], "once each"


def test_a_network_that_cannot_be_compiled_runs_as_it_is(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(torch, "compile", without_compiler)
    fast = Compiled(torch.nn.Identity())
    for _ in range(2):
        assert fast(torch.ones(3)).sum() == 3
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == [f"--compile: {REASON}; identity runs as it is"]


def test_errors_that_are_not_the_compilers_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[Exception | None] = [torch.OutOfMemoryError("CUDA out of memory"), None, ValueError("bad")]

    def now(rows: torch.Tensor) -> torch.Tensor:
        if error := errors.pop(0):
            raise error
        return rows

    monkeypatch.setattr(torch, "compile", lambda network, **_: now)
    fast = Compiled(torch.nn.Identity())
    with pytest.raises(torch.OutOfMemoryError):
        fast(torch.ones(3))
    assert fast(torch.ones(3)).sum() == 3
    with pytest.raises(ValueError, match="bad"):
        fast(torch.ones(3))


def test_words_for_what_went_wrong() -> None:
    assert reason_of(NONE) == REASON
    assert reason_of(ValueError()) == "torch.compile does not work here (ValueError)"


def test_a_generator_is_one_graph() -> None:
    """No part of it sends PyTorch back to Python; whatever compiles the graph then, it computes the same."""
    torch.manual_seed(0)
    network = Generator(size=8, style_dim=8, channels=[4, 2], mapping_layers=2).eval().requires_grad_(False)
    graph = torch.compile(network, backend="eager", fullgraph=True, dynamic=False)
    for count in (1, 2):
        w = torch.randn(count, network.num_layers, 8)
        with torch.inference_mode():
            assert torch.allclose(graph(w), network(w), atol=1e-5)
