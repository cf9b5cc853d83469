"""Which way a face is turned, how large and how sharp it is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from videdit.faces.pose import NOSE, blur, face_px, yaw
from videdit.faces.shape import MEAN_FACE

# How far points stand out towards the camera, in halves of the outer eye corners' distance: only those that `yaw` reads matter.
DEPTH = np.zeros(78)
DEPTH[30] = NOSE


def turned(degrees: float, *, roll: float = 0.0, size: float = 50.0) -> np.ndarray:
    """The average face [78,2] px, turned to the side and tilted."""
    half = (MEAN_FACE[45, 0] - MEAN_FACE[36, 0]) / 2
    angle, tilt = np.radians(degrees), np.radians(roll)
    x = MEAN_FACE[:, 0] * np.cos(angle) + DEPTH * half * np.sin(angle)
    c, s = np.cos(tilt), np.sin(tilt)
    return np.stack([x, MEAN_FACE[:, 1]], -1) @ np.array([[c, s], [-s, c]]) * size + 100


@pytest.mark.parametrize("roll", [0, 25, -80])
@pytest.mark.parametrize("degrees", [0, 15, -40, 70])
def test_yaw_is_read_off_the_nose(degrees: float, roll: float) -> None:
    assert float(yaw(turned(degrees, roll=roll))) == pytest.approx(abs(degrees), abs=3)


def test_yaw_of_many_faces_at_once() -> None:
    many = np.stack([turned(d) for d in (0, 30, 60)])
    assert np.all(np.diff(yaw(many)) > 20)
    assert np.allclose(yaw(many), yaw(many[:, :, ::1] * 3 + 7))


def test_size_in_px() -> None:
    assert float(face_px(turned(0, size=50))) == pytest.approx(2 * float(face_px(turned(0, size=25))))
    width, height = np.ptp(turned(0, size=50), axis=0)
    assert float(face_px(turned(0, size=50))) == pytest.approx(np.sqrt(width * height))


@pytest.mark.parametrize("size", [64, 128])
def test_blur_grows_with_blur_and_with_motion(size: int) -> None:
    noise = np.random.default_rng(0).uniform(0, 255, (size, size, 3)).astype(np.float32)
    edges = cv2.GaussianBlur((noise > 128).astype(np.float32) * 255, (0, 0), 1.0)
    levels = [blur(cv2.GaussianBlur(edges, (0, 0), s * size / 128)) for s in (0.5, 1.5, 3.0, 5.0)]
    assert np.all(np.diff(levels) > 0.1)
    assert blur(cv2.blur(edges, (size // 10, 1))) > 1.5 * blur(edges)
    assert np.isfinite(blur(np.full((size, size, 3), 99, np.float32)))


def test_a_picture_without_edges_says_nothing() -> None:
    assert blur(np.zeros((64, 64, 3), np.float32)) == 0
