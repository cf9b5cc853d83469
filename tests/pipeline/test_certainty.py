"""Less of an edit where a face can't bear it: by how much, how smoothly, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.scripted import face_points, make_clip, same_planes, script, watched
from tests.tinypack import make_tiny_pack
from videdit.config import Settings
from videdit.faces.track import Observation
from videdit.packs.load import Pack, load_pack
from videdit.pipeline.certainty import factors_of, strength_of
from videdit.pipeline.lowered import Lowered
from videdit.pipeline.people import Person, fill
from videdit.pipeline.steadiness import steadiness_of, there, weights_of
from videdit.types import Frame, LatentTrack, Track

TIMES = np.arange(40) / 20
PX = float(np.sqrt(np.prod(np.ptp(face_points(0.0), axis=0))))


def person(**arrays: np.ndarray) -> Person:
    """40 frames of a face that faces the camera, sharp and sure, unless `arrays` of its track say otherwise."""
    points = np.stack([face_points(0.0)] * 40)
    track = Track(np.arange(40), TIMES, np.zeros((40, 4, 2)), points, np.ones(40, np.float32), np.full(40, 0.3, np.float32))
    w = np.random.default_rng(0).normal(size=(40, 2, 3)).astype(np.float32)
    return Person(replace(track, **arrays), LatentTrack(w, np.ones(40, bool), "p"), np.zeros((1, 8, 8, 3), np.uint8), np.zeros(1, int))


def strengths(who: Person, settings: Settings = Settings()) -> np.ndarray:
    return strength_of(factors_of(who, settings), TIMES, there(who), settings.ramp)


def test_a_plain_face_keeps_exactly_everything() -> None:
    assert (strengths(person()) == 1).all()
    assert (weights_of(person()) == 1).all()


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("presence", {"confidence": np.where(TIMES < 1, 1, 0.5).astype(np.float32)}),
        ("blur", {"blur": np.where(TIMES < 1, 0.3, 4.5).astype(np.float32)}),
        ("size", {"landmarks": np.stack([face_points(0.0, eyes=22.0 if t < 1 else 22.0 * 18 / PX) for t in TIMES])}),
    ],
)
def test_each_reason_takes_it_away_smoothly(name: str, bad: dict[str, np.ndarray]) -> None:
    found = strengths(person(**bad))
    assert (found[:17] == 1).all()
    assert (found[20:] == 0).all()
    assert 0 < found[19] < 1, "it popped"
    factors = factors_of(person(**bad), Settings())
    assert {reason for reason, values in factors.items() if values.min() < 1} == {name}


def test_thresholds_are_settings() -> None:
    small = person(landmarks=np.stack([face_points(0.0, eyes=22.0 * 18 / PX)] * 40))
    assert (strengths(small) == 0).all()
    assert (strengths(small, Settings(min_face=0)) == 1).all()
    dim = person(confidence=np.full(40, 0.6, np.float32), blur=np.full(40, 3.0, np.float32))
    assert 0 < strengths(dim).max() < strengths(dim, Settings(min_presence=0.0)).max() < 1
    assert strengths(dim, Settings(min_presence=0.0, max_blur=100)).min() == 1


def test_a_profile_gets_less() -> None:
    points = face_points(0.0)
    turned = np.stack([points] * 40)
    turned[:, 30, 0] += np.linspace(0, 3, 40) * (points[45, 0] - points[36, 0]) / 2
    found = strengths(person(landmarks=turned))
    assert (np.diff(found) <= 1e-6).all()
    assert found[0] == 1 and found[-1] == 0


def test_gaps_are_straight_lines() -> None:
    valid = np.ones(40, bool)
    valid[[0, 10, 11, 12, 39]] = False
    uneven = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.09, 40))
    line = (uneven[:, None] * [3.0, -7.0]).astype(np.float32)
    out = fill(line[valid], uneven, valid)
    assert out.dtype == np.float32
    assert np.array_equal(out[valid], line[valid])
    np.testing.assert_allclose(out[10:13], line[10:13], rtol=1e-5)
    assert np.array_equal(out[0], line[1]) and np.array_equal(out[39], line[38])


def test_bridged_and_misplaced_frames_have_no_say() -> None:
    who = person()
    who.latents.valid[10] = False
    who.latents.w[20] += 50
    weights = weights_of(who)
    assert np.flatnonzero(weights < 1).tolist() == [10, 20]
    assert weights[10] == 0 and weights[20] == 0


def test_counts_and_words() -> None:
    lowered = Lowered()
    assert not lowered and lowered.sentence() == ""
    valid = np.array([1, 1, 0, 1, 1, 0, 0, 1], bool)
    present = np.array([1, 1, 1, 1, 1, 0, 0, 1], bool)
    factors = {"yaw": np.array([1, 0.5, 1, 0.4, 0, 1, 1, 1]), "blur": np.array([1, 1, 1, 0.9, 1, 1, 1, 1])}
    lowered.add(factors, np.array([1, 1, 1, 1, 0.6, 0, 0, 0.5]), valid=valid, present=present)
    assert lowered.as_json() == {
        "lowered": {"frames": 3, "yaw": 2, "blur": 1, "ramp": 1},
        "left_out": {"frames": 3, "yaw": 1, "ramp": 1, "missing": 2},
        "bridged": 1,
    }
    assert lowered.sentence() == (
        "the edit was lowered in 3 frames (turned away 2, blurred 1, beside a gap 1), "
        "left out in 3 frames (turned away 1, beside a gap 1, not seen 2), carried on through 1 frame in which the face was missed"
    )


def test_stabilise_in_seconds() -> None:
    plain = steadiness_of(Settings())
    assert (plain.method, plain.geometry, plain.latents, plain.changes) == ("gaussian", 0.06, 0.12, 0.1)
    off, most = steadiness_of(Settings(stabilise=0)), steadiness_of(Settings(stabilise=1))
    assert (off.geometry, off.latents, off.changes) == (0, 0, 0)
    assert (most.geometry, most.latents, most.changes) == (0.24, 0.48, 0.4)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(make_tiny_pack(tmp_path_factory.mktemp("packs")))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


def changed(seen: list) -> np.ndarray:
    return np.array([np.abs(after.planes[0].astype(int) - before.planes[0]).mean() for before, after, _ in seen])


def test_a_short_miss_is_bridged_and_said(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda time: not 0.48 < time < 0.52)
    report, seen = watched(clip, tmp_path / "out.mp4", {"smile": 1.5}, Settings(cache=False), pack)
    assert report.as_json()["bridged"] == 1
    assert report.as_json()["lowered"]["frames"] == 0
    levels = changed(seen)
    assert levels[12] == pytest.approx((levels[11] + levels[13]) / 2, rel=0.3)


@pytest.mark.parametrize("ramp", [0.0, 0.15])
def test_a_longer_one_ramps(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch, ramp: float) -> None:
    script(monkeypatch, lambda time: not 0.4 < time < 0.65)
    report, seen = watched(clip, tmp_path / "out.mp4", {"smile": 1.5}, Settings(cache=False, ramp=ramp), pack)
    gone = [0.4 < before.time < 0.65 for before, _, _ in seen]
    assert all(same_planes(before, after) for (before, after, _), out in zip(seen, gone, strict=True) if out)
    assert report.as_json()["left_out"] == {"frames": sum(gone), "missing": sum(gone)}
    assert bool(report.as_json()["lowered"]["frames"]) == (ramp > 0)
    assert (changed(seen)[9] < 0.6 * changed(seen)[4]) == (ramp > 0)


@pytest.mark.parametrize("how", ["gaussian", "savgol", "lowpass", "one-euro"])
def test_a_jumping_frame_does_not_move_the_others(
    how: str, clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One frame's landmarks lie elsewhere: geometry of all others stays where it is, by every smoother."""
    tracker = script(monkeypatch)

    def update(frame: Frame) -> list[Observation]:
        return [Observation(0, face_points(frame.time) + (25.0 if frame.index == 12 else 0.0), 0.99)]

    monkeypatch.setattr(tracker, "update", update)
    seen: list[np.ndarray] = []
    monkeypatch.setattr("videdit.pipeline.people.crop_quad", lambda picture, quad, size: seen.append(quad) or np.zeros((size, size, 3)))
    from videdit.pipeline.models import Models
    from videdit.pipeline.report import Stopwatch
    from videdit.pipeline.watch import watch
    from videdit.video.reader import read_frames

    settings = Settings(smoother=how, cache=False)
    track = watch(read_frames(clip), Models.load(settings, pack), settings, clock=Stopwatch()).people[0].track
    off = np.abs(track.landmarks - np.stack([face_points(t) for t in track.times])).max((1, 2))
    assert off.max() < (1.5 if how == "one-euro" else 0.3)


@pytest.mark.parametrize("how", ["savgol", "lowpass", "one-euro"])
def test_other_smoothers_edit_too(how: str, clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    _, plain = watched(clip, tmp_path / "a.mp4", {"smile": 1.5}, Settings(cache=False), pack)
    _, other = watched(clip, tmp_path / "b.mp4", {"smile": 1.5}, Settings(cache=False, smoother=how), pack)
    assert not all(same_planes(a, b) for (_, a, _), (_, b, _) in zip(plain, other, strict=True))
    np.testing.assert_allclose(changed(other), changed(plain), rtol=0.6, atol=0.3)
