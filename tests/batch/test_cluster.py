"""Ray: what is ours of it with a Ray that only pretends, and all of it on a cluster of three nodes where Ray is installed."""

from __future__ import annotations

import importlib.util
import os
import pickle
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.scripted import make_clip, script
from tests.tinypack import make_tiny_pack
from videdit.batch import cluster
from videdit.batch.cluster import Board, Shipped, absolute, run_ray
from videdit.batch.local import run_local
from videdit.batch.task import Done, Task, Tools, do
from videdit.batch.told import Told
from videdit.config import DEFAULT_PACK, Settings
from videdit.errors import MissingError, UnreadableError, UsageError, WorkFailedError
from videdit.packs import find_packs
from videdit.packs.manifest import read_manifest


class RayError(Exception):
    """As Ray's own."""


class FakeRay:
    """As much of Ray as is used, in this process: a task runs when it is handed over."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, cpus: int) -> None:
        self.cpus, self.most = cpus, 0
        self.flying: list[Any] = []

    def put(self, value: Any) -> Any:
        return value

    def get(self, value: Any) -> Any:
        if isinstance(value, SimpleNamespace):
            value = value.value
        if isinstance(value, RayError):
            raise value
        return value

    def wait(self, refs: list[Any], *, num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        self.most = max(self.most, len(refs))
        return refs[:1], refs[1:]

    def remote(self, what: Any) -> Any:
        def launch(*args: Any) -> Any:
            if what is Board:
                board = Board()
                return SimpleNamespace(read=SimpleNamespace(remote=board.read), write=SimpleNamespace(remote=board.write))
            return Hashable(value=what(*args))

        return SimpleNamespace(options=lambda **options: SimpleNamespace(remote=launch))

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": self.cpus}

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": 1}}, {"Alive": False, "Resources": {"CPU": 64}}]


class Hashable(SimpleNamespace):
    """A reference."""

    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / "pack"
    folder.mkdir()
    facts = "size = 32\nstyle_dim = 16\nnum_layers = 8\nframe_scale = 0.77\nframe_shift = 0.08\n"
    (folder / "pack.toml").write_text(f'[pack]\nname = "tiny"\nversion = "1"\nlicense = "MIT"\n{facts}')
    (folder / "axes.safetensors").write_bytes(b"weights")
    return folder


def test_a_pack_is_shipped_once(pack: Path, tmp_path: Path) -> None:
    shipped = Shipped.of(str(pack))
    there = shipped.unpack()
    assert there.is_relative_to(tmp_path / "videdit-packs") and there == shipped.unpack()
    assert (there / "axes.safetensors").read_bytes() == b"weights"
    assert read_manifest(there).id == read_manifest(pack).id == shipped.id
    assert not [path for path in there.parent.iterdir() if path != there]


def test_tasks_are_seen_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("anna.png").touch()
    settings = Settings(face="anna.png", expression_from=Path("b.mp4"))
    found = absolute(Task(0, Path("a.mp4"), Path("out/a.mp4"), {}, settings=settings, compare=Path("c.mp4")))
    assert (found.source, found.target, found.compare) == (tmp_path / "a.mp4", tmp_path / "out/a.mp4", tmp_path / "c.mp4")
    assert (found.settings.face, found.settings.expression_from) == (str(tmp_path / "anna.png"), tmp_path / "b.mp4")
    assert absolute(Task(0, Path("a"), Path("b"), {})).settings.face == "largest"


def test_what_comes_back_from_nodes(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_here", lambda ray: None)

    def edit_clip(task: Task, shipped: Shipped, threads: int, board: Any, part: int, end: bool) -> Any:
        board.write.remote(task.number, 77, "edit", 1, 2)
        assert task.source.is_absolute() and threads == 1, "no node has four"
        answers = {"lost": RayError("The node died.\nMore."), "bad": Done(task.number, error=UnreadableError("no clip"))}
        report = Told({"input": str(task.source), "output": str(task.target)}, task.target, [])
        return answers.get(task.source.stem, Done(task.number, report))

    monkeypatch.setattr(cluster, "edit_clip", edit_clip)
    tasks = [Task(i, Path(f"{name}.mp4"), Path(f"out/{name}.mp4"), {}, settings=Settings(pack=str(pack))) for i, name in enumerate(NAMES)]
    ray, began, steps = FakeRay(cpus=2), list[int](), list[Any]()

    def begin(task: Task, pid: int) -> Any:
        began.append(task.number)
        return lambda *step: steps.append(step)

    done = list(cluster._run(ray, tasks, begin, lambda task, text: None, 4, lambda: False))
    assert sorted(d.number for d in done) == list(range(len(NAMES)))
    assert ray.most == 6, "two run, four wait"
    found = {NAMES[d.number]: d for d in done}
    assert isinstance(found["lost"].error, WorkFailedError) and "2 times (The node died.)" in str(found["lost"].error)
    assert isinstance(found["bad"].error, UnreadableError)
    assert found["a"].report.as_json() == {"input": "a.mp4", "output": "out/a.mp4", "warnings": []}
    assert sorted(began) == list(range(len(NAMES))) and set(steps) == {("edit", 1, 2)}
    monkeypatch.setattr(cluster, "edit_clip", lambda *args: MissingError("no weights"))
    with pytest.raises(MissingError):
        list(cluster._run(ray, tasks, begin, lambda task, text: None, 4, lambda: False))
    assert list(cluster._run(ray, tasks, begin, lambda task, text: None, 4, lambda: True)) == []


def test_a_long_clip_is_several_tasks(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parts are begun before other clips, its end when all are done; a part that is lost is said, and no more."""
    monkeypatch.setattr(cluster, "_here", lambda ray: None)
    did, remarks, steps = list[str](), list[str](), list[Any]()

    def edit_clip(task: Task, shipped: Shipped, threads: int, board: Any, part: int, end: bool) -> Any:
        did.append(f"{task.source.stem} {'end' if end else part}")
        if part and task.source.stem == "long":
            return cluster.Divided(((0, part), (part, 2 * part), (2 * part, 2 * part + 1)), 48)
        return Done(task.number, Told({"input": "", "output": ""}, task.target, []))

    def make_part(task: Task, shipped: Shipped, threads: int, first: int, stop: int) -> Any:
        did.append(f"{task.source.stem} {first}-{stop}")
        return RayError("lost") if first == 4 else first == 0

    monkeypatch.setattr(cluster, "edit_clip", edit_clip)
    monkeypatch.setattr(cluster, "make_part", make_part)
    tasks = [
        Task(i, Path(f"{name}.mp4"), Path(f"o{name}.mp4"), {}, settings=Settings(pack=str(pack))) for i, name in enumerate(["long", "b"])
    ]
    asked = [0]

    def stop() -> bool:
        asked[0] += 1
        return asked[0] > 2  # when the long one is at work

    found = list(
        cluster._run(
            FakeRay(cpus=1), tasks, lambda task, pid: lambda *s: steps.append(s), lambda task, text: remarks.append(text), 1, stop, 4
        )
    )
    assert [done.number for done in found] == [0], "what was begun is finished, nothing else is begun"
    assert did == ["long 4", "long 0-4", "long 4-8", "long 8-9", "long end"]
    assert steps == [("edit", 192, 432), ("edit", 384, 432), ("edit", 432, 432)]
    assert [text.split(" of it")[0] for text in remarks] == ["segments 4 to 7", "segments 8 to 8"]


