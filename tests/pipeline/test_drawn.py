"""--method pixel through the whole pipeline: no latents, the source outside the hull, and beside latent methods."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.scripted import face_points, make_clip, picture, same_outside, same_planes, script, watched
from tests.tinypack import add_pixel, make_tiny_pack
from videdit import pipeline
from videdit.config import Settings
from videdit.edit.pixel import inside
from videdit.errors import UsageError
from videdit.geometry import crop_quad, face_quad
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import save_methods
from videdit.pipeline.changes import crop_points


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_pixel(make_tiny_pack(tmp_path_factory.mktemp("packs")))


@pytest.fixture
def pack(folder: Path) -> Pack:
    return load_pack(folder)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", method="pixel")


def test_outside_the_hull_the_source_stays(
    clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    report, seen = watched(clip, tmp_path / "out.mp4", {"eyeglasses": -1.0}, settings, pack)
    assert (report.status, report.frames) == ("edited", 24)
    assert all(not same_planes(before, after) and same_outside(before, after, mask) for before, after, mask in seen)
    for before, _, mask in seen:
        points = face_points(before.time)
        quad = face_quad(points, pack.face_frame)
        hull = inside(crop_points(points, quad, 256), 256, "eyes")
        near = cv2.dilate(hull, np.ones((33, 33), np.uint8)) > 0  # by two pixels of the pack's crop: landmarks are smoothed
        covered = crop_quad(mask, quad, 256) > 0
        assert covered.any()
        assert not (covered & ~near).any()
    assert not set(pack._loaded) & {"encoder", "generator"}, "what pixel does not need was loaded"


def test_a_second_run_starts_from_the_tracks_and_is_the_same(
    clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    reports = [pipeline.edit_video(clip, tmp_path / f"{i}.mp4", {"male": -1.0}, settings, pack=pack) for i in range(2)]
    assert [report.cached for report in reports] == [False, True]
    assert (tmp_path / "0.mp4").read_bytes() == (tmp_path / "1.mp4").read_bytes()
    latent = Settings(cache_dir=settings.cache_dir, method="axes")
    assert not pipeline.edit_video(clip, tmp_path / "2.mp4", {"male": -1.0}, latent, pack=pack).cached, "those tracks have no latents"


def test_nothing_is_rendered_or_kept(clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """How latents would be found is no matter either."""
    script(monkeypatch)
    for i, invert in enumerate(("encoder", "optimize")):
        report = pipeline.edit_video(clip, tmp_path / f"{i}.mp4", {"male": -1.0}, replace(settings, invert=invert), pack=pack)
        assert report.cached == (i == 1)
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["tracks"]


def test_nothing_asked_nothing_changed(clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    _, seen = watched(clip, tmp_path / "out.mp4", {"eyeglasses": 0.0}, settings, pack)
    assert all(same_planes(before, after) for before, after, _ in seen)


def test_a_direction_that_was_not_trained(clip: Path, tmp_path: Path, settings: Settings, pack: Pack) -> None:
    with pytest.raises(UsageError, match="no pixel transform"):
        pipeline.edit_video(clip, tmp_path / "out.mp4", {"eyeglasses": 1.0}, settings, pack=pack)
    assert not (tmp_path / "out.mp4").exists()


def test_a_clip_and_its_frames_come_out_alike(clip: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    frames = [picture(i) for i in range(10)]
    edited = pipeline.edit_frames(frames, {"mouth-open": 1.0}, settings, fps=24, pack=pack)
    assert all(not np.array_equal(a, b) for a, b in zip(frames, edited, strict=True))
    before, after = pipeline.preview(clip, {"mouth-open": 1.0}, settings, at=0.5, pack=pack)
    assert not np.array_equal(before, after)


@pytest.mark.parametrize("mode", ["transfer", "render"])
def test_beside_a_latent_method(mode: str, clip: Path, tmp_path: Path, folder: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    save_methods(folder, {"Eyeglasses-": "pixel"})
    settings = Settings(cache=False, tune="off", composite=mode)
    runs = {}
    for name, strengths in (("both", {"eyeglasses": -1.0, "smile": 1.0}), ("pixel", {"eyeglasses": -1.0}), ("axes", {"smile": 1.0})):
        _, seen = watched(clip, tmp_path / f"{name}.mp4", strengths, settings, load_pack(folder))
        assert all(same_outside(before, after, mask) for before, after, mask in seen)
        runs[name] = seen[5][1]
    assert not any(same_planes(runs["both"], runs[one]) for one in ("pixel", "axes"))


def test_beside_an_expression(clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    still = tmp_path / "still.png"
    Image.fromarray(picture(40)).save(still)
    driven, runs = replace(settings, expression_from=still), {}
    for name, strengths, asked in (
        ("both", {"eyeglasses": -1.0}, driven),
        ("pixel", {"eyeglasses": -1.0}, settings),
        ("expression", {}, driven),
    ):
        _, seen = watched(clip, tmp_path / f"{name}.mp4", strengths, asked, pack)
        assert all(same_outside(before, after, mask) and not same_planes(before, after) for before, after, mask in seen)
        runs[name] = seen[5][1]
    assert not any(same_planes(runs["both"], runs[one]) for one in ("pixel", "expression"))
    drawn, both = (pipeline.preview(clip, {"eyeglasses": -1.0}, some, at=0.2, pack=pack)[1] for some in (settings, driven))
    assert not np.array_equal(drawn, both)


def test_debug_pictures(clip: Path, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    settings = Settings(cache=False, method="pixel", debug_dir=tmp_path / "debug")
    pipeline.edit_video(clip, tmp_path / "out.mp4", {"male": -1.0}, settings, pack=pack)
    assert len(list((tmp_path / "debug").glob("*_edited.png"))) == 24
