"""Several people through the whole pipeline: who is who, whom --face means, and a plan for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.scripted import make_clip, picture, same_planes, watched
from tests.tinypack import make_tiny_pack
from videdit import pipeline
from videdit.config import Settings
from videdit.errors import NobodyError, UsageError
from videdit.faces.shape import MEAN_FACE
from videdit.faces.track import Observation
from videdit.packs.load import Pack, load_pack
from videdit.types import Frame

LEFT, RIGHT = np.array([40.0, 50.0]), np.array([118.0, 58.0])
Looks = Callable[[np.ndarray], np.ndarray]


class TwoPeople:
    """A tracker by script: a small face on the left all the time, a larger one on the right until 0.75 s; a cut at 0.5 s."""

    def __init__(self, cut: float = 0.5) -> None:
        self.cut, self.shots = cut, [0]

    def state(self) -> dict[str, list[int]]:
        """For `restore`, where pass 1 takes so long that it is kept."""
        return {"shots": self.shots}

    def restore(self, state: dict[str, list[int]]) -> None:
        self.shots = state["shots"]

    def update(self, frame: Frame) -> list[Observation]:
        shot = int(frame.time >= self.cut)
        if shot == len(self.shots):
            self.shots.append(frame.index)
        seen = [Observation(2 * shot, MEAN_FACE * 13 + LEFT, 0.99)]
        return [*seen, Observation(2 * shot + 1, MEAN_FACE * 20 + RIGHT, 0.99)] if frame.time < 0.75 else seen


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(make_tiny_pack(tmp_path_factory.mktemp("packs")))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The left face has 30 px and the picture's waves have no edges: both would be left alone for that."""
    return Settings(cache_dir=tmp_path / "cache", tune="off", min_face=0, max_blur=100)


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two scripted people, told apart by the size of their face."""
    monkeypatch.setattr("videdit.pipeline.watch.make_tracker", lambda models, settings: TwoPeople())


def sides(seen: list[tuple]) -> tuple[bool, bool]:  # type: ignore[type-arg]
    """Whether anything was edited on the left and on the right."""
    masks = np.max([mask for _, _, mask in seen], axis=0)
    return bool(masks[:, :70].any()), bool(masks[:, 90:].any())


@pytest.mark.parametrize(
    ("face", "expected"),
    [("largest", (False, True)), ("all", (True, True)), ("left", (True, False)), ("right", (False, True)), ("2", (True, False))],
)
def test_whom_face_means(face: str, expected: tuple[bool, bool], clip: Path, tmp_path: Path, settings: Settings, pack: Pack) -> None:
    report, seen = watched(clip, tmp_path / "out.mp4", {"smile": 1.5}, replace(settings, face=face), pack)
    assert sides(seen) == expected
    assert (report.faces, report.frames_with_face) == (2, 24)


def test_a_plan_for_each(clip: Path, tmp_path: Path, settings: Settings, pack: Pack) -> None:
    each = {1: {"smile": 1.0}, 2: {"age": -1.0}}
    report = pipeline.edit_video(clip, tmp_path / "both.mp4", {}, settings, pack=pack, people=each)
    assert report.people == each
    assert report.as_json()["people"] == each

    def pictures(strengths: dict[str, float], face: str, own: dict[int, dict[str, float]] | None = None) -> list[Frame]:
        out: list[Frame] = []
        chosen = replace(settings, face=face, overwrite=True)
        pipeline.edit_video(
            clip, tmp_path / "o.mp4", strengths, chosen, pack=pack, people=own, on_frame=lambda _, after, mask: out.append(after)
        )
        return out

    both, first, second = pictures({}, "largest", each), pictures({"smile": 1.0}, "1"), pictures({"age": -1.0}, "2")
    half = both[0].width // 2
    for together, one, other in zip(both, first, second, strict=True):
        assert np.array_equal(together.planes[0][:, half:], one.planes[0][:, half:])
        assert np.array_equal(together.planes[0][:, :half], other.planes[0][:, :half])
    shared = pictures({"smile": 1.0}, "all", {2: {"age": -1.0}})
    assert all(np.array_equal(a.planes[0][:, half:], b.planes[0][:, half:]) for a, b in zip(shared, first, strict=True))
    assert not all(np.array_equal(a.planes[0][:, :half], b.planes[0][:, :half]) for a, b in zip(shared, second, strict=True))


def test_a_plan_over_time_for_each(clip: Path, tmp_path: Path, settings: Settings, pack: Pack) -> None:
    """Who is on the right has a curve in frames, who is on the left a number; the window is everybody's."""
    each = {1: {"smile": "0f:0 8f:0 9f:1.5"}, 2: {"age": -1.0}}
    some = replace(settings, from_="4f", to="20f", smooth=0.0)
    seen: list[tuple[int, bool, bool]] = []

    def look(before: Frame, after: Frame, mask: np.ndarray) -> None:
        seen.append((before.index, bool(mask[:, :70].any()), bool(mask[:, 90:].any())))

    report = pipeline.edit_video(clip, tmp_path / "over.mp4", {}, some, pack=pack, people=each, on_frame=look)
    assert [index for index, left, _ in seen if left] == list(range(5, 20))
    assert [index for index, _, right in seen if right] == list(range(9, 18)), "the larger one leaves at 0.75 s"
    assert report.as_json()["people"] == {1: {"smile": "0f:0 8f:0 9f:+1.5"}, 2: {"age": -1.0}}
    assert (report.status, report.window) == ("edited", "from 4f to 20f")


