"""Runs of many files: the table, lines of JSON, pages and their index, --fail-fast, and an end that says what to do."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from videdit.cli.crowd import Bars, PlainLines
from videdit.errors import UnreadableError

Run = Callable[..., Any]


def fail(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.fixture
def folder(videdit: Run, pipeline: Any) -> Path:
    """Four clips, of which b can't be read."""
    top = Path("clips")
    for name in ("a", "b", "sub/c", "sub/d"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / f"{name}.mp4").write_bytes(b"x")
    pipeline.acts["b.mp4"] = fail(UnreadableError("the header is missing", hint="Copy it again."))
    return top


def test_a_table_says_what_failed_why_and_what_to_do(videdit: Run, folder: Path) -> None:
    result = videdit("clips", "--smile", "1", "-o", "out")
    assert result.code == 3
    assert "4 files: 3 edited, 1 failed; 9 frames in 0:0" in result.out
    assert "clips/b.mp4  the header is missing (Copy it again.)" in result.out
    assert result.err.splitlines()[-2] == "videdit: error: 1 of 4 inputs failed"
    assert videdit("clips", "--smile", "1", "-o", "quiet", "-q").out == ""


def test_a_bug_in_one_clip_does_not_end_the_night(videdit: Run, folder: Path, pipeline: Any) -> None:
    pipeline.acts["b.mp4"] = fail(ZeroDivisionError("division by zero"))
    result = videdit("clips", "--smile", "1", "-o", "out")
    assert (result.code, len(pipeline.calls)) == (3, 4)
    assert "ZeroDivisionError: division by zero" in result.out and "Traceback" not in result.err


def test_fail_fast(videdit: Run, folder: Path, pipeline: Any) -> None:
    result = videdit("clips", "--smile", "1", "-o", "out", "--fail-fast", "--report", "r.json")
    assert (result.code, len(pipeline.calls)) == (3, 2)
    assert "1 edited, 1 failed, 2 not begun" in result.out
    assert "and 2 were not begun" in result.err and "--skip-existing" in result.err
    assert [file["status"] for file in json.loads(Path("r.json").read_text())["files"]] == ["edited", "failed", "not begun", "not begun"]


def test_lines_of_json(videdit: Run, folder: Path) -> None:
    Path("out").mkdir()
    Path("out/a.mp4").write_bytes(b"old")
    result = videdit("clips", "--smile", "1", "-o", "out", "--skip-existing", "--progress", "json")
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert (lines[0]["event"], lines[0]["files"], lines[0]["skipped"]) == ("plan", 3, ["out/a.mp4"])
    assert lines[-1] == {
        "event": "summary",
        "t": lines[-1]["t"],
        "files": 4,
        "count": {"skipped": 1, "failed": 1, "edited": 2},
        "exit_code": 3,
    }
    of_c = [line for line in lines if line.get("input") == "clips/sub/c.mp4"]
    assert [line["event"] for line in of_c] == ["begin", "progress", "progress", "end"]
    assert (of_c[2]["stage"], of_c[2]["done"], of_c[2]["total"]) == ("edit", 3, 3) and of_c[3]["status"] == "edited"
    (of_b,) = (line for line in lines if line["event"] == "end" and line["status"] == "failed")
    assert (of_b["input"], of_b["error"], of_b["hint"], of_b["exit_code"]) == ("clips/b.mp4", "the header is missing", "Copy it again.", 6)
    assert all(later["t"] >= before["t"] for before, later in zip(lines, lines[1:], strict=False))
    assert result.err.startswith("videdit: error: 1 of 4 inputs failed")
    assert videdit("preview", "clips/a.mp4", "--progress", "json", "--smile", "1", "-o", "p.png").code == 2


class Links(HTMLParser):
    """Where a page leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, pipeline: Any) -> None:
    """An observer that needs nobody to look at."""
    from tests.report.test_page import PERSON
    from videdit.batch import task

    class Nobody:
        def measures(self) -> list[dict[str, Any]]:
            return [PERSON]

    edit = pipeline.edit_video
    monkeypatch.setattr(task, "_observer", lambda wanted, pack: {"on_frame": Nobody()})
    monkeypatch.setattr(sys.modules["videdit.pipeline"], "edit_video", lambda *args, on_frame, **rest: edit(*args, **rest))


def test_an_index_links_a_page_for_each(videdit: Run, folder: Path, measured: None) -> None:
    (folder / "a.mp4").rename(folder / "é & #1%.mp4")
    flags = ["--smile", "1", "-o", "out", "--report", "r.html"]
    assert videdit("clips", *flags).code == 3
    text = Path("r.html").read_text("utf-8")
    links = Links(text).found
    assert len(links) == len(set(links)) == 3
    from urllib.parse import unquote

    assert all(Path(unquote(link)).is_file() for link in links)
    assert "Copy it again." in text and "0.871" in text and "1.070" in text, "why, what to do, identity and flicker"
    assert "https:" not in text and "<script" not in text and "data:image" not in text
    page = Path("r/sub/c.mp4.html").read_text("utf-8")
    assert "data:image/jpeg" in page and page.count("<svg") == 5
    figures = json.loads(Path("r/sub/c.mp4.json").read_text())
    assert figures["measured"][0]["flicker"] == 1.07 and "strip" not in figures["measured"][0]
    files = json.loads(Path("r.json").read_text())["files"]
    assert [file.get("page") for file in files] == [None, "r/é & #1%.mp4.html", "r/sub/c.mp4.html", "r/sub/d.mp4.html"]
    assert files[1]["figures"] == {"identity": 0.871, "flicker": 1.07} and "measured" not in files[1]
    assert videdit("clips", *flags, "--skip-existing").code == 3
    assert sorted(Links(Path("r.html").read_text("utf-8")).found) == sorted(links), "pages of an earlier run are linked too"


def test_the_report_of_an_interrupted_run(videdit: Run, folder: Path, pipeline: Any) -> None:
    pipeline.acts["c.mp4"] = fail(KeyboardInterrupt())
    assert videdit("clips", "--smile", "1", "-o", "out", "--report", "r.json").code == 130
    report = json.loads(Path("r.json").read_text())
    assert report["exit_code"] == 130
    assert [file["status"] for file in report["files"]] == ["edited", "failed"]


def test_progress_of_several_at_once() -> None:
    stream = io.StringIO()
    with PlainLines(stream) as talk:
        first, second = talk.begin(0, "a.mp4"), talk.begin(1, "b.mp4")
        for done in (1, 2):
            first("edit", done, 2)
            second("faces", done, 2)
        talk.end(0)
    assert [line.split(",")[0] for line in stream.getvalue().splitlines()] == [
        "a.mp4: editing 1/2",
        "b.mp4: finding faces 1/2",
        "a.mp4: editing 2/2",
        "b.mp4: finding faces 2/2",
    ]
    bars = Bars(2)
    step = bars.begin(0, "a.mp4")
    step("edit", 1, None)
    bars.begin(0, "a.mp4")  # its worker died
    bars.end(0)
    assert [(task.completed, task.total) for task in bars._progress.tasks] == [(1, 2)]
