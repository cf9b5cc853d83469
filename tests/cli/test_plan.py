"""Folders, patterns, names and tables of jobs, from the command line to what the pipeline is asked for."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from videdit.cli.folders import Choice, clips_in
from videdit.cli.naming import edits_in_a_name
from videdit.cli.plan import Wish, make_plan
from videdit.curves import Curve

Run = Callable[..., Any]


@pytest.fixture
def tree(videdit: Run) -> Path:
    """clips/ with files on three levels, some of them not ours."""
    top = Path("clips")
    for name in ("a.mp4", "raw/a.mp4", "raw/B.MOV", "raw/deep/c.png", "raw/notes.txt", ".trash/d.mp4", "raw/.d.mp4"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(b"x")
    return top


def targets(pipeline: Any) -> list[str]:
    return [call[1].as_posix() for call in pipeline.calls]


def test_all_folders_below_are_mirrored(videdit: Run, tree: Path, pipeline: Any) -> None:
    (tree / "loop").symlink_to(tree.resolve(), target_is_directory=True)
    (tree / "gone.mp4").symlink_to("nowhere.mp4")
    assert videdit("clips", "--smile", "1", "-o", "out").code == 0
    assert targets(pipeline) == ["out/a.mp4", "out/raw/B.MOV", "out/raw/a.mp4", "out/raw/deep/c.png"]
    assert Path("out/raw/deep/c.png").is_file()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--include", "*.mov"], ["raw/B.MOV"]),
        (["--exclude", "raw/*"], ["a.mp4"]),
        (["--include", "a.*", "--include", "*.png", "--exclude", "raw/a.mp4"], ["a.mp4", "raw/deep/c.png"]),
        (["--include", "raw/?.mp4"], ["raw/a.mp4"]),
    ],
)
def test_patterns_choose(videdit: Run, tree: Path, pipeline: Any, flags: list[str], expected: list[str]) -> None:
    assert videdit("clips", "--smile", "1", "-o", "out", *flags).code == 0
    assert targets(pipeline) == [f"out/{name}" for name in expected]


def test_results_in_the_folder_are_no_inputs(videdit: Run, tree: Path, pipeline: Any) -> None:
    assert videdit("clips", "--smile", "1", "-o", "clips/out").code == 0
    first = targets(pipeline)
    assert videdit("clips", "--smile", "1", "-o", "clips/out", "--overwrite").code == 0
    assert targets(pipeline) == first + first


def test_names_from_a_template(videdit: Run, tree: Path, pipeline: Any) -> None:
    flags = ["--smile", "0.5", "--age", "0s:0 4s:-1", "--name", "{dir}/{stem}.{edits}{ext}"]
    assert videdit("clips", "-o", "out", *flags, "--exclude", "*.png").code == 0
    words = "smile+0.5_age~-1"
    assert targets(pipeline) == [f"out/a.{words}.mp4", f"out/raw/B.{words}.MOV", f"out/raw/a.{words}.mp4"]
    assert videdit("clips/a.mp4", "--smile", "1", "-o", "flat", "--name", "{stem}_{dir}x.mkv").code == 0
    assert targets(pipeline)[-1] == "flat/a_x.mkv"


def test_edits_in_a_name() -> None:
    people = {2: {"age": -1.0}}
    assert edits_in_a_name({}, people, Path("a b/smi le.jpg")) == "person2-age-1_expression-smi-le"
    assert edits_in_a_name({"smile": Curve((0.0, 1.0), (-0.25, 0.0))}, {}, None) == "smile~-0.25"
    assert edits_in_a_name({}, {}, None) == "unedited"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["clips", "--name", "{stem}{ext}"], "clips/a.mp4 and clips/raw/a.mp4 would both become out/a.mp4"),
        (["clips", "clips/raw"], "would both become out/a.mp4"),
        (["clips", "--name", "same.mp4"], "would both become"),
        (["clips", "--name", "{steam}{ext}"], "--name can't hold {steam}"),
        (["clips", "--name", "{stem}{ext"], "a brace by itself"),
        (["clips", "--name", "../{stem}{ext}"], "--name can't be"),
        (["clips", "--name", "/{stem}{ext}"], "--name can't be"),
        (["clips", "--name", "{stem}{ext}/"], "--name can't be"),
        (["clips", "--name", "{dir}/{stem}"], "no suffix"),
        (["clips", "--name", "{dir}/{stem}" + "x" * 260 + "{ext}"], "more than 255 bytes"),
        (["clips", "--include", "*.gif"], "no picture that was chosen"),
        (["clips/a.mp4", "--include", "*.gif"], "no input is one"),
        (["--jobs", "none.csv"], "none.csv can't be read"),
    ],
)
def test_plans_that_make_no_sense(videdit: Run, tree: Path, pipeline: Any, argv: list[str], words: str) -> None:
    result = videdit(*argv, "--smile", "1", "-o", "out/")
    assert (result.code, words in result.err) == (2, True), result.err
    assert not pipeline.calls and not Path("out").exists()


def test_jobs_have_edits_of_their_own(videdit: Run, tree: Path, pipeline: Any) -> None:
    Path("curve.csv").write_text("0,0\n2,1\n")
    Path("jobs.csv").write_text("input,output,smile,young\nclips/a.mp4,,,1\nclips/raw/B.MOV,b/B.mp4,@curve.csv,\nclips/raw/deep,,-1,\n")
    assert videdit("--jobs", "jobs.csv", "--smile", "0.5", "-o", "out").code == 0
    assert targets(pipeline) == ["out/a.mp4", "out/b/B.mp4", "out/c.png"]
    assert [call[2] for call in pipeline.calls] == [{"smile": 0.5, "age": -1.0}, {"smile": Curve((0.0, 2.0), (0.0, 1.0))}, {"smile": -1.0}]
    pipeline.calls.clear()
    rows = [{"input": "a.mp4", "smile": 1}, {"input": "a.mp4", "smile": "0s:0 1s:-1"}]
    Path("clips/jobs.json").write_text(json.dumps(rows))
    result = videdit("--jobs", "clips/jobs.json", "-o", "two")
    assert (result.code, "would both become" in result.err) == (2, True)
    assert videdit("--jobs", "clips/jobs.json", "-o", "two", "--name", "{stem}.{edits}{ext}").code == 0
    assert targets(pipeline) == ["two/a.smile+1.mp4", "two/a.smile~-1.mp4"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not begin with a line such as"),
        ("clip,smile\n", "does not begin with a line such as"),
        ("input,smile\n", "holds no clip"),
        ("input,tail\nclips/a.mp4,1\n", "line 2: the pack"),
        ("input,smile\nclips/a.mp4,much\n", "line 2: --smile can't be 'much'"),
        ("input,smile\nclips/a.mp4,1,2\n", "line 2: 3 columns instead of 2"),
        ("input,smile\nclips/z.mp4,1\n", "there is no file clips/z.mp4"),
        ("input,smile\n,1\n", "line 2 has no input"),
        ("input,output,smile\nclips/a.mp4,../b.mp4,1\n", "../b.mp4 is not below the output folder"),
        ('{"input": "clips/a.mp4"}', "is no list of objects"),
        ("[1", "can't be read"),
    ],
)
def test_a_wrong_table(videdit: Run, tree: Path, pipeline: Any, text: str, words: str) -> None:
    path = Path("jobs.json" if text[:1] in ("{", "[") else "jobs.csv")
    path.write_text(text)
    result = videdit("--jobs", str(path), "-o", "out")
    assert (result.code, words in result.err) == (2, True), result.err
    assert not pipeline.calls


def test_a_dry_run_says_how_long_and_how_much(videdit: Run, pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests import media

    Path("clips").mkdir()
    for name in "abc":
        media.make_clip(Path(f"clips/{name}.mp4"), times=range(20))
    Path("clips/d.mp4").write_bytes(b"broken")
    result = videdit("clips", "--smile", "1", "-o", "out", "--dry-run")
    assert result.code == 0 and not pipeline.calls and not Path("out").exists()
    assert "clips/a.mp4 -> out/a.mp4: smile +1" in result.out
    assert "4 files: about 0:0" in result.out and "free" in result.out
    assert "clips/d.mp4: " in result.err
    Path("cache").mkdir()
    from videdit.cli import estimate

    monkeypatch.setattr(estimate, "LOOKED_AT", 2)
    assert "having looked at 2 of them" in videdit("clips", "--smile", "1", "-o", "out", "--dry-run").out


def test_ten_thousand_files_are_planned_quickly(tmp_path: Path) -> None:
    for folder in range(100):
        (tmp_path / "in" / f"{folder:03}").mkdir(parents=True)
        for number in range(100):
            (tmp_path / "in" / f"{folder:03}" / f"{number:03}.mp4").touch()
    began = process_time()
    plan = make_plan([Wish(str(tmp_path / "in"), {"smile": 1.0})], str(tmp_path / "out"))
    took = process_time() - began
    assert len(plan.jobs) == 10_000
    assert took < 5, f"{took:.1f} s of the processor"  # the bar is 10 s by the clock
    tracemalloc.start()
    assert len(clips_in(tmp_path / "in", Choice(exclude=("*/001.mp4",)))) == 9_900
    assert tracemalloc.get_traced_memory()[1] < 50 << 20
    tracemalloc.stop()
