"""Whom smoothing trusts."""

import numpy as np
import pytest

from videdit.smooth.robust import repaired, trust

TIMES = np.arange(60) / 30
ALL = np.ones(60, bool)
NOISE = np.random.default_rng(2).normal(0, 0.05, (60, 6))
RAMP = np.clip((TIMES - 1) / 0.2, 0, 1)[:, None] * 3
BLINK = ((TIMES > 0.99) & (TIMES < 1.09))[:, None] * 2.0


@pytest.mark.parametrize(
    "truth", [0.0, RAMP, (TIMES > 1)[:, None] * 3.0, BLINK, 40 * TIMES[:, None]], ids="still ramp step blink fast".split()
)
def test_what_really_happens_is_trusted_to_the_bit(truth: np.ndarray | float) -> None:
    assert (trust(NOISE + truth, TIMES, ALL) == 1).all()


@pytest.mark.parametrize("rows", [[0], [1], [20], [20, 21], [58], [59]])
def test_what_stands_alone_is_not(rows: list[int]) -> None:
    values = NOISE + 2 * TIMES[:, None]
    values[rows] += 3
    assert np.flatnonzero(trust(values, TIMES, ALL) == 0).tolist() == rows
    assert np.flatnonzero(trust(values, TIMES, ALL) < 1).tolist() == rows


def test_a_little_off_is_nothing() -> None:
    values = np.zeros((60, 1))
    values[30] = 0.5
    assert trust(values, TIMES, ALL)[30] == 0
    assert trust(values, TIMES, ALL, floor=0.6)[30] == 1


def test_gaps_are_not_looked_across() -> None:
    values, valid = NOISE.copy(), ALL.copy()
    values[30:] += 9
    valid[29] = False
    assert (trust(values, TIMES, valid)[valid] == 1).all()


def test_a_part_equals_the_same_rows_of_the_whole() -> None:
    values = NOISE.copy()
    values[25] += 1
    assert np.array_equal(trust(values, TIMES, ALL, start=20, stop=30), trust(values, TIMES, ALL)[20:30])


def test_repairs_are_straight_lines() -> None:
    weights = np.ones(60)
    weights[[0, 10, 11, 12]] = 0
    line = TIMES[:, None] * 7
    fixed = repaired(TIMES, weights) @ np.where(weights[:, None] > 0, line, 99)
    np.testing.assert_allclose(fixed[1:], line[1:])
    assert fixed[0] == line[1]
    assert np.array_equal(repaired(TIMES, np.ones(60)), np.eye(60))
    assert np.array_equal(repaired(TIMES, np.zeros(60)), np.eye(60)), "with nobody to trust everybody stays"
