"""Axes: linear, reversible, calibrated, and blind to what is locked."""

from dataclasses import dataclass

import numpy as np
import pytest

from videdit.edit.axes import apply, disentangle
from videdit.errors import UsageError


@dataclass
class Axes:
    order: tuple[str, ...]
    directions: np.ndarray
    distance: np.ndarray


@dataclass
class Parts:
    """A pack that has axes only."""

    known: Axes

    def axes(self) -> Axes:
        return self.known

    def has(self, name: str) -> bool:
        return False

    def loaded(self, name: str) -> None:
        raise AssertionError(f"axes need no {name}")


@pytest.fixture
def axes() -> Axes:
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(4, 6, 5))
    directions[1] += directions[0]
    directions /= np.linalg.norm(directions.reshape(4, -1), axis=1)[:, None, None]
    return Axes(("Smiling", "Male", "Young", "Eyeglasses"), directions.astype(np.float32), np.array([2.0, 3.0, 4.0, 5.0], np.float32))


@pytest.fixture
def w() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(7, 6, 5)).astype(np.float32)


def test_strength_one_goes_the_calibrated_distance(axes: Axes, w: np.ndarray) -> None:
    moved = apply(w, {"Young": 1.0}, Parts(axes)) - w
    np.testing.assert_allclose(np.linalg.norm(moved.reshape(7, -1), axis=1), 4.0, rtol=1e-4)


@pytest.mark.parametrize("locks", [(), ("Male",)])
def test_there_and_back_again(axes: Axes, w: np.ndarray, locks: tuple[str, ...]) -> None:
    there = apply(w, {"Smiling": 1.3, "Young": -0.4}, Parts(axes), locks=locks)
    back = apply(there, {"Smiling": -1.3, "Young": 0.4}, Parts(axes), locks=locks)
    np.testing.assert_allclose(back, w, atol=1e-5)


def test_a_strength_for_every_frame(axes: Axes, w: np.ndarray) -> None:
    ramp = np.linspace(0, 1, 7)
    out = apply(w, {"Smiling": ramp}, Parts(axes))
    assert np.array_equal(out[0], w[0])
    np.testing.assert_allclose(out[6], apply(w, {"Smiling": 1.0}, Parts(axes))[6], atol=1e-6)


def test_locked_axes_are_left_alone(axes: Axes, w: np.ndarray) -> None:
    moved = (apply(w, {"Smiling": 1.0}, Parts(axes), locks=("Male", "Young")) - w).reshape(7, -1)
    for name in ("Male", "Young"):
        axis = axes.directions[axes.order.index(name)].reshape(-1)
        np.testing.assert_allclose(moved @ axis, 0, atol=1e-5)
    free = (apply(w, {"Smiling": 1.0}, Parts(axes)) - w).reshape(7, -1)
    assert abs((free @ axes.directions[1].reshape(-1))[0]) > 0.1


def test_disentangled_axes_have_unit_length_and_locked_ones_are_orthonormal(axes: Axes) -> None:
    flat = disentangle(axes.directions, [0, 1]).reshape(4, -1)
    gram = flat @ flat.T
    np.testing.assert_allclose(gram[:2, :2], np.eye(2), atol=1e-6)
    np.testing.assert_allclose(gram[:2, 2:], 0, atol=1e-6)
    np.testing.assert_allclose(np.diag(gram), 1, atol=1e-6)


def test_an_axis_within_the_locked_ones_does_nothing() -> None:
    directions = np.zeros((2, 1, 3))
    directions[:, 0, 0] = 1.0
    assert not disentangle(directions, [0])[1].any()


def test_unknown_and_contradicting_names_are_usage_errors(axes: Axes, w: np.ndarray) -> None:
    with pytest.raises(UsageError, match="no axis 'Smirk'"):
        apply(w, {"Smirk": 1.0}, Parts(axes))
    with pytest.raises(UsageError, match="both edited and locked"):
        apply(w, {"Male": 1.0}, Parts(axes), locks=("Male",))
