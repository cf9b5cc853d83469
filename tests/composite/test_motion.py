"""How a face moves in its crops: found between crops, added up over rows, and undone where neighbours are averaged."""

import numpy as np
import pytest

from tests.scripted import picture
from videdit.composite import Change, steady
from videdit.composite.motion import GRID, SIDE, along, carried, grey_of, moved_from, offsets, still


def shifted(crop: np.ndarray, x: int, y: int) -> np.ndarray:
    return np.roll(crop, (y, x), (0, 1))


def textured(size: int = SIDE) -> np.ndarray:
    """A crop with something to see everywhere."""
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    grey = 128 + 50 * np.sin(x / 5.0 + y / 11.0) + 50 * np.cos(y / 6.0 - x / 17.0)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float32)


def test_a_shift_is_found_in_crop_sides() -> None:
    before, now = grey_of(textured()), grey_of(shifted(textured(), 2, -1))
    cells = moved_from(now, before)[4:-4, 4:-4].astype(np.float32)
    assert cells.shape == (GRID - 8, GRID - 8, 2)
    assert np.median(cells[..., 0]) * SIDE == pytest.approx(-2, abs=0.2)
    assert np.median(cells[..., 1]) * SIDE == pytest.approx(1, abs=0.2)


def test_what_has_changed_has_not_moved() -> None:
    cells = moved_from(grey_of(255 - textured() / 2), grey_of(textured())).astype(np.float32)
    assert np.median(np.hypot(cells[..., 0], cells[..., 1])) == 0
    assert np.hypot(cells[..., 0], cells[..., 1]).mean() * SIDE < 0.2


@pytest.mark.parametrize("size", [16, 64, 128, 256])
def test_crops_of_any_size(size: int) -> None:
    grey = grey_of(np.repeat(picture(0)[:100, :100].mean(-1, keepdims=True), 3, 2).astype(np.float32)[:size, :size])
    assert grey.shape == (SIDE, SIDE)
    assert not moved_from(grey, grey).any()


def test_offsets_lead_to_other_rows_and_back() -> None:
    moved = still(5)
    moved[1:, ..., 0] = -0.01  # everything goes right, a hundredth of the side a row
    assert offsets(moved, 4, 1)[..., 0] == pytest.approx(-0.03, abs=1e-3)
    assert offsets(moved, 1, 4)[..., 0] == pytest.approx(0.03, abs=1e-3)
    assert not offsets(moved, 2, 2).any()


def test_points_go_along_with_the_skin_below_them() -> None:
    moved = still(5)
    moved[1:, :, : GRID // 2, 0] = -0.01  # the left half goes right, a hundredth of the side a row
    points = np.tile([(0.2, 0.3), (0.8, 0.3)], (5, 1, 1))
    gone = along(moved, points)
    assert gone[:, 0, 0] == pytest.approx(0.01 * np.arange(5), abs=1e-4)
    assert not gone[:, 1].any()
    assert not gone[..., 1].any()


def test_nothing_is_copied_where_nothing_moves() -> None:
    planes = np.ones((32, 32, 4), np.float32)
    assert np.shares_memory(carried(planes, still(1)[0].astype(np.float32)), planes)


def spot(at: int) -> Change:
    """A line at a column."""
    plane, dark = np.zeros((128, 128), np.float32), np.zeros((128, 128, 3), np.float32)
    residual = dark.copy()
    residual[:, at : at + 3] = 60
    return Change(np.zeros((128, 128, 2), np.float32), residual, plane, plane, plane + 1, dark, dark)


def test_a_line_on_moving_skin_stays_sharp() -> None:
    """Skin goes right by two pixels a frame, and the line with it: averaged in place it is smeared, along the motion it is not."""
    times, valid, moved = np.arange(9) / 30, np.ones(9, bool), still(9)
    moved[1:, ..., 0] = -2 / 128
    still_ones = list(steady((spot(40 + 2 * i) for i in range(9)), times, valid, seconds=0.1))
    along = list(steady((spot(40 + 2 * i) for i in range(9)), times, valid, seconds=0.1, moved=moved))
    assert still_ones[4].residual[64, 49, 0] < 30
    assert along[4].residual[64, 49, 0] > 55
    assert abs(float(along[4].residual[64].sum() - 3 * 3 * 60)) < 30
    assert float(along[4].mask.max()) == 1.0


def test_the_same_from_wherever_one_begins() -> None:
    times, valid = np.arange(12) / 30, np.ones(12, bool)
    moved = (np.random.default_rng(0).normal(0, 0.01, (12, GRID, GRID, 2))).astype(np.float16)
    every = list(steady((spot(30 + 3 * i) for i in range(12)), times, valid, seconds=0.06, moved=moved))
    late = list(steady((spot(30 + 3 * i) for i in range(2, 12)), times, valid, seconds=0.06, moved=moved, start=7, begun=2))
    assert all(np.array_equal(a.residual, b.residual) for a, b in zip(every[7:], late, strict=True))
