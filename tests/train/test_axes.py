"""Axes: the regression does not drag correlated labels along; axes may be confined to layers."""

import numpy as np

from videdit.train.axes import restricted, slopes, tlgan, unit

rng = np.random.default_rng(0)


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


def test_axes_can_be_confined_to_layers() -> None:
    axes = {"labels": rng.normal(size=(2, 4, 3))}
    tried = dict(restricted(axes, [range(1, 3)]))
    assert list(tried) == ["labels", "labels 1-2"]
    assert not tried["labels 1-2"][:, [0, 3]].any()
    np.testing.assert_allclose(np.linalg.norm(unit(axes["labels"]).reshape(2, -1), axis=1), 1.0)
