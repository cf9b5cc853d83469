"""quality.color"""

from __future__ import annotations

import numpy as np
import pytest

from videdit.quality.color import patches

SOURCE = np.full((64, 64, 3), 120.0, np.float32)
MASK = np.zeros((64, 64), np.float32)
MASK[8:56, 8:56] = 1


def test_lightness_and_grain_are_no_patches() -> None:
    grain = np.random.default_rng(0).normal(0, 6, SOURCE.shape).astype(np.float32)
    assert patches(SOURCE, SOURCE + 25, MASK, blur=5) == pytest.approx(0, abs=0.01)
    assert patches(SOURCE, SOURCE + grain, MASK, blur=5) < 1


def test_a_red_cheek_is_one() -> None:
    red = SOURCE.copy()
    red[20:44, 10:30, 0] += 30
    assert patches(SOURCE, red, MASK, blur=3) > 10
    assert patches(SOURCE, red, np.zeros((64, 64)), blur=3) != patches(SOURCE, red, MASK, blur=3)
