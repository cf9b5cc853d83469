"""The map from latents to landmarks is found where there is one."""

import numpy as np

from videdit.geometry import face_quad, quad_to_crop, transform_points
from videdit.train.data import FACE_FRAME
from videdit.train.measure import still
from videdit.train.shape import crop_points, explained, fit, light

rng = np.random.default_rng(0)


def test_a_linear_map_is_found() -> None:
    true = rng.normal(size=(5, 2, 3, 4))
    w = rng.normal(size=(500, 3, 4))
    points = 0.5 + np.tensordot(w, true, axes=([1, 2], [2, 3])) + 0.01 * rng.normal(size=(500, 5, 2))
    found = fit(w[:400], points[:400], ridge=1e-6)
    np.testing.assert_allclose(found, true, atol=0.02)
    assert explained(found, w[400:], points[400:]).min() > 0.99
    assert explained(np.zeros_like(found), w[400:], points[400:]).max() < 0.01


def test_points_come_in_crop_sides() -> None:
    points = rng.uniform(40, 160, (78, 2))
    points[36:48] += [[-20, -30]] * 6 + [[20, -30]] * 6
    inside = crop_points(points[None])[0]
    expected = transform_points(points, quad_to_crop(face_quad(points, FACE_FRAME), 128)) / 128
    np.testing.assert_allclose(inside, expected, atol=1e-9)


def test_an_axis_that_leaves_light_alone_keeps_the_mean_colour() -> None:
    faces = np.full((600, 32, 32, 3), 100, np.uint8)
    w = rng.normal(size=(600, 2, 5))
    faces[:, :, :16] = (100 + 20 * w[:, 0, 0])[:, None, None, None].clip(0, 255)  # one half follows one latent
    faces[:, 16, 16] = (100 + 20 * w[:, 0, 1])[:, None].clip(0, 255)
    means = light(faces, 2)
    assert means.shape == (600, 4, 3) and means.min() >= 0 and means.max() <= 1
    by = fit(w, means)
    axis = np.zeros((1, 2, 5))
    axis[0, 0, :2] = 1.0
    kept = still(axis, by)[0]
    assert np.abs(kept[0, 0]) < 0.05 and kept[0, 1] > 0.7  # of a single pixel the mean hardly knows
