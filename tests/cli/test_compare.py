"""--compare and `videdit gif`: where things go, and what is refused before any work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import media

Run = Callable[..., Any]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    calls: list[tuple[str, str, str]] = []

    def compare(before: Path, after: Path, target: Path) -> None:
        calls.append((str(before), str(after), str(target)))
        target.write_bytes(b"both")

    monkeypatch.setattr("videdit.video.graphs.compare", compare)
    return calls


def test_beside_the_output(videdit: Run, clip: Path, pipeline: Any, compared: list[Any]) -> None:
    result = videdit(str(clip), "--smile", "1", "-o", "out.mp4", "--compare", "--report", "r.json")
    assert result.code == 0, result.err
    assert compared == [("in.mp4", "out.mp4", "out_compare.mp4")]
    assert json.loads(Path("r.json").read_text())["files"][0]["compare"] == "out_compare.mp4"
    assert videdit(str(clip), "--smile", "1", "-o", "out.avi", "--compare").code == 0
    assert compared[-1] == ("in.mp4", "out.avi", "out_compare.mkv")


def test_where_it_is_said(videdit: Run, clip: Path, pipeline: Any, compared: list[Any]) -> None:
    assert videdit(str(clip), "--smile", "1", "-o", "out.mp4", "--compare", "both.gif").code == 0
    assert compared == [("in.mp4", "out.mp4", "both.gif")]
    Path("clips").mkdir()
    Path("sides").mkdir()
    for name in ("a.mp4", "b.mov"):
        (Path("clips") / name).write_bytes(b"x")
    assert videdit("clips", "--smile", "1", "-o", "edited/", "--compare", "sides").code == 0
    assert [call[2] for call in compared[1:]] == ["sides/a_compare.mp4", "sides/b_compare.mov"]


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["in.mp4", "-o", "out.mp4", "--compare=both.png"], 2, "can't be written as both.png"),
        (["in.mp4", "-o", "out.mp4", "--compare=in.mp4"], 2, "is an input or an output itself"),
        (["in.mp4", "-o", "out.mp4", "--compare=there.mp4"], 7, "there.mp4 exists already"),
        (["in.mp4", "-o", "out.mp4", "--compare=no/both.mp4"], 7, "does not exist"),
        (["--compare", "in.mp4", "-o", "out.mp4"], 2, "--compare took in.mp4 for itself"),
    ],
)
def test_refused_before_the_work(videdit: Run, clip: Path, pipeline: Any, flags: list[str], code: int, said: str) -> None:
    Path("there.mp4").write_bytes(b"x")
    result = videdit("--smile", "1", *flags)
    assert (result.code, said in result.err) == (code, True), result.err
    assert pipeline.calls == []


def test_gif(videdit: Run) -> None:
    media.make_clip(Path("in.mp4"), times=range(30))
    result = videdit("gif", "in.mp4", "-o", "out.gif", "--from", "0.2s", "--to", "20f", "--width", "48", "--fps", "10")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("out.gif: ")
    assert Path("out.gif").read_bytes()[:6] == b"GIF89a"


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["in.mp4", "-o", "out.mp4"], 2, "not named like a GIF"),
        (["no.mp4", "-o", "out.gif"], 2, "there is no file no.mp4"),
        (["in.mp4", "-o", "out.gif", "--from", "9s"], 2, "ends before 9 s"),
        (["in.mp4", "-o", "out.gif", "--from", "0.3s", "--to", "0.2s"], 2, "--to comes before --from"),
        (["in.mp4", "-o", "out.gif", "--from", "soon"], 2, "--from can't be 'soon'"),
        (["in.mp4", "-o", "out.gif", "--fps", "0"], 2, "--fps can't be 0"),
        (["in.mp4", "-o", "there.gif"], 7, "there.gif exists already"),
        (["in.mp4", "-o", "no/out.gif"], 7, "the folder no does not exist"),
    ],
)
def test_gifs_refused(videdit: Run, flags: list[str], code: int, said: str) -> None:
    media.make_clip(Path("in.mp4"))
    Path("there.gif").write_bytes(b"x")
    result = videdit("gif", *flags)
    assert (result.code, said in result.err) == (code, True), result.err
