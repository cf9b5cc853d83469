"""quality.seam"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from videdit.quality.seam import seam

SOURCE = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (128, 128, 3)).astype(np.float32), (0, 0), 3)
BOX = np.zeros((128, 128), np.float32)
BOX[32:96, 32:96] = 1


def test_a_hard_edge_shows_and_a_soft_one_does_not() -> None:
    hard = seam(SOURCE, SOURCE + 20 * BOX[..., None], BOX)
    distance = cv2.distanceTransform(BOX.astype(np.uint8), cv2.DIST_L2, 5)
    fade = np.clip(distance / 30, 0, 1) ** 2 * BOX
    soft = seam(SOURCE, SOURCE + 20 * fade[..., None], BOX)
    assert hard is not None
    assert soft is not None
    assert hard.level == pytest.approx(20, abs=0.01)
    assert hard.gradient > 1.3
    assert soft.level < 1
    assert soft.gradient == pytest.approx(1, abs=0.1)
    assert hard.outside == soft.outside == 0


def test_a_change_outside_is_reported() -> None:
    edited = SOURCE.copy()
    edited[2, 2, 1] += 5
    found = seam(SOURCE, edited, BOX)
    assert found is not None
    assert found.outside == pytest.approx(5, abs=0.01)


def test_no_border_no_seam() -> None:
    assert seam(SOURCE, SOURCE, np.zeros((128, 128))) is None
    assert seam(SOURCE, SOURCE, np.ones((128, 128))) is None
