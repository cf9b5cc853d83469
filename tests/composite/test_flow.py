"""Flow from landmarks: still without moves, follows them, and closes a mouth over its teeth."""

import numpy as np
import pytest

from videdit import composite
from videdit.composite.flow import flow_of_points, opening, warp_by
from videdit.composite.target import wanted

SIZE = 128


def face(gap: float) -> np.ndarray:
    """78 points of an upright face whose lips are `gap` px apart."""
    points = np.full((78, 2), 64.0)
    turn = np.linspace(0, np.pi, 17)
    points[:17] = np.stack([64 - 46 * np.cos(turn), 60 + 56 * np.sin(turn)], 1)
    points[17:48] = np.stack([np.linspace(34, 94, 31), 46 + 6 * np.sin(np.arange(31))], 1)
    points[27:36] = np.stack([60 + np.arange(9.0), np.linspace(50, 72, 9)], 1)
    outer = [(44, 96), (50, 92), (58, 90), (64, 90), (70, 90), (78, 92), (84, 96), (78, 104), (70, 108), (64, 108), (58, 108), (50, 104)]
    inner = [(46, 96), (58, 0), (64, 0), (70, 0), (82, 96), (70, 0), (64, 0), (58, 0)]
    points[48:60], points[60:68] = outer, inner
    points[61:64, 1], points[65:68, 1] = 97 - gap / 2, 97 + gap / 2
    points[68:] = np.stack([np.linspace(22, 106, 10), 30 - 10 * np.sin(np.linspace(0, np.pi, 10))], 1)
    return points


def closing(by: float) -> np.ndarray:
    moves = np.zeros((78, 2))
    moves[61:64, 1], moves[65:68, 1] = by / 2, -by / 2
    return moves


def test_nothing_moves_without_moves() -> None:
    assert not flow_of_points(face(4), np.zeros((78, 2)), SIZE).any()


def test_pixels_follow_the_points_and_the_background_stays() -> None:
    flow = flow_of_points(face(4), np.full((78, 2), [3.0, -2.0]), SIZE)
    assert flow[60, 64] == pytest.approx([-3.0, 2.0], abs=0.05)
    assert np.abs(flow[:3]).max() < 1.0


@pytest.mark.parametrize("gap", [5.0, 8.0])
def test_a_typical_closing_closes_a_broad_grin_too(gap: float) -> None:
    points, teeth = face(gap), np.zeros((SIZE, SIZE, 3), np.float32)
    teeth[round(97 - gap / 2) : round(97 + gap / 2), 52:76] = 255
    before = warp_by(teeth, flow_of_points(points, np.zeros((78, 2)), SIZE))
    after = warp_by(teeth, flow_of_points(points, closing(4.5), SIZE))
    assert (after[:, 64] > 128).sum() <= 0.35 * (before[:, 64] > 128).sum()
    # and what still shows is to be covered by the lips
    change = composite.analyse(before[None], after[None] + 1, points[None], moves=closing(4.5)[None])[0]
    shown = (warp_by(teeth, change.flow)[..., 0] > 128)[:, 64]
    assert change.closed[:, 64][shown].mean() > 0.5


def test_lips_never_cross() -> None:
    flow = flow_of_points(face(2), closing(9.0), SIZE)
    down = 1 + np.gradient(flow[..., 1], axis=0)
    assert down[80:115, 64].min() > 0


def test_only_a_closed_mouth_that_opens_shows_new_teeth() -> None:
    assert opening(face(1), -closing(4.0), SIZE).max() > 0.8
    assert opening(face(7), -closing(4.0), SIZE).max() < 0.01
    assert opening(face(5), closing(4.0), SIZE).max() < 0.01


def test_lips_meet_in_one_dark_line() -> None:
    """Where teeth were there is lip, above and below, and one line between them, not a dark band."""
    gap, points = 8.0, face(8.0)
    source = np.full((SIZE, SIZE, 3), 180, np.float32)
    source[round(97 - gap / 2) : round(97 + gap / 2), 52:76] = 255
    change = composite.analyse(source[None], source[None] + 1, points[None], moves=closing(4.5)[None])[0]
    added, _ = wanted(source, source, change, change.mask, np.eye(2, 3))
    grey = (source + added).mean(2)[85:110, 64]
    assert grey.max() < 225  # of 255
    line = np.flatnonzero(grey < 175)
    assert 1 <= len(line) <= 4
    assert line[-1] - line[0] == len(line) - 1
    assert 97 - 85 - 3 <= line.mean() <= 97 - 85 + 3


@pytest.mark.parametrize(("darker", "row", "shown"), [(150, 64, True), (35, 64, False), (150, 100, False)])
def test_a_rim_shows_where_eyes_move_but_lids_and_lips_stay_the_cameras(darker: float, row: int, shown: bool) -> None:
    points = face(4)
    source = np.full((SIZE, SIZE, 3), 180, np.float32)
    after = source.copy()
    after[row : row + 4, 28:60] -= darker
    change = composite.analyse(source[None], after[None], points[None], moves=np.full((1, 78, 2), 2.0))[0]
    there = change.replace[row + 1 : row + 3, 34:54]
    assert (there > 0.5).all() if shown else there.max() < 0.05
