from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from videdit.errors import MissingError
from videdit.faces import detect
from videdit.faces.detect import MtcnnDetector, keep_apart, overlap

CLIP = Path(__file__).parents[2] / "examples" / "astronaut.mp4"


def astronaut() -> np.ndarray:
    """The first frame of the clip that ships, RGB."""
    video = cv2.VideoCapture(str(CLIP))
    found, picture = video.read()
    assert found
    return np.ascontiguousarray(picture[..., ::-1])


@pytest.fixture(scope="module")
def detector() -> MtcnnDetector:
    try:
        return MtcnnDetector()
    except MissingError:
        pytest.skip("facenet-pytorch is not installed: the detector is not tried")


def test_overlap() -> None:
    box = np.array([0.0, 0, 10, 10])
    others = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 5, 5]])
    assert np.allclose(overlap(box, others), [1, 1 / 3, 0, 0.25])
    assert np.allclose(overlap(box, others, by_smaller=True), [1, 0.5, 0, 1])


def test_keep_apart_keeps_the_best_of_a_heap() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])
    assert keep_apart(boxes, np.array([0.7, 0.9, 0.8]), 0.5).tolist() == [1, 2]
    assert len(keep_apart(np.zeros((0, 4)), np.zeros(0), 0.5)) == 0


def test_finds_the_astronaut_alone(detector: MtcnnDetector) -> None:
    picture = astronaut()
    faces = detector.detect(picture)
    assert len(faces) == 1
    eyes, mouth = faces[0].landmarks[:2], faces[0].landmarks[3:]
    assert eyes[0, 0] < eyes[1, 0]
    assert eyes[:, 1].max() < mouth[:, 1].min()
    assert (faces[0].box[:2] < faces[0].landmarks.min(0)).all()
    assert (faces[0].box[2:] > faces[0].landmarks.max(0)).all()


def test_a_larger_picture_gives_the_same_face_larger(detector: MtcnnDetector) -> None:
    picture = astronaut()
    small, large = detector.detect(picture)[0], detector.detect(cv2.resize(picture, None, fx=2, fy=2))[0]
    side = small.box[2] - small.box[0]
    assert np.abs(large.box / 2 - small.box).max() < 0.1 * side


@pytest.mark.parametrize("size", [(120, 160), (8, 8), (1, 300)])
def test_noise_and_tiny_pictures_have_no_face(detector: MtcnnDetector, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert detector.detect(noise) == []


def test_missing_weights_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingError) as error:
        detect.weights_folder()
    assert "facenet-pytorch" in error.value.hint
