"""What the default smoothing promises, on a track whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import smoothing
from videdit.config import Settings
from videdit.smooth import METHODS

MADE = smoothing.made_tracks(*smoothing.NOISE)


@pytest.mark.parametrize("twice", [False, True])
def test_the_default_is_calm_in_time_and_keeps_a_smile_a_smile(twice: bool) -> None:
    found = smoothing.on_made(smoothing.smoother(Settings(), twice=twice), *MADE, linear=True)
    assert float(found["calmer"]) > 3
    assert abs(float(found["lag s"])) < 0.1
    assert float(found["rise s"]) < 0.5


@pytest.mark.parametrize("name", METHODS)
def test_no_smoother_is_late_or_noisier_than_none(name: str) -> None:
    found = smoothing.on_made(smoothing.smoother(Settings(smoother=name), twice=False), *MADE, linear=not METHODS[name].causal)
    assert float(found["calmer"]) > 1.5
    assert abs(float(found["lag s"])) < 0.1
    assert float(found["rise s"]) < 0.5


def test_measures_on_tracks_that_are_known() -> None:
    times = np.arange(120) / 30
    ramp = np.clip((times - 2) / 0.5, 0, 1)
    late = np.clip((times - 2.06) / 0.5, 0, 1)
    near = np.abs(times - 2) < 1
    assert smoothing.lag(late, ramp, times, near) == pytest.approx(0.06, abs=0.005)
    assert smoothing.rise(ramp, times, near) == pytest.approx(0.4, abs=0.02)
    noise = np.random.default_rng(0).normal(size=300)
    assert smoothing.calmer(noise / 4 + np.arange(300), noise, 0, 300) == pytest.approx(4.0, abs=0.01)


def test_the_noise_made_is_the_noise_asked_for() -> None:
    _, truth, noisy = smoothing.made_tracks(0.1, 0.6)
    noise = noisy - truth
    assert noise.std() == pytest.approx(0.1, rel=0.05)
    assert (noise[:, 1:] * noise[:, :-1]).mean() / noise.var() == pytest.approx(0.6, abs=0.05)