def test_a_person_who_is_not_there(clip: Path, tmp_path: Path, settings: Settings, pack: Pack) -> None:
    with pytest.raises(NobodyError, match="no person 3") as error:
        pipeline.edit_video(clip, tmp_path / "out.mp4", {}, settings, pack=pack, people={3: {"smile": 1.0}})
    assert "people 1 to 2" in error.value.hint
    with pytest.raises(NobodyError):
        pipeline.edit_video(clip, tmp_path / "out.mp4", {"smile": 1.0}, replace(settings, face="5"), pack=pack)
    with pytest.raises(UsageError, match="-3"):
        pipeline.edit_video(clip, tmp_path / "out.mp4", {}, settings, pack=pack, people={1: {"smile": -3.5}})
    assert not (tmp_path / "out.mp4").exists()


def test_a_picture_says_who(clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture shows the left face on its right side; looks are those of the crop's colours here."""

    def looks(pack: Pack, crops: np.ndarray) -> np.ndarray:
        return np.stack([crop.reshape(-1, 3).mean(0) - 128 for crop in np.asarray(crops, np.float64)]).astype(np.float32)

    monkeypatch.setattr("videdit.pipeline.identity.embedding", looks)
    Image.fromarray(np.roll(picture(0), -50, axis=1)).save(tmp_path / "left.png")
    Image.fromarray(255 - picture(0)).save(tmp_path / "nobody.png")
    first = pipeline.preview(clip, {"smile": 1.0}, replace(settings, face=str(tmp_path / "left.png")), at=0.3, pack=pack)
    assert (first[0] != first[1]).any()
    with pytest.raises(NobodyError, match="nobody looks like") as error:
        pipeline.edit_video(clip, tmp_path / "o.mp4", {"smile": 1.0}, replace(settings, face=str(tmp_path / "nobody.png")), pack=pack)
    assert "--face" in error.value.hint
    with pytest.raises(UsageError, match="no file"):
        pipeline.edit_video(clip, tmp_path / "o.mp4", {"smile": 1.0}, replace(settings, face=str(tmp_path / "none.png")), pack=pack)


def test_a_pack_that_knows_no_faces_says_so(clip: Path, tmp_path: Path, settings: Settings, pack: Pack) -> None:
    Image.fromarray(picture(0)).save(tmp_path / "who.png")
    with pytest.raises(UsageError, match="can't tell people apart"):
        pipeline.edit_video(clip, tmp_path / "o.mp4", {"smile": 1.0}, replace(settings, face=str(tmp_path / "who.png")), pack=pack)


def test_a_preview_counts_people_as_the_clip_does(clip: Path, settings: Settings, pack: Pack) -> None:
    """After 0.75 s the left face is alone there, and still person 2."""
    for face, changed in (("2", True), ("1", False)):
        before, after = pipeline.preview(clip, {"smile": 1.5}, replace(settings, face=face, smooth=0.0), at=0.98, pack=pack)
        assert (before != after).any() == changed
    before, after = pipeline.preview(clip, {}, replace(settings, smooth=0.0), at=0.98, pack=pack, people={2: {"smile": 1.5}})
    assert (before != after).any()
    with pytest.raises(NobodyError):
        pipeline.preview(clip, {}, settings, at=0.98, pack=pack, people={3: {"smile": 1.5}})


def test_frames_take_plans_too(settings: Settings, pack: Pack) -> None:
    one, two = picture(0), picture(1)
    edited = pipeline.edit_frames([one, two], {}, settings, fps=24, pack=pack, people={2: {"smile": 1.5}})
    assert (edited[0][:, :70] != one[:, :70]).any()
    assert not (edited[0][:, 100:] != one[:, 100:]).any()


def test_numbers_are_kept_with_the_tracks(clip: Path, tmp_path: Path, settings: Settings, pack: Pack) -> None:
    reports = [pipeline.edit_video(clip, tmp_path / f"{i}.mp4", {}, settings, pack=pack, people={2: {"smile": 1.0}}) for i in range(2)]
    assert [report.cached for report in reports] == [False, True]
    assert (tmp_path / "0.mp4").read_bytes() == (tmp_path / "1.mp4").read_bytes()
    _, seen = watched(clip, tmp_path / "none.mp4", {}, settings, pack)
    assert all(same_planes(before, after) for before, after, _ in seen)
