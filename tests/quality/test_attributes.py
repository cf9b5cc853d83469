"""quality.attributes"""

from __future__ import annotations

import numpy as np

from videdit.quality.attributes import change_rate, mean_shift, preservation


def test_only_frames_that_needed_it_count() -> None:
    before, after = np.array([0.1, 0.2, 0.4, 0.9]), np.array([0.7, 0.3, 0.6, 0.1])
    assert change_rate(before, after, +1) == (2 / 3, 3)
    assert change_rate(before, after, -1) == (1.0, 1)


def test_nothing_to_change_is_not_a_success() -> None:
    rate, needed = change_rate(np.array([0.9]), np.array([0.9]), +1)
    assert np.isnan(rate)
    assert needed == 0


def test_preservation_leaves_the_asked_one_out() -> None:
    before, after = np.zeros((2, 3)), np.array([[1.0, 0.0, 0.3], [1.0, 0.2, 0.1]])
    assert preservation(before, after, [0]) == 0.75
    assert preservation(before, before, []) == 1.0


def test_mean_shift() -> None:
    np.testing.assert_allclose(mean_shift(np.array([0.1, 0.3]), np.array([0.2, 0.6])), 0.2)