def test_long_and_short_clips_have_the_bytes_of_one_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it but Ray: what its tasks do, one after the other, with everything that goes from one to another pickled."""
    script(monkeypatch)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(cluster, "_here", lambda ray: None)
    monkeypatch.setattr("videdit.video.segments.SEGMENT", 8)
    ran = list[str]()

    def sent(work: Any) -> Any:
        def run(task: Task, *args: Any) -> Any:
            ran.append(work.__name__)
            return pickle.loads(pickle.dumps(work(pickle.loads(pickle.dumps(task)), *args)))

        return run

    monkeypatch.setattr(cluster, "edit_clip", sent(cluster.edit_clip))
    monkeypatch.setattr(cluster, "make_part", sent(cluster.make_part))
    settings, tasks = Settings(pack=str(make_tiny_pack(tmp_path / "packs")), cache=False), []
    for number, frames in enumerate((52, 20)):
        clip = make_clip(tmp_path / f"{number}.mp4", pts=range(frames), keys=10)
        tasks.append(Task(number, clip, tmp_path / f"ray{number}.mp4", {"smile": 1.0}, settings=settings))
    bad = Task(2, Path(__file__), tmp_path / "ray2.mp4", {"smile": 1.0}, settings=settings)
    remarks = list[str]()
    done = cluster._run(FakeRay(cpus=2), [*tasks, bad], lambda *_: None, lambda task, text: remarks.append(text), 1, lambda: False, 2)
    found = {one.number: one for one in done}
    assert sorted(ran) == ["edit_clip"] * 4 + ["make_part"] * 4 and not remarks
    assert isinstance(found[2].error, UnreadableError)
    for number, task in enumerate(tasks):
        assert found[number].error is None and found[number].report.status == "edited"
        local = replace(task, target=tmp_path / f"local{number}.mp4")
        assert do(local, Tools.load(local)).error is None
        assert task.target.read_bytes() == local.target.read_bytes()
    assert not list(tmp_path.glob(".*")), "a work folder was left"


NAMES = ["a", "bad", "lost", *"bcdefgh"]


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingError, match="needs Ray"):
        next(run_ray([], lambda task, pid: None, lambda task, text: None, address="auto", threads=1))


OWN_CLIP = Path(__file__).parents[2] / "examples" / "astronaut.mp4"
needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed: not tried on a cluster")
needs_pack = pytest.mark.skipif(DEFAULT_PACK not in find_packs(), reason=f"the pack {DEFAULT_PACK} is not here: nothing to edit with")


@pytest.fixture
def three_nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A Ray cluster of three nodes with one CPU each, on this machine."""
    import ray
    from ray.cluster_utils import Cluster

    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")])))
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes.others = [nodes.add_node(num_cpus=1) for _ in range(2)]
    nodes.wait_for_nodes()
    yield nodes
    ray.shutdown()
    nodes.shutdown()


