"""Workers that die are replaced, their clips done once more; what fails is named; nothing is left running."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from tests.batch.fakes import serve, tasks
from videdit.batch import memory
from videdit.batch.local import Crew, Turn, Worker, run_local
from videdit.batch.task import Done, Task
from videdit.batch.worker import device_of
from videdit.errors import MissingError, UnreadableError, WorkFailedError


class Heard:
    """What a run tells while it goes on."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.steps = 0
        self.remarks: list[str] = []

    def begin(self, task: Task, pid: int) -> Any:
        self.began.append(task.source.stem)
        return self.step

    def step(self, stage: str, done: int, total: int | None) -> None:
        self.steps += 1

    def remark(self, task: Task, text: str) -> None:
        self.remarks.append(f"{task.source.stem}: {text}")


def run(folder: Path, names: str, heard: Heard, **options: Any) -> dict[str, Done]:
    todo = tasks(folder, names)
    found = run_local(todo, heard.begin, heard.remark, workers=2, threads=4, work=serve, **options)
    return {todo[done.number].source.stem: done for done in found}


def test_all_is_done_once_and_the_dead_are_replaced(tmp_path: Path) -> None:
    heard = Heard()
    done = run(tmp_path, "good1 once bad good2 crash good3 good4", heard)
    assert sorted(done) == sorted("good1 once bad good2 crash good3 good4".split())
    assert isinstance(done["bad"].error, UnreadableError) and done["bad"].error.hint == "Look at it."
    assert isinstance(done["crash"].error, WorkFailedError) and "ended by itself (code 7), 2 times" in str(done["crash"].error)
    assert not any(done[name].error for name in ("good1", "good2", "good3", "good4", "once"))
    assert sorted(heard.began) == sorted([*done, "once", "crash"])
    assert sorted(heard.remarks) == [
        "crash: its worker ended by itself (code 7); it is done once more",
        "once: its worker was killed (SIGKILL); it is done once more",
    ]
    assert heard.steps == 9
    assert not multiprocessing.active_children()
    log = (tmp_path / "log").read_text().splitlines()
    assert {line.split()[-1] for line in log if "begin" in line} == {"2"}, "four threads among two workers"
    again = [i for i, line in enumerate(log) if line.startswith("once begin")][1]
    assert log[again + 1] == "once end", "a clip whose worker was killed has nothing beside it"
    ended = {line.split()[0] for line in log[:again] if line.endswith("end")}
    assert {line.split()[0] for line in log[:again]} - ended <= {"once", "crash"}, "and all others were done by then"


def test_a_worker_that_says_so_is_replaced(tmp_path: Path) -> None:
    heard = Heard()
    done = run(tmp_path, "last1 good1 last2 good2 good3", heard)
    assert len(done) == 5 and not any(one.error for one in done.values())
    assert sorted(heard.began) == sorted(done) and not heard.remarks, "no clip was lost with it"
    assert not multiprocessing.active_children()


def test_what_would_hit_every_clip_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no weights") as raised:
        run(tmp_path, "long stop good1", Heard())
    assert raised.value.hint == "Get some."
    assert not multiprocessing.active_children(), "the one that was at work was ended"


def test_no_more_is_begun_when_that_is_asked(tmp_path: Path) -> None:
    heard = Heard()
    done = run(tmp_path, "bad1 bad2 good1 good2", heard, stop=lambda: len(heard.began) >= 2)
    assert sorted(done) == ["bad1", "bad2"] and len(heard.began) == 2


def test_no_clip_is_begun_beside_others_without_room(monkeypatch: pytest.MonkeyPatch) -> None:
    task = tasks(Path(), "good")[0]
    crew = Crew(2, 1, serve)
    crew._workers[0] = Worker(None, None, Turn(task))  # type: ignore[arg-type]
    for left, fits in ((crew.need - 1, False), (crew.need, True), (None, True)):
        monkeypatch.setattr(memory, "available", lambda left=left: left)
        assert crew._fits(Turn(task), None) == fits
    assert not crew._fits(Turn(task, alone=True), None)
    crew._workers[0].turn = Turn(task, alone=True)
    assert not crew._fits(Turn(task), None)


def test_workers_share_gpus() -> None:
    assert [device_of("auto", slot, 2) for slot in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]
    assert (device_of("cuda", 1, 1), device_of("cuda:1", 0, 4), device_of("cpu", 1, 4)) == ("cuda", "cuda:1", "cpu")
