"""Strength over time: keyframes, how they are written, and the window an edit acts in."""

from __future__ import annotations

import numpy as np
import pytest

from videdit.checks import check_strength
from videdit.config import Settings
from videdit.curves import ALWAYS, RAMP, Curve, FrameNumber, Window, bound, extremes, parse_curve, parse_time
from videdit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "curve"),
    [
        ("0s:0 2s:+0.5 4s:0", Curve((0, 2, 4), (0, 0.5, 0))),
        ("0s:-1 2.5s:1e-1 ease", Curve((0, 2.5), (-1, 0.1), ease=True)),
        ("1:02.5:-.5", Curve((62.5,), (-0.5,))),
        ("0:30:1 1:00:00:-3", Curve((30, 3600), (1, -3))),
        ("12f:0 96f:+1", Curve((FrameNumber(12), FrameNumber(96)), (0, 1))),
        ("1s:1  30f:0\t", Curve((1, FrameNumber(30)), (1, 0))),
    ],
)
def test_curves_are_read_as_written_and_written_as_read(text: str, curve: Curve) -> None:
    assert parse_curve(text) == curve
    assert [type(time) for time in parse_curve(text).times] == [type(time) for time in curve.times]
    assert parse_curve(str(curve)) == curve


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0s:0 2s", "'2s' is not TIME:STRENGTH"),
        ("0s:0 1s:much", "'much' is no strength"),
        ("0s:nan", "'nan' is no strength"),
        ("0s:inf", "'inf' is no strength"),
        ("0:0 2:1", "'0' is no time (2s, 2.5s, 1:02.5 or 96f)"),  # 1:30 could be a time without a strength
        ("-1s:0", "'-1s' is no time"),
        ("٣s:1", "is no time"),
        ("2s:0 1s:1", "times must increase, and 1s follows 2s"),
        ("1s:0 1s:1", "times must increase"),
        ("9f:0 8f:1", "times must increase, and 8f follows 9f"),
        ("ease", "0 times"),
    ],
)
def test_what_is_no_curve_is_said_in_one_line(text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_curve(text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", ["0s:0 2s:4", "0s:-3.01", Curve((0,), (9,)), "4", float("nan"), None, [1, 2], True, "@a.csv", "0s:0 x:1"])
def test_strengths_stay_in_their_range(value: object) -> None:
    with pytest.raises(UsageError, match=r"--smile can't be") as error:
        check_strength("--smile", value)
    assert "from -3 to +3" in error.value.hint


def test_numbers_and_words_are_strengths_too() -> None:
    assert check_strength("--smile", 1) == check_strength("--smile", "1") == 1.0
    assert check_strength("--smile", "0s:3 2s:-3") == Curve((0, 2), (3, -3))


def test_lines_between_keyframes_and_held_ends() -> None:
    curve = Curve((1, 2, 4), (-1, 0.3, 0))
    times = np.array([0, 1, 1.5, 2, 3, 4, 9])
    np.testing.assert_allclose(curve.at(times), [-1, -1, -0.35, 0.3, 0.15, 0, 0], atol=1e-12)
    assert np.array_equal(curve.at(np.array([1, 2, 4])), [-1, 0.3, 0]), "keyframes are exact"
    assert curve.at(np.array([])).shape == (0,)
    assert np.array_equal(Curve((5,), (0.7,)).at(times), np.full(7, 0.7))
    assert not Curve((0, 1, 2), (0, 0, 1)).at(np.linspace(0, 1, 50)).any(), "between two zeros it is zero, to the bit"


def test_ease_leaves_and_arrives_slowly_and_stays_between() -> None:
    smooth, straight = (Curve((0, 1), (-0.5, 1.5), ease).at(np.linspace(0, 1, 101)) for ease in (True, False))
    assert smooth[0] == straight[0] == -0.5
    assert smooth[-1] == straight[-1] == 1.5
    assert (np.diff(smooth) > 0).all()
    slopes = np.diff(smooth) / np.diff(straight)
    assert slopes[0] < 0.1 > slopes[-1]
    assert 1.4 < slopes.max() < 1.6


def test_frames_become_seconds_once_the_clip_is_known() -> None:
    times = [0.0, 0.5, 2.0, 3.0]
    curve = parse_curve("1f:0 2f:1 5f:0")
    assert curve.bound(times).times == (0.5, 2.0, 5.0)  # beyond the clip: at its mean rate of a frame a second
    with pytest.raises(UsageError, match="counts frames"):
        curve.at(np.zeros(1))
    with pytest.raises(UsageError, match=r"--smile can't be .* in this clip: times must increase"):
        bound({"smile": parse_curve("2f:0 1s:1")}, ALWAYS, lambda: times)
    asked = {"smile": curve, "age": 0.5}
    assert bound(asked, Window(FrameNumber(1), 9.0), lambda: times) == ({"smile": curve.bound(times), "age": 0.5}, Window(0.5, 9.0))

    def never() -> list[float]:
        raise AssertionError("nothing counts frames")

    assert bound({"age": 0.5}, Window(1.0), never) == ({"age": 0.5}, Window(1.0))


def test_arithmetic() -> None:
    curve = Curve((0, 1), (-1, 0.5))
    assert -1 * curve == curve * -1 == Curve((0, 1), (1, -0.5))
    assert 0.5 + curve == Curve((0, 1), (-0.5, 1))
    with pytest.raises(UsageError, match="two names"):
        curve + curve
    assert curve
    assert not Curve((0, 1), (0, 0))
    assert (extremes(curve), extremes(Curve((0,), (0.0,))), extremes(-2.0), extremes(0.0)) == ([-1, 0.5], [], [-2.0], [])


def test_in_a_line_a_long_curve_is_short() -> None:
    long = Curve(tuple(range(100)), tuple(i / 100 for i in range(100)))
    assert f"{long:+g}" == "0s:0 1s:+0.01 ... 99s:+0.99 (100 keyframes)"
    assert f"{parse_curve('0s:0 96f:+1 ease'):+g}" == "0s:0 96f:+1 ease"
    assert parse_curve(str(long)) == long


def test_a_window_is_nothing_outside_and_all_inside() -> None:
    window = Window(1.0, 3.5)
    times = np.array([0, 1.0, 1 + RAMP / 2, 1 + RAMP, 2, 3.5 - RAMP, 3.5, 9])
    np.testing.assert_allclose(window.at(times), [0, 0, 0.5, 1, 1, 1, 0, 0], atol=1e-9)
    assert (window.at(times)[[0, 1, 6, 7]] == 0).all()
    assert Window(1.0, 1.1).at(np.array([1.05]))[0] == pytest.approx(1), "a short one has short ramps"
    assert np.array_equal(Window(None, 1.0).at(np.array([0, 0.5, 1.0])), [1, 1, 0])
    assert not ALWAYS
    assert str(window) == "from 1s to 3.5s"


def test_settings_hold_times() -> None:
    settings = Settings(from_="0:01.5", to="96f")  # type: ignore[arg-type]
    assert settings.window == Window(1.5, FrameNumber(96))
    assert Settings(from_=2, to=1e16).window == Window(2.0, 1e16)
    assert Settings(from_=1e-5).window == Window(1e-5)
    assert Settings(to=FrameNumber(3)).window == Window(None, FrameNumber(3))
    for wrong in ("soon", "-1s", float("nan"), float("inf"), "1e999", True, ""):
        with pytest.raises(UsageError, match="--from can't be"):
            Settings(from_=wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--to 1s is not after --from 2s"):
        Settings(from_=2.0, to=1.0)


def test_times_in_words() -> None:
    assert [parse_time(text) for text in ("3.2s", "3.2", ".5", "1:02.5", "1:00:01")] == [3.2, 3.2, 0.5, 62.5, 3601]
    assert parse_time("96f") == FrameNumber(96)
    assert isinstance(parse_time("96f"), FrameNumber)
    assert str(FrameNumber(96)) == f"{FrameNumber(96)}" == "96f"
