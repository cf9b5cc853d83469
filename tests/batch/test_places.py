"""Files elsewhere: fetched, edited, sent whole; planned like those that are here. fsspec's own file:// stands for s3://."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from videdit.batch.places import staged, url_of
from videdit.batch.task import Task
from videdit.errors import MissingError, OutputError, UnreadableError, UsageError

Run = Callable[..., Any]


@pytest.mark.parametrize("address", ["s3://bucket/a b/c.mp4", "gs://bucket", "memory://x/y", "file:///tmp/x.mp4", "https://host/c.mp4"])
def test_addresses_survive_being_paths(address: str) -> None:
    assert url_of(Path(address)) == address
    assert url_of(Path(address) / "d.mp4") == f"{address}/d.mp4"


@pytest.mark.parametrize("name", ["a.mp4", "./s3/a.mp4", "/tmp/a:/b", "C:/clips/a.mp4", "a:b.mp4"])
def test_files_here_have_none(name: str) -> None:
    assert url_of(Path(name)) == ""


def test_a_clip_is_fetched_and_its_output_sent(tmp_path: Path) -> None:
    (tmp_path / "in.mp4").write_bytes(b"clip")
    task = Task(0, Path(f"file://{tmp_path}/in.mp4"), Path(f"file://{tmp_path}/new/out.mp4"), {})
    with staged(task) as here:
        assert here.source.read_bytes() == b"clip" and not here.target.exists() and not url_of(here.target)
        here.target.write_bytes(b"edited")
    assert (tmp_path / "new/out.mp4").read_bytes() == b"edited"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.mp4"]
    assert not here.source.exists(), "nothing is left on this machine"
    with staged(task):
        pass  # an edit that failed has written nothing
    local = Task(0, Path("a.mp4"), Path("b.mp4"), {})
    with staged(local) as same:
        assert same is local


def test_what_can_go_wrong(tmp_path: Path) -> None:
    lost = Task(0, Path(f"file://{tmp_path}/none.mp4"), Path("out.mp4"), {})
    with pytest.raises(UnreadableError, match="can't be fetched"), staged(lost):
        pass
    (tmp_path / "in.mp4").write_bytes(b"clip")
    (tmp_path / "taken").write_bytes(b"")
    shut = Task(0, tmp_path / "in.mp4", Path(f"file://{tmp_path}/taken/out.mp4"), {})
    with pytest.raises(OutputError, match="can't be written"), staged(shut) as here:
        here.target.write_bytes(b"edited")
    with pytest.raises((MissingError, UsageError)), staged(Task(0, Path("nosuch://a/b.mp4"), Path("c.mp4"), {})):
        pass


def test_a_folder_elsewhere_is_planned_and_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import SimpleNamespace

    from videdit.batch.task import Tools, do
    from videdit.cli.folders import Choice
    from videdit.cli.plan import Wish, drop_existing, make_plan

    for name in ("a.mp4", "sub/b.mov", "sub/c.txt", ".d.mp4", "out/a.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"clip")
    plan = make_plan([Wish(f"file://{tmp_path}", {"smile": 1.0})], f"file://{tmp_path}/out", choice=Choice(exclude=("*.png",)))
    assert [url_of(job.target) for job in plan.jobs] == [f"file://{tmp_path}/out/a.mp4", f"file://{tmp_path}/out/sub/b.mov"]
    todo, skipped = drop_existing(plan.jobs, overwrite=False, skip=True)
    assert [job.source.name for job in todo] == ["b.mov"] and [job.source.name for job in skipped] == ["a.mp4"]

    def edit_video(source: Path, target: Path, *rest: Any, **more: Any) -> Any:
        target.write_bytes(source.read_bytes() + b" edited")
        return SimpleNamespace(input=source, output=target, warnings=[])

    monkeypatch.setitem(sys.modules, "videdit.pipeline", SimpleNamespace(edit_video=edit_video))
    done = do(Task(0, todo[0].source, todo[0].target, {}), Tools(None))  # type: ignore[arg-type]
    assert (done.report.input, done.report.output) == (todo[0].source, todo[0].target)
    assert (tmp_path / "out/sub/b.mov").read_bytes() == b"clip edited"
    with pytest.raises(UsageError, match="there is no file"):
        make_plan([Wish(f"file://{tmp_path}/none.mp4", {})], f"file://{tmp_path}/out/")
