"""Curves on the command line: in words, from CSV and JSON, in presets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from videdit.curves import Curve, FrameNumber, Window

Run = Callable[..., Any]
RISING = Curve((0, 2), (0, 0.5))


@pytest.mark.parametrize(
    ("flags", "strengths"),
    [
        (["--smile", "0s:0 2s:+0.5"], {"smile": RISING}),
        (
            ["--smile", "0s:-1 2s:1 ease", "--age=96f:-0.5"],
            {"smile": Curve((0, 2), (-1, 1), True), "age": Curve((FrameNumber(96),), (-0.5,))},
        ),
        (["--young", "0s:0 2s:+0.5", "--beard", "-1"], {"age": -1 * RISING, "beard": -1.0}),
        (["--smile", "1", "--smile", "0s:0 2s:+0.5"], {"smile": RISING}),
    ],
)
def test_curves_in_flags(videdit: Run, clip: Path, pipeline: Any, flags: list[str], strengths: dict[str, Any]) -> None:
    result = videdit(str(clip), *flags, "-o", "out.mp4")
    assert result.code == 0, result.err
    assert pipeline.calls[0][2] == strengths


@pytest.mark.parametrize(
    "text",
    [
        "time,strength\n0,0\n2,0.5\n",
        "0,0\n2,+0.5\n",
        "0.000e+00,0.00e+00\n2.000e+00,5.00e-01\n",
        "\ufeffstrength,time\r\n0,0s\r\n\r\n0.5,0:02\r\n",
        " t , smile \n 0 , 0 \n 2s , 0.5",
    ],
)
def test_a_curve_file(videdit: Run, clip: Path, pipeline: Any, text: str) -> None:
    Path("my curve.csv").write_text(text, "utf-8", newline="")
    for flag, ease in (("@my curve.csv", False), ("@my curve.csv ease", True)):
        assert videdit(str(clip), "--smile", flag, "-o", "out.mp4", "--overwrite").code == 0
        assert pipeline.calls[-1][2] == {"smile": Curve(RISING.times, RISING.values, ease)}


@pytest.mark.parametrize(
    "value", ["0s:0 2s:+0.5", [[0, 0], [2, 0.5]], [["0s", 0], ["0:02", 0.5]], {"keys": [[0, 0], [2, 0.5]], "ease": False}]
)
def test_json(videdit: Run, clip: Path, pipeline: Any, value: Any) -> None:
    Path("curve.json").write_text(json.dumps(value))
    assert videdit(str(clip), "--smile", "@curve.json", "-o", "out.mp4").code == 0
    Path("edit.json").write_text(json.dumps({"smile": value, "young": 0.5}))
    assert videdit(str(clip), "--curves", "edit.json", "-o", "out2.mp4").code == 0
    assert [call[2] for call in pipeline.calls] == [{"smile": RISING}, {"smile": RISING, "age": -0.5}]


def test_a_table_and_flags_over_it(videdit: Run, clip: Path, pipeline: Any) -> None:
    Path("edit.csv").write_text("time,smile,Young ease,beard\n0s,0,-1,1\n24f,,1,\n2,0.5,,\n")
    assert videdit(str(clip), "--beard", "-0.5", "--curves", "edit.csv", "-o", "out.mp4").code == 0
    assert pipeline.calls[0][2] == {"smile": RISING, "age": Curve((0, FrameNumber(24)), (1, -1), True), "beard": -0.5}


WRONG = [
    (["--smile", "0s:0 2s:4"], "--smile can't be '0s:0 2s:+4'"),
    (["--smile", "0s:0 2s"], "'2s' is not TIME:STRENGTH"),
    (["--smile", "2s:0 1s:1"], "times must increase"),
    (["--smile", "0s:nan"], "'nan' is no strength"),
    (["--smile", "0:0 2:1"], "is no time (2s, 2.5s, 1:02.5 or 96f)"),
    (["--smile", "@none.csv"], "there is no file none.csv"),
    (["--smile", "@."], "can't be read as a curve"),
    (["--smile", "@wide.csv"], "wide.csv, line 1: 3 columns"),
    (["--smile", "@high.csv"], "--smile can't be '0s:0 2s:+9'"),
    (["--smile", "@word.csv"], "word.csv: 'much' is no strength"),
    (["--smile", "@time.csv"], "time.csv, line 3: 'soon' is no time"),
    (["--smile", "@first.csv"], "first.csv, line 1: 'soon' is no time"),
    (["--smile", "@back.csv"], "back.csv: times must increase, and 1s follows 2s"),
    (["--smile", "@head.csv"], "head.csv has no keyframe"),
    (["--smile", "@empty.csv"], "empty.csv is empty"),
    (["--smile", "@bad.json"], "bad.json can't be read as a curve"),
    (["--smile", "@latin.csv"], "latin.csv can't be read as a curve"),
    (["--curves", "back.csv"], "time,smile,age"),
    (["--curves", "tail.csv"], "no attribute 'tail'"),
    (["--curves", "list.json"], "holds no object"),
    (["--curves", "keys.json"], "keys.json: smile: [1] is not [time, strength]"),
    (["--curves", "gone.json"], "keys.json: smile is no curve".replace("keys", "gone")),
    (["--from", "2s", "--to", "1s"], "--to 1s is not after --from 2s"),
    (["--from", "soon"], "3.5s, 1:02.5, or 96f"),
    (["--smile", "0s:0 1s:1", "--lock", "smile"], "both edited and locked"),
]


@pytest.mark.parametrize(("more", "words"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_a_wrong_curve_is_a_usage_error_of_one_line(videdit: Run, clip: Path, pipeline: Any, more: list[str], words: str) -> None:
    files = {"wide.csv": "0,1,2", "high.csv": "0,0\n2,9", "word.csv": "0,much", "time.csv": "t,s\n0,0\nsoon,1", "back.csv": "2,0\n1,0"}
    files |= {
        "first.csv": "soon,-0.5\n1,0",
        "head.csv": "time,strength",
        "empty.csv": "\n,\n",
        "bad.json": "[",
        "tail.csv": "time,tail\n0,1",
        "list.json": "[]",
    }
    files |= {"keys.json": '{"smile": [[0, 1], [1]]}', "gone.json": '{"smile": {"time": 3}}'}
    for name, text in files.items():
        Path(name).write_text(text)
    Path("latin.csv").write_bytes(b"0,\xff")
    result = videdit(str(clip), "-o", "out.mp4", *more)
    assert result.code == 2
    assert words in result.err
    assert result.err.startswith("videdit: error: ")
    assert len(result.err.splitlines()) <= 2
    assert not pipeline.calls


def test_presets_hold_curves_and_times(videdit: Run, clip: Path, pipeline: Any) -> None:
    Path("sub").mkdir()
    Path("sub/age.csv").write_text("0,0\n2,0.5")
    Path("sub/p.toml").write_text('from = "1s"\nto = "1:00"\n[attributes]\nsmile = "0s:0 2s:+0.5"\nage = "@age.csv"\nbeard = -1\n')
    assert videdit(str(clip), "--config", "sub/p.toml", "--to", "90f", "-o", "out.mp4").code == 0
    _, _, strengths, settings = pipeline.calls[0]
    assert strengths == {"smile": RISING, "age": RISING, "beard": -1.0}
    assert settings.window == Window(1.0, FrameNumber(90))
    Path("p.toml").write_text('[attributes]\nsmile = "0s:0 2s:+5"\n')
    wrong = videdit(str(clip), "--config", "p.toml", "-o", "out2.mp4")
    assert (wrong.code, "--smile can't be" in wrong.err) == (2, True)


def test_what_is_said_of_curves(videdit: Run, clip: Path, pipeline: Any) -> None:
    flags = ["--smile", "0s:0 2s:+0.5 ease", "--from", "0.5", "--to", "96f"]
    dry = videdit(str(clip), *flags, "-o", "out.mp4", "--dry-run").out
    assert "in.mp4 -> out.mp4: smile 0s:0 2s:+0.5 ease from 0.5s to 96f" in dry
    assert "from=0.5, to=96f" in dry
    assert videdit(str(clip), *flags, "-o", "out.mp4", "--report", "r.json").code == 0
    report = json.loads(Path("r.json").read_text())
    assert report["edits"] == {"smile": "0s:0 2s:+0.5 ease"}
    assert (report["settings"]["from"], report["settings"]["to"]) == (0.5, "96f")


def test_the_examples_of_the_documentation(videdit: Run, clip: Path, pipeline: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "timeline.md").read_text("utf-8")
    blocks = re.findall(r"```(csv|json|toml)(?: (curve|table))?\n(.*?)```", page, re.DOTALL)
    assert [block[:2] for block in blocks] == [("csv", "curve"), ("csv", "table"), ("json", "table"), ("toml", "")]
    Path("age.csv").write_text("0,0")
    for number, (suffix, kind, text) in enumerate(blocks):
        Path(f"edit.{suffix}").write_text(text)
        flags = {"curve": ["--smile", "@edit.csv"], "table": ["--curves", f"edit.{suffix}"], "": ["--config", "edit.toml"]}[kind]
        result = videdit(str(clip), *flags, "-o", f"{number}.mp4")
        assert result.code == 0, result.err
    curve, table, objects, preset = (call[2] for call in pipeline.calls)
    assert curve["smile"] == table["smile"] == objects["smile"] == Curve((0, 2, 4), (0, 0.5, 0))
    assert table["age"] == Curve((0, FrameNumber(48), 4), (-0.4, 0.2, 0.4), True)
    assert objects["mouth-open"] == Curve((0, 2), (0, 0.5), True)
    assert preset["smile"].ease
