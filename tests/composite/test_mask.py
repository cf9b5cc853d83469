"""Where an edit acts: up to the edge of the face, and not on eyes that stay where they are."""

import numpy as np

from tests.composite.test_flow import face
from videdit.composite import analyse
from videdit.composite.mask import face_hull, own_parts, snapped

SIZE = 128


def test_the_mask_draws_back_to_an_edge_beside_it() -> None:
    hull = face_hull(face(0.0), SIZE)
    across = np.flatnonzero(hull[50] > 0.5)
    edge = across[0] + 5  # the face begins five pixels further in than the landmarks say
    picture = np.full((SIZE, SIZE, 3), 200, np.float32)
    picture[:, edge:] = (150, 110, 90)
    found = snapped(hull, picture)
    assert (found <= hull).all()
    assert found[50, : edge - 2].max() < 0.1 < hull[50, edge - 2]
    assert found[50, edge + 3 : 64].min() > 0.9
    below = int(SIZE * 0.8)
    np.testing.assert_array_equal(found[below:], hull[below:])  # a chin that drops covers what is behind it


def test_eyes_stay_the_persons_own_where_nothing_moves() -> None:
    points = face(0.0)
    turn = np.linspace(np.pi, -np.pi, 6, endpoint=False)
    points[36:48] = np.concatenate([np.stack([x + 8 * np.cos(turn), 52 + 4 * np.sin(turn)], 1) for x in (46, 82)])
    before = np.full((SIZE, SIZE, 3), 120, np.float32)
    after = before.copy()
    after[:, ::8] = 0  # bars all over the face, the eyes as well
    still = analyse(before[None], after[None], points[None], moves=np.zeros((1, 78, 2)))[0]
    eyes = own_parts(points, SIZE) > 0.98
    assert eyes.any()
    assert np.abs(still.residual[eyes]).max() < 3 and still.replace[eyes].max() < 0.03
    cheek = slice(76, 84), slice(28, 44)
    assert still.replace[cheek].max() > 0.9
    moved = np.zeros((78, 2))
    moved[36:48, 1] = 6
    assert np.abs(analyse(before[None], after[None], points[None], moves=moved[None])[0].residual[eyes]).max() > 3
