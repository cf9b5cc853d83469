"""Values between points: as SciPy has them, whatever the points are like."""

import numpy as np
import pytest
from scipy.interpolate import LinearNDInterpolator

from videdit.triangles import spread

SIZE = 48
CORNERS = np.array([[-200.0, -200], [200, -200], [-200, 200], [200, 200]])
CLOUDS = {
    "anywhere": lambda rng: rng.normal(SIZE / 2, SIZE / 4, (78, 2)),
    "far out": lambda rng: rng.normal(SIZE / 2, 2 * SIZE, (78, 2)),
    "on a line": lambda rng: np.stack([np.linspace(0, SIZE, 78), np.full(78, SIZE / 2)], 1),
    "in one place": lambda rng: np.full((78, 2), SIZE / 2),
    "in pairs": lambda rng: np.tile(rng.normal(SIZE / 2, SIZE / 4, (39, 2)), (2, 1)),
    "on a grid": lambda rng: rng.integers(0, SIZE, (78, 2)).astype(float),
}


def cloud(kind: str) -> np.ndarray:
    points = np.concatenate([CLOUDS[kind](np.random.default_rng(5)), CORNERS])
    return points + np.linspace(0, 1e-3, len(points))[:, None]


@pytest.mark.parametrize("kind", [kind for kind in CLOUDS if kind != "on a grid"])  # there several triangulations are as good
def test_as_scipy_has_them(kind: str) -> None:
    points = cloud(kind)
    values = np.random.default_rng(6).normal(size=(len(points), 2)) * (np.arange(len(points)) < 78)[:, None] * (kind == "anywhere" or 0.01)
    x, y = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
    assert spread(points, values, SIZE) == pytest.approx(LinearNDInterpolator(points, values)(x, y), abs=1e-3)


@pytest.mark.parametrize("kind", CLOUDS)
def test_what_is_linear_stays_so(kind: str) -> None:
    found = spread(cloud(kind), cloud(kind), SIZE)
    x, y = np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5)
    assert np.abs(found - np.stack([x, y], -1)).max() < 1e-3


def test_beyond_the_points_there_is_nothing() -> None:
    found = spread(np.array([[8.0, 8], [30, 8], [8, 30]]), np.ones((3, 1)), SIZE)[..., 0]
    assert found[10, 10] == pytest.approx(1) and found[2, 2] == found[40, 40] == 0
