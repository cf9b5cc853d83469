"""Measuring a move: +1.0 is the wanted change of score."""

import numpy as np
import pytest

from videdit.train.measure import APART, FARTHER, STEPS, Sitters, calibrate, deviation, limits, measure, reach, still

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
    distance, reached = calibrate(studio, axis, w, 0, wanted=64.0, guess=4.0)  # type: ignore[arg-type]
    assert distance == pytest.approx(4.0 * STEPS[-1])
    assert reached == pytest.approx(4.0 * STEPS[-1] / 64.0)
    measured = measure(studio, "x", axis, w, 0, 9.0, 6.0)  # type: ignore[arg-type]
    assert measured.changed == 1.0
    assert measured.kept == 1.0
    assert measured.seen == pytest.approx(1.0)


def test_away_from_an_attribute_is_measured_on_faces_that_have_it() -> None:
    studio = LinearStudio(np.eye(6))
    axis, w = np.zeros((2, 3)), studio.seen(rng.normal(size=(20, 2, 3)) + 5)
    axis[0, 0] = 1.0
    measured = measure(studio, "x", axis, w, 0, 9.0, 6.0, sign=-1)  # type: ignore[arg-type]
    assert measured.distance == pytest.approx(9.0)
    assert measured.changed == 1.0
    assert measured.reached == pytest.approx(1.0)
    assert measure(studio, "x", axis, w, 0, 9.0, 6.0, sign=-1, limit=2.0).distance == pytest.approx(2.0)  # type: ignore[arg-type]


def test_no_move_goes_farther_than_landmarks_and_real_latents_lie_apart() -> None:
    axis, points_map = np.zeros((1, 2, 3)), np.zeros((4, 2, 2, 3))
    axis[0, 0, 0], points_map[:, 0, 0, 0] = 1.0, 0.01
    w = rng.normal(size=(500, 2, 3))
    assert deviation(w) == pytest.approx(np.sqrt(6), rel=0.1)
    assert limits(axis, np.array([1.0]), points_map, 10.0)[0] == pytest.approx(APART * 10)
    assert limits(axis, np.array([0.0]), points_map, 1e9)[0] == pytest.approx(FARTHER * 0.005 / 0.01)
    assert limits(3 * axis, np.array([1.0]), points_map, 10.0)[0] == pytest.approx(APART * 10 / 3)


def test_a_still_axis_moves_no_landmarks_and_keeps_the_rest() -> None:
    points_map, axes = rng.normal(size=(5, 2, 4, 6)), rng.normal(size=(3, 4, 6))
    calm = still(axes, points_map)
    assert (reach(calm, points_map) < 0.01 * reach(axes, points_map)).all()
    rows = points_map.reshape(10, 24)
    free = np.eye(24) - np.linalg.pinv(rows) @ rows  # what moves nothing
    np.testing.assert_allclose(calm.reshape(3, 24) @ free, axes.reshape(3, 24) @ free, atol=1e-9)
