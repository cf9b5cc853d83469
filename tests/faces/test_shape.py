from __future__ import annotations

import numpy as np
import pytest

from videdit.faces.shape import MEAN_FACE, five_points, from_five, similarity, upright_box
from videdit.geometry import transform_points

TURN = 0.6
MOVE = np.array([[30 * np.cos(TURN), -30 * np.sin(TURN), 100.0], [30 * np.sin(TURN), 30 * np.cos(TURN), 80.0]])


def test_average_face_has_eyes_one_apart_about_the_origin() -> None:
    eyes = five_points(MEAN_FACE)[:2]
    assert np.allclose(eyes, [[-0.5, 0], [0.5, 0]], atol=0.01)
    assert MEAN_FACE.shape == (78, 2)


def test_similarity_recovers_turn_scale_and_shift() -> None:
    assert np.allclose(similarity(MEAN_FACE, transform_points(MEAN_FACE, MOVE)), MOVE)


def test_five_points_bring_back_the_face() -> None:
    face = transform_points(MEAN_FACE, MOVE)
    assert np.allclose(from_five(five_points(face)), face)


def test_box_stands_along_a_turned_face() -> None:
    centre, side, turn = upright_box(MEAN_FACE)
    moved_centre, moved_side, moved_turn = upright_box(transform_points(MEAN_FACE, MOVE))
    assert moved_turn - turn == pytest.approx(TURN)
    assert moved_side == pytest.approx(30 * side)
    assert np.allclose(moved_centre, transform_points(centre, MOVE))
