from __future__ import annotations

import numpy as np
import pytest

from tests.faces.conftest import MakeFrame, face_at
from tests.faces.test_track import Truth
from videdit.faces.align import LandmarkSmoother, place_faces, quads, smooth_landmarks
from videdit.faces.shape import MEAN_FACE
from videdit.faces.track import FaceTracker
from videdit.geometry import FaceFrame, face_quad
from videdit.types import Frame

TIMES = np.cumsum(np.random.default_rng(1).choice([1 / 60, 1 / 30, 1 / 24], 50))
NOISE = MEAN_FACE * 40 + 100 + np.random.default_rng(2).normal(0, 1, (50, 78, 2))
FRAME = FaceFrame(0.77, 0.08)


def test_keeps_a_constant_and_a_steady_motion() -> None:
    still = np.repeat(MEAN_FACE[None] * 40, 50, 0)
    assert np.allclose(smooth_landmarks(still, TIMES), still)
    moving = still + TIMES[:, None, None] * [300.0, -80.0]
    assert np.allclose(smooth_landmarks(moving, TIMES), moving)


def test_is_symmetric_in_time() -> None:
    forward = smooth_landmarks(NOISE, TIMES)
    backward = smooth_landmarks(NOISE[::-1], -TIMES[::-1])[::-1]
    assert np.allclose(forward, backward)


def test_calms_noise_and_zero_seconds_does_nothing() -> None:
    truth = MEAN_FACE * 40 + 100
    assert np.std(smooth_landmarks(NOISE, TIMES)[5:-5] - truth) < 0.55
    assert np.array_equal(smooth_landmarks(NOISE, TIMES, seconds=0), NOISE)


def test_does_not_depend_on_the_frame_rate() -> None:
    def bend(t: np.ndarray) -> np.ndarray:
        return np.repeat(np.sin(t * 12)[:, None, None], 78, 1) * np.ones(2)

    slow, fast = np.arange(0, 2, 1 / 30), np.arange(0, 2, 1 / 60)
    a, b = smooth_landmarks(bend(slow), slow), smooth_landmarks(bend(fast), fast)
    assert np.abs(a[10:-10] - b[::2][10:-10]).max() < 0.01


def test_streaming_gives_the_same_and_never_looks_across_a_gap() -> None:
    smoother, found = LandmarkSmoother(), {}
    for i, (time, points) in enumerate(zip(TIMES, NOISE, strict=True)):
        found |= dict(smoother.push(time, None if i in (20, 21) else points))
    found |= dict(smoother.flush())
    parts = [smooth_landmarks(NOISE[part], TIMES[part]) for part in (slice(0, 20), slice(22, 50))]
    assert sorted(found) == [*range(20), *range(22, 50)]
    assert np.allclose(np.stack([found[i] for i in sorted(found)]), np.concatenate(parts))


def test_streaming_stays_a_few_frames_behind() -> None:
    smoother, done = LandmarkSmoother(seconds=0.06), 0
    for i in range(200):
        done += len(smoother.push(i / 30, NOISE[i % 50]))
        assert i + 1 - done <= 7
        assert len(smoother._held) <= 14


def test_quads_are_those_of_the_landmarks() -> None:
    found = quads(NOISE[:3], FRAME)
    assert np.allclose(found[1], face_quad(NOISE[1], FRAME))
    assert quads(NOISE[:0], FRAME).shape == (0, 4, 2)


def test_every_frame_comes_once_in_order_with_its_people(make_frame: MakeFrame) -> None:
    truth = Truth(lambda i: [] if 12 <= i < 30 else [face_at(100 + i, 90)] + ([face_at(230, 120, 30)] if i >= 40 else []))
    tracker = FaceTracker(truth, detector=truth, which="all")
    picture = np.zeros((240, 320, 3), np.uint8)
    handed = 0

    def frames() -> list[Frame]:
        nonlocal handed
        for i in range(70):
            truth.now, handed = i, i
            yield make_frame(picture, i)

    indices = []
    for frame, people in place_faces(frames(), tracker, FRAME):
        indices.append(frame.index)
        assert handed - frame.index <= 8  # bounded look-ahead
        if 12 <= frame.index < 30:
            assert not people
        elif frame.index < 12:
            assert len(people) == 1
            assert np.allclose(people[0].landmarks, face_at(100 + frame.index, 90).landmarks, atol=1e-6)
            assert np.allclose(people[0].quad, face_quad(people[0].landmarks, FRAME))
    assert indices == list(range(70))
    assert [p.track_id for p in people] == [0, 1] or [p.track_id for p in people] == [1, 2]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_clips(make_frame: MakeFrame, count: int) -> None:
    truth = Truth(lambda i: [face_at(100, 90)])
    tracker = FaceTracker(truth, detector=truth)
    out = list(place_faces((make_frame(np.zeros((240, 320, 3), np.uint8), i) for i in range(count)), tracker, FRAME))
    assert [len(people) for _, people in out] == [1] * count
