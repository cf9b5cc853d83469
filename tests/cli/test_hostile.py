"""What files and folders are called and how they are laid out must not act on the terminal, nor end in a bug."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import videdit
from videdit.checks import check, check_strength
from videdit.cli.main import main
from videdit.cli.presets import read_preset
from videdit.cli.say import note, say, shown, tell
from videdit.config import option
from videdit.errors import UnreadableError, UsageError


def test_what_would_act_is_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\nb\x1b[2J\u202egnp\udcff 'é\u200d\".mp4"
    safe = r"a\nb\x1b[2J\u202egnp\xff 'é" + '\u200d".mp4'
    assert shown(name) == safe
    tell(UnreadableError(f"{name} is no clip", hint=name))
    note(name)
    say(f"{shown(name)}\nsecond")
    said = capsys.readouterr()
    assert said.err == f"videdit: error: {safe} is no clip\n  {safe}\nvidedit: {safe}\n"
    assert said.out == f"{safe}\nsecond\n"


@pytest.mark.parametrize("name", ["x" * 300 + ".mp4", "loop.mp4", "loop/in.mp4", "a\nb.mp4"])
def test_paths_that_can_not_be(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop.mp4").symlink_to("loop.mp4")
    Path("loop").symlink_to("loop")
    assert main([name, "--smile", "1", "-o", "out.mp4"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("videdit: error: ")
    assert len(lines) <= 2


def test_an_output_that_is_a_link_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out.mp4").symlink_to("out.mp4")
    Path("in.mp4").write_bytes(b"text")
    assert main(["in.mp4", "--smile", "1", "-o", "out.mp4", "--dry-run"]) == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("in.mp4")
    assert main(["in.mp4", "--smile", "1", "-o", "out.mp4", "--dry-run"]) == 0


@pytest.mark.parametrize("value", [10**400, -(10**400), "1e999", float("inf")])
def test_numbers_without_measure(value: object) -> None:
    for name in ("smooth", "crf"):
        with pytest.raises(UsageError):
            check(option(name), value)
    with pytest.raises(UsageError):
        check_strength("--smile", value)


@pytest.mark.parametrize(
    "text", ["smooth = " + "9" * 5000, "lock = [1, 2]", "lock = 3", "a = " + "[" * 3000, '[attributes]\nsmile = "@\\u0000"', "\ud800"]
)
def test_presets_of_any_kind(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageError):
        read_preset(str(tmp_path / "p.toml"))


@pytest.mark.parametrize("data", [b"", b"text", b"\x89PNG\r\n\x1a\nrest"])
def test_a_file_is_looked_at_before_torch_is_imported(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "in.png").write_bytes(data)
    code = (
        "import sys; from videdit.cli.main import main; "
        "print(main(['in.png', '--smile', '1', '-o', 'out.png']), 'torch' in sys.modules, 'videdit.video.probe' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(videdit.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["6", "False", "True"], done.stderr
    assert done.stderr.startswith("videdit: error: in.png")
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]
