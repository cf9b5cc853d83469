from __future__ import annotations

import numpy as np
import pytest

from videdit.faces.shape import MEAN_FACE
from videdit.train.data import Faces
from videdit.train.landmark_crops import MIRROR, UNPAIRED, make_batch


@pytest.fixture
def faces() -> Faces:
    """Gray pictures with an average face: a white dot on the left pupil, a black one on the right mouth corner."""
    points = np.repeat((MEAN_FACE * 39 + [88.5, 111])[None], 6, 0).astype(np.float32)
    pictures = np.full((6, 218, 178, 3), 120, np.uint8)
    for (x, y), value in ((points[0, 36:42].mean(0), 255), (points[0, 54], 0)):
        pictures[:, round(y) - 3 : round(y) + 3, round(x) - 3 : round(x) + 3] = value
    nothing = np.zeros(6, int)
    return Faces(pictures, pictures, nothing, nothing, nothing, nothing, [], points)


def test_mirror_is_its_own_inverse_and_fits_the_average_face() -> None:
    assert np.array_equal(MIRROR[MIRROR], np.arange(78))
    paired = np.arange(78) != UNPAIRED
    assert np.abs(MEAN_FACE[MIRROR] * [-1, 1] - MEAN_FACE)[paired].max() < 1e-3


def test_points_lie_where_the_crop_shows_them(faces: Faces) -> None:
    batch = make_batch(faces, np.arange(6), 96, np.random.default_rng(3), disturb=False)
    assert batch.face.all()
    for image, points, weight in zip(batch.images, batch.points, batch.weight, strict=True):
        flipped = weight[UNPAIRED] == 0
        eye, mouth = (slice(42, 48), 48) if flipped else (slice(36, 42), 54)
        for where, shown in ((points[eye].mean(0), image[..., 0] > 200), (points[mouth], image[..., 0] < 60)):
            rows, columns = np.nonzero(shown)
            assert np.allclose([columns.mean() + 0.5, rows.mean() + 0.5], where * 96, atol=1.2)


def test_batches_are_repeatable_and_some_show_no_face(faces: Faces) -> None:
    index = np.random.default_rng(0).integers(0, 6, 200)
    first, again = (make_batch(faces, index, 48, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.points, again.points)
    assert 0.05 < 1 - first.face.mean() < 0.3
    assert not first.weight[first.face == 0].any()
