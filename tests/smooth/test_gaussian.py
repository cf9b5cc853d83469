"""The Gaussian, gaps and fades; what every smoother promises is in contracts/."""

import numpy as np
import pytest

from videdit.smooth import bridge, fade, gaussian, reach
from videdit.smooth.gaussian import runs

rng = np.random.default_rng(5)
UNEVEN = np.cumsum(rng.uniform(0.01, 0.09, 60))


def test_a_gap_is_never_crossed() -> None:
    values = np.concatenate([np.zeros(20), [7.0], np.ones(20)])[:, None]
    valid = np.ones(41, bool)
    valid[20] = False
    out = gaussian(values, np.arange(41) / 30, valid, 0.2)
    assert np.array_equal(out, values)


def test_the_window_is_in_seconds() -> None:
    """A ripple of 5 Hz is damped alike at 30 and at 60 frames a second."""
    damped = []
    for rate in (30, 60):
        times = np.arange(4 * rate) / rate
        wave = np.cos(2 * np.pi * 5 * times)
        out = gaussian(wave[:, None], times, np.ones(len(times), bool), 0.06)[:, 0]
        damped.append(np.abs(out[rate:-rate]).max())
    assert damped[0] == pytest.approx(damped[1], rel=0.05)
    assert damped[0] < 0.3


def test_a_part_equals_the_same_rows_of_the_whole() -> None:
    values, valid = rng.normal(size=(60, 2)), np.ones(60, bool)
    whole = gaussian(values, UNEVEN, valid, 0.1)
    assert np.array_equal(gaussian(values, UNEVEN, valid, 0.1, start=20, stop=31), whole[20:31])


def test_weights_say_whom_to_trust() -> None:
    values = np.zeros((21, 1))
    values[10] = 1.0
    weights = np.ones(21)
    weights[10] = 0.0
    out = gaussian(values, np.arange(21) / 30, np.ones(21, bool), 0.1, weights=weights)
    assert np.allclose(out, 0.0)


def test_zero_seconds_change_nothing() -> None:
    values = rng.normal(size=(9, 2))
    assert np.array_equal(gaussian(values, np.arange(9.0), np.ones(9, bool), 0.0), values)
    assert reach(-1.0) == 0.0


def test_runs() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.zeros(3, bool)) == []


def test_an_edit_fades_beside_gaps_but_not_at_the_ends_of_the_clip() -> None:
    times = np.arange(60) / 30
    valid = np.ones(60, bool)
    valid[30:40] = False
    share = fade(times, valid, open_start=True, open_end=True)
    assert share[0] == share[-1] == 1.0
    assert not share[30:40].any()
    assert 0 < share[29] < share[27] < share[24] <= 1.0
    np.testing.assert_allclose(share[29], share[40], atol=1e-6)
    closed = fade(times, np.ones(60, bool))
    assert 0 < closed[0] < 0.2
    assert closed[30] == 1.0
    np.testing.assert_allclose(closed, closed[::-1], atol=1e-6)


def test_a_blink_of_the_detector_is_bridged() -> None:
    valid = np.ones(20, bool)
    valid[5] = valid[10:16] = False
    out = bridge(np.arange(20) / 30, valid)
    assert out[5]
    assert not out[10:16].any()
