"""benchmarks/: what can be checked without other people's weights and without ../shared."""

from __future__ import annotations

import tomllib
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks import speed
from benchmarks.__main__ import OWN_CLIP, edit_of, main, parser
from benchmarks.quality import write_strip
from videdit.errors import UsageError
from videdit.quality.judge import FOLDER, load_judge


def test_the_judge_is_small_and_says_what_it_may_be_used_for() -> None:
    notes = tomllib.loads((FOLDER / "judge.toml").read_text())
    assert notes["license"] == "non-commercial-research"
    assert notes["trained_on"]
    assert len(notes["attributes"]) == 40
    assert (FOLDER / "judge.safetensors").stat().st_size < 2 << 20


def test_the_judge_gives_probabilities_for_any_size() -> None:
    judge, names = load_judge()
    grey = np.full((2, 128, 128, 3), 128, np.uint8)
    scores = judge.judge(grey)
    assert scores.shape == (2, len(names))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert judge.judge(grey[:0]).shape == (0, 40)


def test_edits_on_the_command_line() -> None:
    assert edit_of("smile=-1") == {"smile": -1.0}
    assert edit_of("smile=0.5,mouth-open=1") == {"smile": 0.5, "mouth-open": 1.0}
    with pytest.raises(UsageError):
        edit_of("smile")
    assert parser().parse_args(["speed", "--json"]).json == "-"


def test_a_missing_pack_is_an_error_with_a_hint(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["quality", "--pack", str(tmp_path / "nowhere")]) == 5
    assert "nowhere" in capsys.readouterr().err


def test_clips_for_the_speed_are_scaled_and_repeated(tmp_path: Path) -> None:
    speed.make_clip(OWN_CLIP, tmp_path / "c.mp4", 90, 150)
    with av.open(str(tmp_path / "c.mp4")) as video:
        frames = [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]
    assert len(frames) == 150
    assert frames[0].shape == (90, 160)


def test_copying_alone(tmp_path: Path) -> None:
    speed.make_clip(OWN_CLIP, tmp_path / "c.mp4", 90, 6)
    found = speed.copy(str(tmp_path / "c.mp4"), str(tmp_path / "o.mp4"))
    assert found["frames"] == 6
    line = speed.row("90p", "decode + encode", 3.0, found)
    assert line["frames/s"] == 2.0
    assert line["decode ms"] > 0  # type: ignore[operator]
    assert line["faces ms"] is None


def test_a_second_run_is_compared_with_the_first() -> None:
    found = {"frames": 10, "wall": 1.5, "peak_memory": 3 << 20, "seconds": {"load": 0.1, "encode": 0.05}}
    line = speed.row("90p", "second", 2.0, found, first=3.0)
    assert (line["times the first"], line["start + end s"], line["encode ms"], line["peak MB"]) == ("1.50", 0.6, 5.0, 3)


def test_strip(tmp_path: Path) -> None:
    pictures = [(np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8))] * 4
    write_strip(tmp_path / "a" / "s.png", pictures, np.array([False, True, True, False]))
    assert (tmp_path / "a" / "s.png").exists()
