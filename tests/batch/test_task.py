"""One task: memory that runs out, errors that go on and errors that don't, and reports as plain values."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from videdit.batch import memory
from videdit.batch.inline import run_inline
from videdit.batch.task import Done, Task, Tools, do
from videdit.batch.told import told
from videdit.config import Settings
from videdit.errors import MissingError, NobodyError, UsageError, WorkFailedError

OUT = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
)


class Report(SimpleNamespace):
    """What the pipeline says."""

    def as_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Batches that `edit_video` was called with; it acts as `act` of the list says."""
    seen: list[int] = []

    def edit_video(source: Path, target: Path, strengths: Any, settings: Settings, **rest: Any) -> Report:
        seen.append(settings.batch)
        acts.get(source.stem, lambda batch: None)(settings.batch)
        return Report(output=str(target), status="edited", warnings=[], edits={"smile": 1.0}, people={})

    monkeypatch.setitem(sys.modules, "videdit.pipeline", SimpleNamespace(edit_video=edit_video))
    return seen


def fail(error: BaseException, above: int = 0) -> Callable[[int], None]:
    def act(batch: int) -> None:
        if batch > above:
            raise error

    return act


acts = {
    "big": fail(OUT, above=2),
    "huge": fail(MemoryError()),
    "bug": fail(IndexError("4")),
    "none": fail(MissingError("x")),
    "nobody": fail(NobodyError("y")),
}


def task(name: str, number: int = 0) -> Task:
    return Task(number, Path(f"{name}.mp4"), Path("out.mp4"), {"smile": 1.0})


def test_memory_that_runs_out_halves_the_batch(pipeline: list[int]) -> None:
    done = do(task("big"), Tools(None))  # type: ignore[arg-type]
    assert pipeline == [8, 4, 2]
    assert done.error is None and done.report.warnings == ["memory ran out, so networks saw 2 faces at once instead of 8"]
    done = do(task("huge"), Tools(None))  # type: ignore[arg-type]
    assert pipeline[3:] == [8, 4, 2, 1]
    assert isinstance(done.error, WorkFailedError) and done.error.hint and done.error.exit_code == 3


def test_what_says_that_memory_ran_out() -> None:
    import cv2

    assert memory.is_out_of_memory(OUT) and memory.is_out_of_memory(MemoryError())
    assert memory.is_out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert memory.is_out_of_memory(cv2.error("OpenCV(5.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 99 bytes"))
    assert not memory.is_out_of_memory(RuntimeError("shapes differ")) and not memory.is_out_of_memory(ValueError("out of memory"))


def test_one_clip_of_many_may_fail_for_our_own_faults(pipeline: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tools, "load", classmethod(lambda cls, task: cls(None)))
    monkeypatch.setattr("videdit.batch.inline.check_readable", lambda source: None)

    def run(*names: str, **more: Any) -> list[Done]:
        return list(run_inline([task(name, i) for i, name in enumerate(names)], lambda task, pid: None, **more))

    done = run("bug", "nobody", "good")
    assert [str(d.error or "") for d in done] == ["IndexError: 4", "y", ""]
    assert "bug in videdit" in done[0].error.hint  # type: ignore[union-attr]
    with pytest.raises(IndexError):
        run("bug")
    with pytest.raises(MissingError):
        run("none", "good")
    assert run("good", "good", stop=lambda: True) == []
    acts["usage"] = fail(UsageError("z"))
    with pytest.raises(UsageError):
        run("usage", "good")


def test_a_report_crosses_to_another_process(pipeline: list[int]) -> None:
    done: Done = pickle.loads(pickle.dumps(told(do(task("good"), Tools(None)))))  # type: ignore[arg-type]
    assert (done.report.output, done.report.status, done.report.edits) == (Path("out.mp4"), "edited", {"smile": 1.0})
    assert done.report.as_json()["warnings"] == []
    with pytest.raises(AttributeError):
        _ = done.report.nothing


def test_memory_of_this_machine() -> None:
    import os

    left = memory.available()
    assert left is None or 0 < left < 1 << 50
    assert memory.held(os.getpid()) > 1 << 20 if sys.platform == "linux" else memory.held(1) == 0
    assert memory.held(None) == 0
