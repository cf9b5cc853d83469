"""From flags to what the pipeline is asked for, and from what it says to the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from videdit.errors import MissingError, UnreadableError

Run = Callable[..., Any]


def fail(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("flags", "strengths"),
    [
        (["--smile", "+0.5"], {"smile": 0.5}),
        (["--smile=-1"], {"smile": -1.0}),
        (["--smile", "-1e-1"], {"smile": -0.1}),
        (["--smile", "-.5", "--age", "2"], {"smile": -0.5, "age": 2.0}),
        (["--Smiling", "1"], {"smile": 1.0}),
        (["--young", "+1"], {"age": -1.0}),
        (["--Mouth_Slightly_Open", "1", "--gender", "-1"], {"mouth-open": 1.0, "male": -1.0}),
        (["--smile", "1", "--smile", "2"], {"smile": 2.0}),
    ],
)
def test_attribute_flags(videdit: Run, clip: Path, pipeline: Any, flags: list[str], strengths: dict[str, float]) -> None:
    result = videdit(str(clip), *flags, "-o", "out.mp4")
    assert result.code == 0, result.err
    assert pipeline.calls[0][2] == strengths


def test_options_reach_the_pipeline(videdit: Run, clip: Path, pipeline: Any) -> None:
    flags = "--smooth 0 --lock male,Gray_Hair --tune 50 --face all --crf 20 --no-cache --debug-dir d --composite render".split()
    assert videdit(str(clip), "--smile", "1", "-o", "out.mp4", *flags).code == 0
    settings = pipeline.calls[0][3]
    assert (settings.smooth, settings.lock, settings.tune, settings.face) == (0.0, ("male", "Gray_Hair"), "50", "all")
    assert (settings.crf, settings.cache, settings.debug_dir, settings.composite) == (20.0, False, Path("d"), "render")


def test_an_expression_reaches_the_pipeline(videdit: Run, clip: Path, pipeline: Any) -> None:
    flags = ["--expression-from", "smile.png", "--expression", "0.5", "--invert", "optimize"]
    missing = videdit(str(clip), *flags, "-o", "out.mp4")
    assert missing.code == 2
    assert "smile.png" in missing.err
    Path("smile.png").write_bytes(b"x")
    result = videdit(str(clip), *flags, "-o", "out.mp4", "--dry-run")
    assert "the expression of smile.png" in result.out
    result = videdit(str(clip), *flags, "-o", "out.mp4")
    assert result.code == 0
    assert "nothing will change" not in result.err
    settings = pipeline.calls[0][3]
    assert (settings.expression_from, settings.expression, settings.invert) == (Path("smile.png"), 0.5, "optimize")
    assert videdit(str(clip), *flags, "--expression", "2", "-o", "out.mp4", "--overwrite").code == 2


def test_a_summary_goes_to_stdout_and_progress_to_stderr(videdit: Run, clip: Path, pipeline: Any) -> None:
    result = videdit(str(clip), "--smile", "1", "-o", "out.mp4")
    assert result.out.startswith("out.mp4: smile +1; 1 face in 3 of 3 frames")
    assert "in.mp4: editing 3/3" in result.err
    quiet = videdit(str(clip), "--smile", "1", "-o", "out2.mp4", "-q")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_a_folder_becomes_a_folder(videdit: Run, pipeline: Any) -> None:
    Path("clips").mkdir()
    for name in ("b.mov", "a.mp4", "notes.txt", ".hidden.mp4", "face.PNG"):
        (Path("clips") / name).write_bytes(b"x")
    assert videdit("clips", "--smile", "1", "-o", "new/out").code == 0
    assert [call[1] for call in pipeline.calls] == [Path("new/out") / name for name in ("a.mp4", "b.mov", "face.PNG")]


def test_a_folder_called_like_a_command(videdit: Run, pipeline: Any) -> None:
    Path("models").mkdir()
    Path("models/a.mp4").write_bytes(b"x")
    assert videdit("./models", "--smile", "1", "-o", "out").code == 0
    assert pipeline.calls[0][0] == Path("models/a.mp4")


def test_existing_outputs(videdit: Run, clip: Path, pipeline: Any) -> None:
    Path("out.mp4").write_bytes(b"old")
    refused = videdit(str(clip), "--smile", "1", "-o", "out.mp4")
    assert refused.code == 7
    assert "--overwrite" in refused.err
    assert videdit(str(clip), "--smile", "1", "-o", "out.mp4", "--skip-existing").code == 0
    assert Path("out.mp4").read_bytes() == b"old"
    assert videdit(str(clip), "--smile", "1", "-o", "out.mp4", "--overwrite").code == 0
    assert Path("out.mp4").read_bytes() == b"edited"
    assert pipeline.calls[0][3].overwrite


def test_dry_run_does_nothing(videdit: Run, clip: Path, pipeline: Any) -> None:
    result = videdit(str(clip), "--smile", "1", "-o", "new/", "--dry-run")
    assert result.code == 0
    assert "in.mp4 -> new/in.mp4: smile +1" in result.out
    assert not pipeline.calls
    assert not Path("new").exists()


def test_one_unreadable_input(videdit: Run, clip: Path, pipeline: Any) -> None:
    pipeline.acts["in.mp4"] = fail(UnreadableError("in.mp4 can't be decoded", hint="Is it complete?"))
    result = videdit(str(clip), "--smile", "1", "-o", "out.mp4", "--progress", "none")
    assert result.code == 6
    assert result.err == "videdit: error: in.mp4 can't be decoded\n  Is it complete?\n"


def test_several_inputs_and_one_fails(videdit: Run, clip: Path, pipeline: Any) -> None:
    Path("b.mp4").write_bytes(b"x")
    pipeline.acts["in.mp4"] = fail(UnreadableError("it is damaged"))
    result = videdit(str(clip), "b.mp4", "--smile", "1", "-o", "out", "--report", "r.json")
    assert result.code == 3
    assert "in.mp4: it is damaged" in result.err
    assert "1 of 2 inputs failed" in result.err
    assert Path("out/b.mp4").exists()
    report = json.loads(Path("r.json").read_text())
    assert report["exit_code"] == 3
    assert [entry["status"] for entry in report["files"]] == ["failed", "edited"]
    assert report["edits"] == {"smile": 1.0}
    assert report["pack"]["license"] == "MIT"


def test_nobody_there(videdit: Run, clip: Path, pipeline: Any) -> None:
    Path("b.mp4").write_bytes(b"x")
    pipeline.faceless = {"in.mp4"}
    alone = videdit(str(clip), "--smile", "1", "-o", "out.mp4")
    assert alone.code == 4
    assert Path("out.mp4").exists()
    assert videdit(str(clip), "b.mp4", "--smile", "1", "-o", "some").code == 0
    pipeline.faceless = {"in.mp4", "b.mp4"}
    assert videdit(str(clip), "b.mp4", "--smile", "1", "-o", "none").code == 4


def test_missing_weights_end_the_whole_run(videdit: Run, clip: Path, pipeline: Any) -> None:
    Path("b.mp4").write_bytes(b"x")
    pipeline.acts["b.mp4"] = fail(MissingError("the detector's weights are not installed"))
    assert videdit("b.mp4", str(clip), "--smile", "1", "-o", "out").code == 5
    assert len(pipeline.calls) == 1


def test_a_missing_dependency(videdit: Run, clip: Path, pipeline: Any) -> None:
    pipeline.acts["in.mp4"] = fail(ModuleNotFoundError("No module named 'scipy'", name="scipy"))
    result = videdit(str(clip), "--smile", "1", "-o", "out.mp4")
    assert result.code == 5
    assert "a dependency is missing: scipy" in result.err


def test_an_interrupt(videdit: Run, clip: Path, pipeline: Any) -> None:
    pipeline.acts["in.mp4"] = fail(KeyboardInterrupt())
    result = videdit(str(clip), "--smile", "1", "-o", "out.mp4")
    assert result.code == 130
    assert "Traceback" not in result.err
    assert f"videdit {clip} --smile 1 -o out.mp4" in result.err, "the command that goes on"


def test_a_run_that_was_cut_short_leaves_what_is_done(videdit: Run, clip: Path, pipeline: Any) -> None:
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        Path(name).write_bytes(clip.read_bytes())
    words = ("a.mp4", "b.mp4", "c.mp4", "--smile", "1", "-o", "out/")
    pipeline.acts["c.mp4"] = fail(KeyboardInterrupt())
    assert videdit(*words).code == 130
    assert videdit("a.mp4", "b.mp4", "c.mp4", "--smile", "2", "-o", "out/").code == 7, "another edit is not what was done"
    del pipeline.acts["c.mp4"]
    before = len(pipeline.calls)
    again = videdit(*words)
    assert again.code == 0
    assert [Path(call[0]).name for call in pipeline.calls[before:]] == ["c.mp4"]
    assert "2 of 3 are done" in again.err
    assert videdit(*words).code == 7, "nothing is left of the run: what is there is there"


def test_our_bug_shows_no_traceback_unless_asked(videdit: Run, clip: Path, pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.acts["in.mp4"] = fail(RuntimeError("index out of range"))
    result = videdit(str(clip), "--smile", "1", "-o", "out.mp4")
    assert result.code == 1
    assert "Traceback" not in result.err
    assert "RuntimeError: index out of range" in result.err
    monkeypatch.setenv("VIDEDIT_DEBUG", "1")
    assert "Traceback" in videdit(str(clip), "--smile", "1", "-o", "out.mp4").err


def test_presets(videdit: Run, clip: Path, pipeline: Any) -> None:
    Path("p.toml").write_text('smooth = 0.2\nface = "all"\n[attributes]\nsmile = 0.5\nyoung = 1\n')
    assert videdit(str(clip), "--config", "p.toml", "--age", "2", "--smooth", "0.3", "-o", "out.mp4").code == 0
    _, _, strengths, settings = pipeline.calls[0]
    assert strengths == {"smile": 0.5, "age": 2.0}
    assert (settings.smooth, settings.face) == (0.3, "all")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("smoth = 1", "no setting 'smoth'"),
        ("smooth = 'much'", "--smooth can't be 'much'"),
        ("[attributes]\ntail = 1", "no attribute 'tail'"),
        ("[attributes]\nsmile = 9", "from -3 to +3"),
        ("attributes = 3", "not a table"),
        ("smooth = ", "can't be read as a preset"),
    ],
)
def test_a_wrong_preset(videdit: Run, clip: Path, pipeline: Any, text: str, words: str) -> None:
    Path("p.toml").write_text(text)
    result = videdit(str(clip), "--config", "p.toml", "-o", "out.mp4")
    assert result.code == 2
    assert words in result.err


def test_shipped_presets_are_listed_and_fit_the_pack(videdit: Run, clip: Path, pipeline: Any) -> None:
    listed = videdit("--config", "list").out.splitlines()
    assert listed
    for number, line in enumerate(listed):
        name, _, words = line.partition(" ")
        assert words.strip(), f"{name} does not say what it is for"
        assert videdit(str(clip), "--config", name, "-o", f"{number}.mp4").code == 0


def test_help_is_quick_and_light() -> None:
    heavy = "{'torch', 'cv2', 'av', 'numpy'} & set(sys.modules)"
    shown = f"print(time.process_time(), sorted({heavy}), file=sys.stderr)"
    code = f"import sys, time; from videdit.cli.main import main; main(['--help']); {shown}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "100"})
    seconds, modules = done.stderr.strip().split(" ", 1)
    assert modules == "[]"
    assert "--smooth" in done.stdout
    assert float(seconds) < 1.0  # of the processor, 0.2 s; by the clock a busy machine takes any time


def test_version(videdit: Run) -> None:
    from videdit import __version__

    assert videdit("--version").out == f"videdit {__version__}\n"


def test_help_lists_the_packs_attributes(videdit: Run) -> None:
    out = videdit("--help").out
    assert "--eyeglasses S" in out
    assert "--lock NAMES" in out
