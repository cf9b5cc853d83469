"""Detector, landmark network of the pack and smoothing on the clip that ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from videdit.errors import MissingError
from videdit.faces.align import Placed, place_faces
from videdit.faces.landmarks import MeshLandmarks
from videdit.faces.shape import MEAN_FACE, five_points, similarity
from videdit.faces.track import FaceTracker
from videdit.geometry import FaceFrame, transform_points
from videdit.packs.load import load_pack
from videdit.types import Frame
from videdit.video.reader import read_frames

CLIP = Path(__file__).parents[2] / "examples" / "astronaut.mp4"


@pytest.fixture(scope="module")
def mesh() -> MeshLandmarks:
    try:
        return MeshLandmarks(load_pack().landmarker)  # type: ignore[arg-type]
    except MissingError as error:
        pytest.skip(f"no landmark network: {error}")


@pytest.fixture(scope="module")
def placed(mesh: MeshLandmarks) -> list[tuple[Frame, list[Placed]]]:
    try:
        tracker = FaceTracker(mesh)
    except MissingError as error:
        pytest.skip(f"no detector: {error}")
    return list(place_faces(read_frames(CLIP, stop=1.0), tracker, FaceFrame(0.77, 0.08)))


def test_one_person_on_every_frame(placed: list[tuple[Frame, list[Placed]]]) -> None:
    assert [[p.track_id for p in people] for _, people in placed] == [[0]] * len(placed)
    assert min(people[0].presence for _, people in placed) > 0.9


def test_it_looks_like_a_face(placed: list[tuple[Frame, list[Placed]]]) -> None:
    for _, people in placed:
        points = people[0].landmarks
        back = transform_points(points, similarity(five_points(points), five_points(MEAN_FACE)))
        assert np.abs(back - MEAN_FACE).mean() < 0.12  # eye distances


def test_it_moves_smoothly(placed: list[tuple[Frame, list[Placed]]]) -> None:
    points = np.stack([people[0].landmarks for _, people in placed])
    eyes = np.hypot(*(points[:, 42:48].mean(1) - points[:, 36:42].mean(1)).T).mean()
    assert np.abs(np.diff(points, 2, axis=0)).mean() < 0.01 * eyes


def test_the_same_points_at_twice_the_size(mesh: MeshLandmarks, placed: list[tuple[Frame, list[Placed]]]) -> None:
    frame, people = placed[0]
    large = Frame(tuple(p.repeat(2, 0).repeat(2, 1) for p in frame.planes), frame.color, frame.pix_fmt, 0, frame.time_base, 0)
    points, _ = mesh.follow(frame, people[0].landmarks)
    again, _ = mesh.follow(large, people[0].landmarks * 2)
    eyes = np.hypot(*(points[42:48].mean(0) - points[36:42].mean(0)))
    assert np.abs(again / 2 - points).mean() < 0.03 * eyes
