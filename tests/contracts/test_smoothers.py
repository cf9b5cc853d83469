"""What every entry of smooth.METHODS promises."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from videdit.config import option
from videdit.smooth import METHODS, reach, trust

EVEN = np.arange(60) / 30.0
UNEVEN = np.cumsum(np.random.default_rng(3).uniform(0.01, 0.09, 60))
ALL = np.ones(60, bool)
NOISE = np.random.default_rng(5).normal(size=(60, 4))
SYMMETRIC = [name for name, method in METHODS.items() if not method.causal]
CAUSAL = [name for name, method in METHODS.items() if method.causal]
each = pytest.mark.parametrize("name", METHODS)
clocks = pytest.mark.parametrize("times", [EVEN, UNEVEN], ids=["even", "uneven"])


def smooth(name: str, values: np.ndarray, times: np.ndarray = EVEN, seconds: float = 0.12, **how: object) -> np.ndarray:
    """By a method, everything valid unless said otherwise."""
    valid = how.pop("valid", np.ones(len(times), bool))
    return METHODS[name].smooth(values, times, valid, seconds, **how)  # type: ignore[arg-type]


def test_the_flag_offers_each() -> None:
    assert option("smoother").choices == tuple(METHODS)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_shape_dtype_and_its_input(name: str, dtype: type) -> None:
    values = NOISE.reshape(60, 2, 2).astype(dtype)
    before = values.copy()
    out = smooth(name, values, UNEVEN)
    assert (out.shape, out.dtype) == (values.shape, dtype)
    assert np.array_equal(values, before)


@each
@clocks
def test_a_constant_comes_back_to_the_bit(name: str, times: np.ndarray) -> None:
    values = np.full((60, 3, 2), 0.1234567, np.float32)
    weights = np.random.default_rng(1).uniform(size=60)
    assert np.array_equal(smooth(name, values, times), values)
    assert np.array_equal(smooth(name, values, times, weights=weights), values)


@pytest.mark.parametrize("name", SYMMETRIC)
@clocks
def test_reversed_in_time_gives_the_result_reversed(name: str, times: np.ndarray) -> None:
    valid = np.random.default_rng(6).uniform(size=60) > 0.1
    weights = np.random.default_rng(7).uniform(size=60)
    forward = smooth(name, NOISE, times, valid=valid, weights=weights)
    backward = smooth(name, NOISE[::-1], -times[::-1], valid=valid[::-1], weights=weights[::-1])
    np.testing.assert_allclose(forward, backward[::-1], atol=1e-9)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_a_step_is_passed_halfway_when_it_happens(name: str) -> None:
    step = (np.arange(60) > 29.5).astype(float)[:, None]
    out = smooth(name, step)[:, 0]
    assert out[29] + out[30] == pytest.approx(1.0, abs=1e-6)
    assert 0.2 < out[29] < 0.5 < out[30] < 0.8


@pytest.mark.parametrize("name", CAUSAL)
def test_the_future_does_not_change_the_past(name: str) -> None:
    other = NOISE.copy()
    other[30:] += 9
    assert np.array_equal(smooth(name, NOISE)[:30], smooth(name, other)[:30])


@each
@clocks
def test_never_looks_across_a_gap(name: str, times: np.ndarray) -> None:
    valid, other = ALL.copy(), NOISE.copy()
    valid[30:33] = False
    other[33:] += 100
    a, b = (smooth(name, values, times, 0.2, valid=valid) for values in (NOISE, other))
    assert np.array_equal(a[:33], b[:33])
    assert np.array_equal(a[30:33], NOISE[30:33])
    np.testing.assert_allclose(a[33:] + 100, b[33:], atol=1e-9)


@each
def test_calms_noise_about_as_a_gaussian_of_as_many_seconds(name: str) -> None:
    noise = np.random.default_rng(8).normal(size=(600, 3))
    out = smooth(name, noise, np.arange(600) / 30)[60:-60]
    assert out.std() < (0.35 if name in SYMMETRIC else 0.6) * noise.std()
    assert np.diff(out, axis=0).std() < np.diff(noise, axis=0).std() / (10 if name in SYMMETRIC else 3)


@each
def test_the_window_is_in_seconds(name: str) -> None:
    """A ripple of 4 Hz is damped alike at 25 and at 60 frames a second."""
    left = []
    for rate in (25, 60):
        times = np.arange(4 * rate) / rate
        out = smooth(name, np.cos(2 * np.pi * 4 * times)[:, None], times, 0.08)
        left.append(np.ptp(out[rate:-rate]) / 2)
    assert left[0] == pytest.approx(left[1], rel=0.3, abs=0.03)


@each
def test_a_part_equals_the_same_rows_of_the_whole(name: str) -> None:
    """To the bit, but for the low-pass, whose filter remembers a little of what lies beyond its reach."""
    whole = smooth(name, NOISE, UNEVEN, 0.08)
    part = smooth(name, NOISE, UNEVEN, 0.08, start=20, stop=31)
    np.testing.assert_allclose(part, whole[20:31], atol=0.03 if name == "lowpass" else 1e-3 if name in CAUSAL else 1e-12)


@each
def test_what_has_no_weight_has_no_influence(name: str) -> None:
    values, weights = np.zeros((60, 1)), np.ones(60)
    values[30], weights[30] = 100.0, 0.0
    np.testing.assert_allclose(smooth(name, values, UNEVEN, weights=weights), 0, atol=1e-9)


@each
def test_the_surer_sample_counts_for_more(name: str) -> None:
    values, weights = np.zeros((60, 1)), np.ones(60)
    values[30], weights[30] = 1.0, 0.3
    assert 0 < smooth(name, values, weights=weights)[30, 0] < smooth(name, values)[30, 0]


@each
@clocks
@pytest.mark.parametrize("where", [0, 1, 12, 30, 58, 59])
def test_a_misplaced_frame_does_not_bend_its_neighbours(name: str, times: np.ndarray, where: int) -> None:
    moving = np.sin(3 * times)[:, None] * [1.0, 2.0, -1.0] + 0.01 * NOISE[:, :3]
    bent = moving.copy()
    bent[where] += [5.0, -8.0, 3.0]
    clean = smooth(name, moving, times, 0.06, weights=trust(moving, times, ALL))
    out = smooth(name, bent, times, 0.06, weights=trust(bent, times, ALL))
    others = np.arange(60) != where
    assert np.abs(out - clean).max() < 0.35  # of 8; the frame itself is put back to where its neighbours say
    if where < 58:
        assert np.abs(smooth(name, bent, times, 0.06) - clean)[others].max() > 0.4, "without doubt it would bend them"


@each
def test_short_stretches(name: str) -> None:
    for count in (1, 2, 3):
        out = smooth(name, NOISE[:count], UNEVEN[:count])
        assert np.isfinite(out).all()
        assert np.abs(out - NOISE[:count].mean(0)).max() <= np.ptp(NOISE[:count], axis=0).max() + 1e-9


@each
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("ticks", [[0] * 9, [0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 1, 2, 2, 3, 4, 5, 6, 7]])
def test_frames_at_the_same_time(name: str, ticks: list[int]) -> None:
    """As in a damaged file, whose frames last no time."""
    times, valid = np.array(ticks) / 25.0, np.arange(9) != 3
    weights = trust(NOISE[:9], times, np.ones(9, bool))
    for weighed in (None, weights, np.array([1, 1, 0.2, 1, 0, 1, 1, 1, 1])):
        for seen in (valid, np.ones(9, bool)):
            out = smooth(name, NOISE[:9], times, valid=seen, weights=weighed)
            assert np.isfinite(out).all()
            assert np.abs(out).max() <= 2 * np.abs(NOISE[:9]).max()


@each
def test_zero_seconds_change_nothing(name: str) -> None:
    assert np.array_equal(smooth(name, NOISE, EVEN, 0.0), NOISE)
    assert reach(-1.0, name) == 0.0


def test_the_default_does_without_scipy() -> None:
    code = (
        "import sys, numpy as np; from videdit.smooth import METHODS;"
        "METHODS['gaussian'].smooth(np.zeros((9, 1)), np.arange(9.0), np.ones(9, bool), 1.0); print('scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
