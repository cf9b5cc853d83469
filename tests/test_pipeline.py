"""The invariants of the whole, on clips made here, with a random pack and a face whose place is known."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.scripted import HEIGHT, WIDTH, make_clip, packets, picture, same_outside, same_planes, script, watched
from tests.tinypack import make_tiny_pack
from videdit import pipeline
from videdit.config import Settings
from videdit.errors import NoFaceError, OutputError, UnreadableError, UsageError
from videdit.packs.load import Pack, load_pack
from videdit.video.reader import read_frames

UNEVEN = (0, 1, 2, 4, 5, 9, 10, 11, 12, 13, 16, 17, 18, 20, 21, 22, 23, 24)


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return load_pack(make_tiny_pack(tmp_path_factory.mktemp("packs")))


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", tune="off")


def test_only_the_face_changes(clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    report, seen = watched(clip, tmp_path / "out.mp4", {"smile": 1.5}, settings, pack)
    assert (report.status, report.frames, report.frames_with_face, report.faces) == ("edited", 24, 24, 1)
    assert all(same_outside(before, after, mask) for before, after, mask in seen)
    assert all(not same_planes(before, after) for before, after, _ in seen)
    assert all(mask.min() >= 0 and mask.max() <= 1 and (mask == 0).mean() > 0.3 for _, _, mask in seen)
    assert report.seconds
    assert report.licences
    assert report.as_json()["status"] == "edited"


@pytest.mark.parametrize("pts", [tuple(range(24)), UNEVEN])
def test_times_and_sound_are_kept(
    pts: tuple[int, ...], tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    source = make_clip(tmp_path / "in.mp4", pts=pts)
    pipeline.edit_video(source, tmp_path / "out.mp4", {"smile": 1.0}, settings, pack=pack)
    times = [[frame.time for frame in read_frames(path)] for path in (source, tmp_path / "out.mp4")]
    assert times[0] == times[1]
    assert packets(source, "audio") == packets(tmp_path / "out.mp4", "audio") != []


@pytest.mark.parametrize("strengths", [{}, {"smile": 0.0}, {"smile": 0.0, "age": 0.0}])
def test_zero_edit_keeps_every_sample(
    strengths: dict[str, float], clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    report, seen = watched(clip, tmp_path / "out.mp4", strengths, settings, pack)
    assert report.status == "untouched"
    assert len(seen) == 24
    assert all(same_planes(before, after) and not mask.any() for before, after, mask in seen)


def test_same_bytes_twice_cached_or_not(
    clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = script(monkeypatch)
    reports = [pipeline.edit_video(clip, tmp_path / f"{i}.mp4", {"smile": 1.0}, settings, pack=pack) for i in range(2)]
    assert [report.cached for report in reports] == [False, True]
    assert tracker.calls == 24, "the second run looked for faces again"
    reports.append(pipeline.edit_video(clip, tmp_path / "2.mp4", {"smile": 1.0}, Settings(cache=False), pack=pack))
    assert not reports[2].cached
    written = [(tmp_path / f"{i}.mp4").read_bytes() for i in range(3)]
    assert written[0] == written[1] == written[2]


def test_another_strength_uses_the_cache_and_another_clip_does_not(
    clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    pipeline.edit_video(clip, tmp_path / "a.mp4", {"smile": 1.0}, settings, pack=pack)
    assert pipeline.edit_video(clip, tmp_path / "b.mp4", {"age": -1.0}, settings, pack=pack).cached
    other = make_clip(tmp_path / "other.mp4", pts=range(9))
    assert not pipeline.edit_video(other, tmp_path / "c.mp4", {"smile": 1.0}, settings, pack=pack).cached


def test_without_a_face_the_clip_passes_through(
    clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, lambda time: False)
    report, seen = watched(clip, tmp_path / "out.mp4", {"smile": 1.0}, settings, pack)
    assert (report.status, report.faces, report.frames) == ("no face", 0, 24)
    assert all(same_planes(before, after) for before, after, _ in seen)
    assert (tmp_path / "out.mp4").exists()


def test_the_edit_fades_around_a_gap(clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda time: not 0.4 < time < 0.6)
    report, seen = watched(clip, tmp_path / "out.mp4", {"smile": 1.5}, settings, pack)
    strength = [np.abs(after.planes[0].astype(int) - before.planes[0]).mean() for before, after, _ in seen]
    missing = [0.4 < before.time < 0.6 for before, _, _ in seen]
    assert all(same_planes(b, a) for (b, a, _), gone in zip(seen, missing, strict=True) if gone)
    first = missing.index(True)
    assert 0 < strength[first - 1] < 0.5 * strength[first - 5]
    assert report.frames_with_face == 24 - sum(missing)


def test_tuning_is_kept_and_repeats_itself(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    if "classifier" not in pack.manifest.networks:
        pytest.skip("the tiny pack has no classifier to tune with")
    tuned = Settings(cache_dir=tmp_path / "cache", tune="3")
    reports = [pipeline.edit_video(clip, tmp_path / f"{i}.mp4", {"smile": 1.0}, tuned, pack=pack) for i in range(2)]
    assert all(report.tuned_steps == 3 for report in reports)
    assert (tmp_path / "0.mp4").read_bytes() == (tmp_path / "1.mp4").read_bytes()


def test_an_output_is_not_overwritten_unasked(clip: Path, tmp_path: Path, settings: Settings, pack: Pack) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"mine")
    with pytest.raises(OutputError, match="there already"):
        pipeline.edit_video(clip, target, {"smile": 1.0}, settings, pack=pack)
    with pytest.raises(OutputError, match="the input itself"):
        pipeline.edit_video(clip, clip, {"smile": 1.0}, settings, pack=pack)
    assert target.read_bytes() == b"mine"


def test_usage_errors_name_what_is_allowed(clip: Path, tmp_path: Path, settings: Settings, pack: Pack) -> None:
    with pytest.raises(UsageError, match="smirk"):
        pipeline.edit_video(clip, tmp_path / "out.mp4", {"smirk": 1.0}, settings, pack=pack)
    with pytest.raises(UsageError, match="smile"):
        pipeline.edit_video(clip, tmp_path / "out.mp4", {"smile": 4.0}, settings, pack=pack)
    assert not (tmp_path / "out.mp4").exists()


def test_pictures_in_and_out(pack: Pack, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    rgb = picture(0)
    out = pipeline.edit_frame(rgb, {"smile": 1.5}, settings, pack=pack)
    assert out.shape == rgb.shape
    assert out.dtype == np.uint8
    assert np.array_equal(rgb, picture(0)), "the input was changed"
    assert not np.array_equal(out, rgb)
    assert np.array_equal(out[:8, :8], rgb[:8, :8])
    assert np.array_equal(pipeline.edit_frame(rgb, {}, settings, pack=pack), rgb)
    frames = pipeline.edit_frames([picture(i) for i in range(5)], {"smile": 1.5}, settings, fps=24, pack=pack)
    assert len(frames) == 5
    assert pipeline.edit_frames([], {"smile": 1.0}, settings, pack=pack) == []


def test_arrays_that_are_no_pictures_are_usage_errors(pack: Pack, settings: Settings) -> None:
    for wrong in (np.zeros((4, 4)), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8)):
        with pytest.raises(UsageError, match="uint8"):
            pipeline.edit_frame(wrong, {"smile": 1.0}, settings, pack=pack)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="size"):
        pipeline.edit_frames([np.zeros((4, 4, 3), np.uint8), np.zeros((6, 4, 3), np.uint8)], {"smile": 1.0}, settings, pack=pack)


def test_a_moment_a_sheet_and_a_ladder(clip: Path, pack: Pack, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    before, after = pipeline.preview(clip, {"smile": 1.5}, settings, at=0.5, pack=pack)
    again, _ = pipeline.preview(clip, {"smile": 1.5}, settings, frame=12, pack=pack)
    assert before.shape == after.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(before, again)
    assert not np.array_equal(before, after)
    assert pipeline.sheet(clip, {"smile": 1.0}, settings, count=3, height=64, pack=pack).shape == (128, 240, 3)
    ladder = pipeline.ladder(clip, "smile", [-1, 0, 1], settings, at=0.5, height=HEIGHT, pack=pack)
    assert ladder.shape == (HEIGHT, 3 * WIDTH, 3)
    assert np.array_equal(ladder[:, WIDTH : 2 * WIDTH], before), "strength 0 is the source"


def test_moments_beyond_the_clip_and_without_a_face(clip: Path, pack: Pack, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda time: False)
    with pytest.raises(UsageError, match="no frame 99"):
        pipeline.preview(clip, {"smile": 1.0}, settings, frame=99, pack=pack)
    with pytest.raises(UsageError, match="ends before"):
        pipeline.preview(clip, {"smile": 1.0}, settings, at=9.0, pack=pack)
    with pytest.raises(NoFaceError):
        pipeline.preview(clip, {"smile": 1.0}, settings, at=0.5, pack=pack)


def test_a_frame_that_stands_for_long_is_previewed(tmp_path: Path, pack: Pack, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    slides = make_clip(tmp_path / "slides.mp4", pts=[0, 1, 300, 301])
    before, _ = pipeline.preview(slides, {"smile": 1.0}, settings, at=5.0, pack=pack)
    shown, _ = pipeline.preview(slides, {"smile": 1.0}, settings, frame=1, pack=pack)
    assert np.array_equal(before, shown)


def test_an_expression_is_taken_and_followed(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    still = tmp_path / "still.png"
    Image.fromarray(picture(40)).save(still)
    base = Settings(cache_dir=tmp_path / "cache", tune="off")
    from_still = replace(base, expression_from=still)
    report, seen = watched(clip, tmp_path / "a.mp4", {}, from_still, pack)
    assert (report.status, report.edits) == ("edited", {"expression": 1.0})
    assert all(same_outside(before, after, mask) and not same_planes(before, after) for before, after, mask in seen)
    again = pipeline.edit_video(clip, tmp_path / "b.mp4", {}, from_still, pack=pack)
    assert again.cached
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    report, seen = watched(clip, tmp_path / "c.mp4", {}, replace(from_still, expression=0.0), pack)
    assert report.status == "untouched"
    # a clip that drives itself, smoothed alike, gives nothing new
    _, seen = watched(clip, tmp_path / "d.mp4", {}, replace(base, expression_from=clip), pack)
    assert max(np.abs(after.planes[0].astype(int) - before.planes[0]).max() for before, after, _ in seen) <= 1
    before, after = pipeline.preview(clip, {"smile": 0.5}, from_still, at=0.5, pack=pack)
    assert not np.array_equal(before, after)


def test_drivers_that_are_none(clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda time: False)
    other = make_clip(tmp_path / "other.mp4", pts=range(3))
    with pytest.raises(UsageError, match="no face in"):
        pipeline.edit_video(clip, tmp_path / "out.mp4", {}, replace(settings, expression_from=other), pack=pack)
    with pytest.raises(UsageError, match="no file"):
        pipeline.edit_video(clip, tmp_path / "out.mp4", {}, replace(settings, expression_from=tmp_path / "none.jpg"), pack=pack)
    other.write_bytes(b"not a clip")
    with pytest.raises(UnreadableError):
        pipeline.edit_video(clip, tmp_path / "out.mp4", {}, replace(settings, expression_from=other), pack=pack)
    assert not (tmp_path / "out.mp4").exists()


def test_optimised_latents_are_kept_apart(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    monkeypatch.setattr("videdit.invert.optimize.STEPS", 2)
    monkeypatch.setattr("videdit.invert.optimize.WARM_STEPS", 1)
    cached = []
    for i, invert in enumerate(("encoder", "optimize", "optimize", "encoder")):
        settings = Settings(cache_dir=tmp_path / "cache", tune="off", invert=invert)
        cached.append(pipeline.edit_video(clip, tmp_path / f"{i}.mp4", {"smile": 1.0}, settings, pack=pack).cached)
    assert cached == [False, False, True, True]
    written = [(tmp_path / f"{i}.mp4").read_bytes() for i in range(4)]
    assert written[0] == written[3] != written[1] == written[2]


def test_renders_of_the_unedited_face_are_shared(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """By every edit and expression; not by latents that were found or smoothed in another way."""
    script(monkeypatch)
    monkeypatch.setattr("videdit.invert.optimize.STEPS", 2)
    monkeypatch.setattr("videdit.invert.optimize.WARM_STEPS", 1)
    cache = tmp_path / "cache"
    base = Settings(cache_dir=cache, tune="off")
    driven = replace(base, expression_from=clip)
    counts = []
    for i, settings in enumerate((base, base, driven, replace(base, invert="optimize"), replace(base, smooth=0.3))):
        pipeline.edit_video(clip, tmp_path / f"{i}.mp4", {"smile": 1.0 + i / 2}, settings, pack=pack)
        counts.append(len(list((cache / "renders").glob("*.npy"))))
    assert counts == [1, 1, 1, 2, 3]
    pipeline.edit_video(clip, tmp_path / "alone.mp4", {"smile": 2.0}, replace(driven, cache=False), pack=pack)
    assert (tmp_path / "alone.mp4").read_bytes() == (tmp_path / "2.mp4").read_bytes()


def test_debug_pictures(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    settings = Settings(cache=False, tune="off", debug_dir=tmp_path / "debug")
    pipeline.edit_video(clip, tmp_path / "out.mp4", {"smile": 1.0}, settings, pack=pack)
    names = {path.name.split("_", 1)[1] for path in (tmp_path / "debug").iterdir()}
    assert {"crop.png", "inversion.png", "edited.png", "flow.png", "mask.png", "composite.png"} <= names


def test_importing_videdit_imports_no_torch() -> None:
    code = "import sys, videdit; early = {'torch', 'cv2', 'av', 'numpy'} & set(sys.modules); assert not early, early; videdit.edit_video"
    subprocess.run([sys.executable, "-c", code], check=True)
