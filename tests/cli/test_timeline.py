"""videdit plan: what it says and draws of strengths over time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageColor

from tests.scripted import make_clip
from videdit.cli.plot import BOTTOM, COLORS, HEIGHT, LEFT, RIGHT, SHADE, TOP, WIDTH, apart, nice, plot, ticks
from videdit.cli.timeline import ROWS, Timeline, bars, moments, words
from videdit.curves import ALWAYS, Curve, Window

Run = Callable[..., Any]


@pytest.fixture
def real(videdit: Run) -> str:
    """One second at 24 frames/s."""
    return str(make_clip(Path("in.mp4"), audio=False))


def timeline(window: Window = ALWAYS, **strengths: Any) -> Timeline:
    return Timeline("in.mp4", 0.0, 4.0, strengths, window)


def test_in_words(videdit: Run, real: str) -> None:
    result = videdit("plan", real, "--smile", "0s:0 12f:+0.5 ease", "--young", "1", "--from", "0.25s")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0] == "in.mp4: 0.00 s to 1.00 s"
    assert "acts from 0.25s, comes and goes within 0.2 s" in lines[1]
    assert "smile  0s:0 0.5s:+0.5 ease" in result.out
    assert ["0.50", "s", "+0.50", "-1.00"] in [line.split() for line in lines]
    assert ["0.25", "s", "+0.00", "+0.00"] in [line.split() for line in lines]


def test_people_have_rows_of_their_own(videdit: Run, real: str) -> None:
    result = videdit("plan", real, "--smile", "1", "--person", "2", "--smile", "0s:0 1s:+0.5")
    assert result.code == 0, result.err
    assert ["0.00", "s", "+1.00", "+0.00"] in [line.split() for line in result.out.splitlines()]
    assert "smile of person 2  0s:0 1s:+0.5" in result.out
    assert videdit("plan", real, "--person", "2").code == 2


def test_as_a_plot(videdit: Run, real: str) -> None:
    flags = ["--smile", "0s:0 1s:+0.5", "-o", "plan.png"]
    result = videdit("plan", real, *flags)
    assert (result.code, result.out) == (0, "plan.png\n")
    with Image.open("plan.png") as picture:
        assert picture.size == (WIDTH, HEIGHT)
    assert videdit("plan", real, *flags).code == 7
    assert videdit("plan", real, *flags, "--overwrite", "-q").out == ""


def test_presets_and_tables(videdit: Run, real: str) -> None:
    Path("p.toml").write_text('to = "0.5s"\n[attributes]\nbeard = "0s:1 1s:-1"\n')
    Path("t.csv").write_text("time,smile\n0,0\n1,1\n")
    out = videdit("plan", real, "--config", "p.toml", "--curves", "t.csv").out
    assert "acts to 0.5s" in out
    assert "beard  0s:+1 1s:-1" in out
    assert "smile  0s:0 1s:+1" in out


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["in.mp4"], 2),
        (["none.mp4", "--smile", "1"], 2),
        (["in.mp4", "--smile", "0s:9"], 2),
        (["in.mp4", "--smile", "1", "-o", "plan.mp4"], 2),
        (["in.mp4", "--smile", "1", "-o", "none/plan.png"], 7),
        (["in.mp4", "--smile", "0.5s:0 2f:1"], 2),
        (["broken.mp4", "--smile", "1"], 6),
    ],
)
def test_what_can_not_be_planned(videdit: Run, real: str, argv: list[str], code: int) -> None:
    Path("broken.mp4").write_bytes(b"no clip")
    result = videdit("plan", *argv)
    assert result.code == code
    assert len(result.err.splitlines()) <= 2


def test_the_line_goes_where_the_strength_does() -> None:
    shown = plot(timeline(Window(1.0, 3.0), smile=Curve((0, 2, 4), (0, 1, 0)), age=-0.5)).astype(int)
    assert shown.shape == (HEIGHT, WIDTH, 3)

    def rows_of(color: str, x: int) -> np.ndarray:
        return np.flatnonzero(np.abs(shown[:, x] - ImageColor.getrgb(color)).sum(1) < 90)

    middle, bottom = (LEFT + WIDTH - RIGHT) // 2, HEIGHT - BOTTOM
    smile, age = (rows_of(color, middle).mean() for color in COLORS[:2])
    assert smile == pytest.approx(TOP, abs=4), "the top is +1"
    assert age == pytest.approx(bottom, abs=4), "the bottom is -0.5"
    quarter = (3 * LEFT + WIDTH - RIGHT) // 4 + 30
    assert TOP + 20 < rows_of(COLORS[0], quarter).mean() < bottom - 20
    zero = TOP + (bottom - TOP) * 2 / 3
    assert rows_of(COLORS[1], LEFT + 40).mean() == pytest.approx(zero, abs=4), "before --from there is nothing"
    shade = (np.abs(shown - ImageColor.getrgb(SHADE)).sum(2) < 6)[TOP + 10]
    assert pytest.approx(np.flatnonzero(shade).min(), abs=3) == LEFT + (WIDTH - LEFT - RIGHT) / 4
    assert pytest.approx(np.flatnonzero(shade).max(), abs=3) == LEFT + (WIDTH - LEFT - RIGHT) * 3 / 4
    assert [(np.abs(shown[:, WIDTH - RIGHT + 16 :] - ImageColor.getrgb(c)).sum(2) < 60).any() for c in COLORS[:3]] == [True, True, False]


def test_many_attributes_and_none_that_moves() -> None:
    plot(timeline(**{f"a{i}": 0.1 for i in range(30)}))
    plot(Timeline("face.png", 0.0, 0.0, {"smile": 0.0}, ALWAYS))


def test_many_keyframes_make_a_short_table() -> None:
    curve = Curve(tuple(i / 100 for i in range(300)), tuple(np.sin(np.arange(300) / 9)))
    assert len(moments(timeline(smile=curve))) == ROWS
    lines = words(timeline(smile=curve))
    assert len(lines) < 2 * ROWS
    assert max(map(len, lines)) < 120
    assert bars(np.array([0.0, 1.0, -0.5])) == ["+ | █ |", "- |  ▄|"]
    assert bars(np.zeros(3)) == []


def test_nice_figures() -> None:
    assert [nice(step) for step in (0.25, 0.5, 0.031, 7, 3)] == pytest.approx([0.5, 0.5, 0.05, 10, 5])
    assert ticks(-0.5, 1.0, 0.5) == [-0.5, 0.0, 0.5, 1.0]
    assert apart([10, 11, 90], 5, low=0, high=92) == [10, 15, 90]
    assert apart([89, 90, 91], 5, low=0, high=92) == [82, 87, 92]
