"""The tracker with a detector and landmarks that know the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.faces.conftest import MakeFrame, face_at
from videdit.faces.shape import five_points
from videdit.faces.track import FaceTracker, Observation
from videdit.store.plain import load, save
from videdit.types import Face, Frame

World = Callable[[int], list[Face]]  # frame number -> who is there


class Truth:
    """Detector and landmarks in one: both see what the world says of the current frame."""

    long_side = 320

    def __init__(self, world: World) -> None:
        self.world, self.now, self.looks, self.blind = world, 0, 0, False

    def detect(self, rgb: np.ndarray) -> list[Face]:
        self.looks += 1
        faces = [] if self.blind else self.world(self.now)
        faces = sorted(faces, key=lambda f: -float(np.prod(f.box[2:] - f.box[:2])))
        return [Face(f.box, five_points(f.landmarks), f.score) for f in faces]

    def find(self, frame: Frame, face: Face) -> tuple[np.ndarray, float]:
        return self._nearest(face.landmarks.mean(0), 80)

    def follow(self, frame: Frame, points: np.ndarray) -> tuple[np.ndarray, float]:
        return self._nearest(points.mean(0), 30)

    def _nearest(self, where: np.ndarray, reach: float) -> tuple[np.ndarray, float]:
        faces = [f for f in self.world(self.now) if np.abs(f.landmarks.mean(0) - where).max() < reach]
        if not faces:
            return face_at(*where).landmarks, 0.05
        return min(faces, key=lambda f: float(np.abs(f.landmarks.mean(0) - where).max())).landmarks, 0.99


def run(make_frame: MakeFrame, world: World, count: int, *, which: str = "all", cut: int = -1) -> tuple[list[list[Observation]], Truth]:
    truth = Truth(world)
    tracker = FaceTracker(truth, detector=truth, which=which)
    scenes = np.random.default_rng(0).integers(0, 256, (2, 240, 320, 3), np.uint8)
    scenes[1] //= 4
    out = []
    for i in range(count):
        truth.now = i
        out.append(tracker.update(make_frame(scenes[int(0 <= cut <= i)], i)))
    return out, truth


def numbers(seen: list[list[Observation]]) -> list[list[int]]:
    return [[o.track_id for o in people] for people in seen]


def test_two_moving_people_keep_their_numbers(make_frame: MakeFrame) -> None:
    def world(i: int) -> list[Face]:
        return [face_at(80 + i, 90), face_at(240 - i, 120, 30)]

    seen, _ = run(make_frame, world, 40)
    assert numbers(seen) == [[0, 1]] * 40
    assert np.allclose(seen[-1][0].landmarks, world(39)[0].landmarks)


def test_who_comes_later_joins_within_half_a_second(make_frame: MakeFrame) -> None:
    seen, _ = run(make_frame, lambda i: [face_at(80, 90)] + ([face_at(240, 120)] if i >= 20 else []), 40)
    assert numbers(seen)[19] == [0]
    assert numbers(seen)[33] == [0, 1]


def test_who_hides_for_a_moment_comes_back_under_the_old_number(make_frame: MakeFrame) -> None:
    seen, _ = run(make_frame, lambda i: [] if 10 <= i < 20 else [face_at(80, 90)], 40)
    assert numbers(seen)[:10] == [[0]] * 10
    assert numbers(seen)[10:20] == [[]] * 10
    assert numbers(seen)[28:] == [[0]] * 12


def test_a_cut_ends_every_track_and_looks_at_once(make_frame: MakeFrame) -> None:
    seen, _ = run(make_frame, lambda i: [face_at(80, 90)], 20, cut=7)
    assert numbers(seen) == [[0]] * 7 + [[1]] * 13


def test_largest_follows_all_who_may_be_it(make_frame: MakeFrame) -> None:
    def world(i: int) -> list[Face]:  # the second becomes slightly larger again and again, the third is somebody in the crowd
        return [face_at(80, 90, 40), face_at(230, 110, 44 if i // 10 % 2 else 36), face_at(290, 220, 11)]

    assert numbers(run(make_frame, world, 40, which="largest")[0]) == [[0, 1]] * 40
    assert numbers(run(make_frame, world, 40, which="all")[0]) == [[0, 1, 2]] * 40


def test_largest_takes_in_somebody_much_larger(make_frame: MakeFrame) -> None:
    seen, _ = run(make_frame, lambda i: [face_at(80, 90, 12), *([face_at(220, 110, 44)] if i >= 5 else [])], 60, which="largest")
    assert numbers(seen)[4] == [0]
    assert numbers(seen)[-1] == [0, 1]


def test_somebody_alone_is_looked_at_once_a_second(make_frame: MakeFrame) -> None:
    _, truth = run(make_frame, lambda i: [face_at(80, 90)], 101, which="largest")
    assert truth.looks == 5


def test_a_clip_without_faces_is_looked_at_every_third_of_a_second(make_frame: MakeFrame) -> None:
    seen, truth = run(make_frame, lambda i: [], 100)
    assert numbers(seen) == [[]] * 100
    assert truth.looks <= 14


def test_one_face_seen_twice_is_one_person(make_frame: MakeFrame) -> None:
    seen, _ = run(make_frame, lambda i: [face_at(100, 100), face_at(103, 101)], 30)
    assert numbers(seen) == [[0]] * 30


class Hiding(Truth):
    """Who is behind somebody else is not seen: points slide onto the face in front, and the detector finds that one only."""

    def __init__(self, world: World, *, hides: float = 45, reach: float = 60) -> None:
        super().__init__(world)
        self.tracked, self.hides, self.reach = world, hides, reach
        self.world = self._front

    def _front(self, i: int) -> list[Face]:
        """The world names who is in front first."""
        seen: list[Face] = []
        for face in self.tracked(i):
            if not any(np.abs(face.landmarks.mean(0) - f.landmarks.mean(0)).max() < self.hides for f in seen):
                seen.append(face)
        return seen

    def follow(self, frame: Frame, points: np.ndarray) -> tuple[np.ndarray, float]:
        return self._nearest(points.mean(0), self.reach)


def crossing(front: int) -> World:
    """Two people who swap sides, the one in front (0 comes from the left) first."""

    def world(i: int) -> list[Face]:
        people = [face_at(60 + 3.2 * i, 100, 30), face_at(260 - 3.2 * i, 104, 30)]
        return [people[front], people[1 - front]]

    return world


@pytest.mark.parametrize("front", [0, 1])
def test_who_passes_behind_somebody_keeps_the_number(make_frame: MakeFrame, front: int) -> None:
    world = crossing(front)
    truth = Hiding(world)
    tracker = FaceTracker(truth, detector=truth, which="all")
    picture = np.zeros((240, 320, 3), np.uint8)
    seen = []
    for i in range(62):
        truth.now = i
        seen.append(tracker.update(make_frame(picture, i)))
    assert any(len(people) == 1 for people in seen[20:45])
    assert sorted(numbers(seen)[-1]) == [0, 1]
    for i in (*range(15), *range(50, 62)):
        assert all(np.allclose(person.landmarks, world(i)[person.track_id].landmarks) for person in seen[i])


def test_somebody_else_at_the_same_place_is_told_by_looks(make_frame: MakeFrame) -> None:
    def world(i: int) -> list[Face]:
        return [face_at(80, 90), *([] if 20 <= i < 28 else [face_at(230, 100)])]

    def run_with(embed: Callable[[Frame, np.ndarray], np.ndarray] | None) -> list[int]:
        truth = Truth(world)
        tracker = FaceTracker(truth, detector=truth, which="all", embed=embed)
        picture = np.zeros((240, 320, 3), np.uint8)
        for i in range(45):
            truth.now = i
            last = tracker.update(make_frame(picture, i))
        return [o.track_id for o in last]

    def looks(frame: Frame, points: np.ndarray) -> np.ndarray:  # who comes back on the right is somebody else
        return np.eye(3)[0 if points.mean() < 130 else 1 if frame.index < 20 else 2]

    assert run_with(None) == [0, 1]
    assert run_with(looks) == [0, 2]


def test_weak_landmarks_nobody_confirms_are_dropped(make_frame: MakeFrame) -> None:
    truth = Truth(lambda i: [face_at(100, 100)])
    tracker = FaceTracker(truth, detector=truth, which="all", detect_every=0.1)
    follow = truth.follow
    truth.follow = lambda frame, points: (follow(frame, points)[0], 0.7)  # type: ignore[method-assign]
    picture = np.zeros((240, 320, 3), np.uint8)
    people = []
    for i in range(60):
        truth.now, truth.blind = i, i > 10
        people.append(len(tracker.update(make_frame(picture, i))))
    assert people[10] == 1
    assert people[-1] == 0


def test_unknown_choice_is_refused() -> None:
    truth = Truth(lambda i: [])
    with pytest.raises(ValueError, match="largest"):
        FaceTracker(truth, detector=truth, which="some")


def test_a_tracker_goes_on_where_another_one_stood(make_frame: MakeFrame, tmp_path: Path) -> None:
    """People who cross, one who is out of sight, and a cut soon after: from any frame on the same, to the bit."""

    def world(i: int) -> list[Face]:
        return [face_at(80 + 3 * i, 90), *([face_at(240 - 3 * i, 100, 30)] if not 18 < i < 25 else [])]

    scenes = np.random.default_rng(0).integers(0, 256, (2, 240, 320, 3), np.uint8)
    scenes[1] //= 4
    frames = [make_frame(scenes[int(i >= 40)], i) for i in range(48)]

    def follow(tracker: FaceTracker, start: int) -> list[list[Observation]]:
        out = []
        for i in range(start, len(frames)):
            truth.now = i
            out.append(tracker.update(frames[i]))
            if start == 0:
                save(tmp_path / f"{i}.npz", tracker.state())
        return out

    truth = Truth(world)
    first = FaceTracker(truth, detector=truth, which="all")
    whole = follow(first, 0)
    assert len({o.track_id for people in whole for o in people}) > 2
    for start in (5, 17, 21, 27, 41):
        other = FaceTracker(truth, detector=truth, which="all")
        other.restore(load(tmp_path / f"{start - 1}.npz"))
        again = follow(other, start)
        assert numbers(again) == numbers(whole[start:])
        assert all(
            np.array_equal(a.landmarks, b.landmarks) for x, y in zip(again, whole[start:], strict=True) for a, b in zip(x, y, strict=True)
        )
        assert other.shots == first.shots == [0, 40]
        assert other.state().keys() == first.state().keys()