@needs_ray
@needs_pack
def test_three_nodes_give_the_same_bytes_and_one_may_die(three_nodes: Any, tmp_path: Path) -> None:
    from benchmarks.speed import make_clip as shrink

    tasks = []
    shrink(OWN_CLIP, tmp_path / "first.mp4", 120, 12)
    for number in range(4):
        clip = tmp_path / f"{number}.mp4"
        clip.write_bytes((tmp_path / "first.mp4").read_bytes() + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big"))
        tasks.append(Task(number, clip, tmp_path / f"ray{number}.mp4", {"smile": -1.0}, settings=Settings(cache=False)))
    tasks.append(Task(4, Path(__file__), tmp_path / "ray4.mp4", {"smile": -1.0}, settings=Settings(cache=False)))
    began: list[float] = []

    def begin(task: Task, pid: int) -> Any:
        began.append(time.monotonic())
        if len(began) == 1:
            three_nodes.remove_node(three_nodes.others[0], allow_graceful=False)
        return None

    found = {done.number: done for done in run_ray(tasks, begin, lambda task, text: None, address=three_nodes.address, threads=1)}
    assert isinstance(found.pop(4).error, UnreadableError)
    assert not any(done.error for done in found.values()), [str(done.error) for done in found.values()]
    assert {done.report.status for done in found.values()} == {"edited"}
    again = [replace(tasks[0], target=tmp_path / "local0.mp4")]
    list(run_local(again, lambda task, pid: None, lambda task, text: None, workers=1, threads=1))
    assert (tmp_path / "ray0.mp4").read_bytes() == (tmp_path / "local0.mp4").read_bytes()


@needs_ray
@needs_pack
def test_a_long_clip_in_parts_has_the_same_bytes(three_nodes: Any, tmp_path: Path) -> None:
    """Four segments, each a part of its own."""
    from benchmarks.speed import make_clip as shrink

    shrink(OWN_CLIP, tmp_path / "long.mp4", 96, 150)
    task, heard, steps = Task(0, tmp_path / "long.mp4", tmp_path / "ray.mp4", {"smile": -1.0}, settings=Settings(cache=False)), [], []

    def step(stage: str, done: int, total: int | None) -> None:
        steps.append((stage, done, total))

    began = lambda task, pid: step  # noqa: E731
    (done,) = run_ray([task], began, lambda task, text: heard.append(text), address=three_nodes.address, threads=1, part=1)
    assert done.error is None and done.report.status == "edited", done.error
    assert ("edit", 192, 192) in steps and not heard, "it was not divided, or parts were lost"
    list(run_local([replace(task, target=tmp_path / "local.mp4")], lambda *_: None, lambda *_: None, workers=1, threads=1))
    assert (tmp_path / "ray.mp4").read_bytes() == (tmp_path / "local.mp4").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["local.mp4", "long.mp4", "ray.mp4"]


def test_no_cluster_is_a_usage_error() -> None:
    pytest.importorskip("ray", reason="ray is not installed: not tried without a cluster")
    with pytest.raises(UsageError, match="there is no Ray cluster"):
        next(run_ray([], lambda task, pid: None, lambda task, text: None, address="auto", threads=1))
