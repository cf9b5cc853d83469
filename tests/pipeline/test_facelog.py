"""Places of faces behind a cut depend on no more answers of the tracker than are kept."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from tests.scripted import face_points
from videdit.config import Settings
from videdit.faces.align import Placed, place_faces
from videdit.faces.track import Observation
from videdit.geometry import FaceFrame
from videdit.pipeline.facelog import Recalled
from videdit.pipeline.steadiness import doubt, landmark_fit, steadiness_of
from videdit.smooth import METHODS

RNG = np.random.default_rng(5)
COUNT = 70
EVEN = np.arange(COUNT) / 25
UNEVEN = np.cumsum(RNG.choice([0.01, 0.02, 0.04, 0.3], COUNT, p=[0.3, 0.3, 0.3, 0.1]))
NOISE = RNG.normal(0, 0.3, (2, COUNT, 78, 2)) + np.where(RNG.random((2, COUNT, 1, 1)) < 0.1, 25.0, 0.0)  # a tenth is misplaced
THERE = (lambda i: i not in (30, 31), lambda i: 8 <= i < 50)


class NoisyTracker:
    """Two people who come and go."""

    def __init__(self) -> None:
        self.shots = [0]

    def update(self, frame: SimpleNamespace) -> list[Observation]:
        """All by the frame's number."""
        i = frame.index
        return [Observation(who, face_points(frame.time) + NOISE[who, i], 0.9) for who in (0, 1) if THERE[who](i)]

    def state(self) -> dict[str, object]:
        """It has none."""
        return {}

    def restore(self, state: dict[str, object]) -> None:
        """Nothing to do."""


def same(a: Sequence[Placed], b: Sequence[Placed]) -> bool:
    """To the bit."""
    return len(a) == len(b) and all(
        p.track_id == q.track_id and np.array_equal(p.landmarks, q.landmarks) and np.array_equal(p.quad, q.quad)
        for p, q in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("stabilise", [0.0, 0.5])
@pytest.mark.parametrize("times", [EVEN, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize("smoother", sorted(METHODS))
def test_places_behind_a_cut_are_the_same(smoother: str, times: np.ndarray, stabilise: float) -> None:
    fit = landmark_fit(steadiness_of(Settings(smoother=smoother, stabilise=stabilise)))
    frames = [SimpleNamespace(index=i, time=float(time)) for i, time in enumerate(times)]
    tracker, face = Recalled(NoisyTracker()), FaceFrame()  # type: ignore[arg-type]
    whole, stands = [], []
    for frame, people in place_faces(frames, tracker, face, fit=fit, doubt=doubt):  # type: ignore[arg-type]
        tracker.forget(frame.time, *fit.needs)
        whole.append(people)
        stands.append((frame.index, tracker.state()))
    assert [len(people) for people in whole] == [sum(there(i) for there in THERE) for i in range(COUNT)]
    for mark, state in stands[5::12]:
        again = Recalled(NoisyTracker())  # type: ignore[arg-type]
        again.restore(state)
        left = frames[state["answers"][0][0] :]
        for frame, people in place_faces(left, again, face, fit=fit, doubt=doubt):  # type: ignore[arg-type]
            assert frame.index <= mark or same(people, whole[frame.index]), f"cut behind frame {mark}, other in {frame.index}"


def test_of_a_long_clip_few_answers_are_kept() -> None:
    fit = landmark_fit(steadiness_of(Settings()))
    tracker = Recalled(NoisyTracker())  # type: ignore[arg-type]
    for frame in (SimpleNamespace(index=i, time=float(time)) for i, time in enumerate(EVEN)):
        tracker.update(frame)  # type: ignore[arg-type]
        tracker.forget(frame.time, *fit.needs)
    assert len(tracker.recent) <= 25 * (fit.behind + fit.ahead) + 8
