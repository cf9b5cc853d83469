"""Measuring a move: +1.0 is the wanted change of score."""

import numpy as np
import pytest

from videdit.train.measure import STEPS, Sitters, calibrate, measure

rng = np.random.default_rng(0)


class LinearStudio:
    """Scores are linear in the latents: attribute k's logit is w @ taps[k]."""

    def __init__(self, taps: np.ndarray) -> None:
        self.taps = taps

    def scores(self, w: np.ndarray) -> np.ndarray:
        return w.reshape(len(w), -1) @ self.taps.T

    def seen(self, w: np.ndarray) -> Sitters:
        return Sitters(w, self.scores(w), np.ones((len(w), 1)), w)


def test_one_is_the_wanted_change_of_the_median_score() -> None:
    studio = LinearStudio(np.eye(6))
    axis, w = np.zeros((2, 3)), studio.seen(rng.normal(size=(20, 2, 3)))
    axis[0, 0] = 1.0
    distance, reached = calibrate(studio, axis, w, 0, wanted=3.0, guess=4.0)  # type: ignore[arg-type]
    assert distance == pytest.approx(3.0)
    assert reached == 1.0
    distance, reached = calibrate(studio, axis, w, 0, wanted=19.2, guess=4.0)  # type: ignore[arg-type]
    assert distance == pytest.approx(4.0 * STEPS[-1])
    assert reached == pytest.approx(4.0 * STEPS[-1] / 19.2)
    measured = measure(studio, "x", axis, w, 0, 9.0, 6.0)  # type: ignore[arg-type]
    assert measured.changed == 1.0
    assert measured.kept == 1.0
    assert measured.seen == pytest.approx(1.0)
