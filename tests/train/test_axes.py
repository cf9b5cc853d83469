"""Axes: the regression does not drag correlated labels along; +1.0 is the wanted change of score."""

import numpy as np
import pytest

from videdit.train.axes import STEPS, Sitters, calibrate, measure, restricted, slopes, tlgan, unit

rng = np.random.default_rng(0)


class LinearStudio:
    """Scores are linear in the latents: attribute k's logit is w @ taps[k]."""

    def __init__(self, taps: np.ndarray) -> None:
        self.taps = taps

    def scores(self, w: np.ndarray) -> np.ndarray:
        return w.reshape(len(w), -1) @ self.taps.T

    def seen(self, w: np.ndarray) -> Sitters:
        return Sitters(w, self.scores(w), np.ones((len(w), 1)), w)


def test_a_slope_leaves_correlated_labels_alone() -> None:
    male = rng.integers(0, 2, 4000)
    beard = male * rng.integers(0, 2, 4000)
    true = rng.normal(size=(2, 12))
    w = np.stack([male, beard], 1) @ true + 0.1 * rng.normal(size=(4000, 12))
    found = slopes(np.stack([male, beard], 1).astype(float), w)
    np.testing.assert_allclose(found, true, atol=0.05)


def test_tlgan_finds_the_direction_of_a_linear_score() -> None:
    taps, w = rng.normal(size=(3, 10)), rng.normal(size=(3000, 10))
    found = tlgan(w, w @ taps.T)
    for a, b in zip(found, taps, strict=True):
        assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.98


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


def test_axes_can_be_confined_to_layers() -> None:
    axes = {"labels": rng.normal(size=(2, 4, 3))}
    tried = dict(restricted(axes, [range(1, 3)]))
    assert list(tried) == ["labels", "labels 1-2"]
    assert not tried["labels 1-2"][:, [0, 3]].any()
    np.testing.assert_allclose(np.linalg.norm(unit(axes["labels"]).reshape(2, -1), axis=1), 1.0)
