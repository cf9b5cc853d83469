"""Strengths over time and --from, --to through the whole pipeline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from tests.scripted import make_clip, picture, same_outside, same_planes, script, watched
from tests.tinypack import add_pixel, make_tiny_pack
from videdit import Curve, pipeline
from videdit.config import Settings
from videdit.errors import UsageError
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import save_methods

RISING = Curve((0.25, 0.75), (0.0, 1.5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pack = add_pixel(make_tiny_pack(tmp_path_factory.mktemp("packs")))
    save_methods(pack, {"Male-": "pixel"})
    return pack


@pytest.fixture
def pack(folder: Path) -> Pack:
    return load_pack(folder)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", tune="off")


def packets(path: Path) -> list[tuple[int, int | None, bytes]]:
    """All that a file plays: number of the stream, time, bytes."""
    with av.open(str(path)) as container:
        return [(packet.stream_index, packet.pts, bytes(packet)) for packet in container.demux() if packet.size]


def size_of(before, after) -> float:  # type: ignore[no-untyped-def]
    return float(np.abs(after.planes[0].astype(int) - before.planes[0]).mean())


@pytest.mark.parametrize("mode", ["transfer", "render"])
def test_frames_of_strength_0_are_the_source(
    mode: str, clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit, though changes are smoothed over time, and though a batch is rendered for the frames beside them."""
    script(monkeypatch)
    curves = {"smile": RISING, "age": Curve((0.5, 0.75), (0, -1))}
    report, seen = watched(clip, tmp_path / "out.mp4", curves, replace(settings, composite=mode), pack)
    assert (report.status, report.edits) == ("edited", curves)
    assert report.as_json()["edits"] == {"smile": "0.25s:0 0.75s:+1.5", "age": "0.5s:0 0.75s:-1"}
    assert all(same_planes(b, a) == (b.time <= 0.25) for b, a, _ in seen)
    assert all(not mask.any() for b, _, mask in seen if b.time <= 0.25)
    assert all(same_outside(*frame) for frame in seen)
    sizes = [size_of(b, a) for b, a, _ in seen]
    if mode == "transfer":
        assert sizes[8] < sizes[12] < sizes[18], "it does not grow with the curve"


def test_a_constant_curve_gives_the_same_file_as_its_number(
    clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    for name, strength in (("number", 1.0), ("curve", Curve((0, 9), (1, 1))), ("words", "0s:1")):
        pipeline.edit_video(clip, tmp_path / f"{name}.mp4", {"smile": strength}, settings, pack=pack)
    number, curve, words = (packets(tmp_path / f"{name}.mp4") for name in ("number", "curve", "words"))
    assert len(number) > 24  # and sound
    assert number == curve == words, "all but what the file says of the edit"


def test_an_edit_stays_within_its_window(
    clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    some = replace(settings, from_=0.25, to="18f")  # 0.75 s
    report, seen = watched(clip, tmp_path / "out.mp4", {"smile": 1.5}, some, pack)
    assert (report.status, report.window) == ("edited", "from 0.25s to 18f")
    assert all(same_planes(b, a) != (0.25 < b.time < 0.75) for b, a, _ in seen)
    sizes = [size_of(b, a) for b, a, _ in seen]
    assert sizes[7] < sizes[9] < sizes[12] > sizes[15] > sizes[17], "it does not come and go gently"
    _, always = watched(clip, tmp_path / "all.mp4", {"smile": 1.5}, settings, pack)
    assert size_of(always[12][1], seen[12][1]) < 0.35 * sizes[12], "in the middle it is nearly all there"


def test_a_window_the_clip_does_not_reach(
    clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    report, seen = watched(clip, tmp_path / "out.mp4", {"smile": 1.0}, replace(settings, from_=5.0), pack)
    assert report.status == "untouched"
    assert all(same_planes(b, a) for b, a, _ in seen)


def test_a_curve_through_two_methods(clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Downwards by pixel, upwards along the axis; where the curve crosses 0 the frame is the source."""
    script(monkeypatch)
    settings = replace(settings, smooth=0.0)  # each frame on its own
    curve = Curve((0.25, 0.5, 0.75), (-1.0, 0.0, 1.5))
    _, seen = watched(clip, tmp_path / "out.mp4", {"male": curve}, settings, pack)
    assert [b.index for b, a, _ in seen if same_planes(b, a)] == [12]
    _, down = watched(clip, tmp_path / "down.mp4", {"male": -1.0}, settings, pack)
    _, up = watched(clip, tmp_path / "up.mp4", {"male": 1.5}, settings, pack)
    assert same_planes(seen[3][1], down[3][1])
    assert same_planes(seen[22][1], up[22][1])


def test_frames_without_an_edit_are_not_rendered(
    clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    rendered: list[int] = []
    from videdit.pipeline.models import Models

    original = Models.render

    def count(self, generator, w):  # type: ignore[no-untyped-def]
        rendered.append(len(w))
        return original(self, generator, w)

    monkeypatch.setattr(Models, "render", count)
    pipeline.edit_video(clip, tmp_path / "some.mp4", {"smile": 1.0}, replace(settings, to="6f"), pack=pack)
    assert sum(rendered) == 16, "a batch of 8, before and after"


def test_a_preview_shows_the_strength_of_its_moment(clip: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    before, after = pipeline.preview(clip, {"smile": RISING}, settings, at=0.125, pack=pack)
    assert np.array_equal(before, after)
    early, late = (pipeline.preview(clip, {"smile": RISING}, settings, at=at, pack=pack) for at in (0.42, 0.7))
    assert 0 < np.abs(early[1].astype(int) - early[0]).mean() < np.abs(late[1].astype(int) - late[0]).mean()
    before, after = pipeline.preview(clip, {"smile": 1.0}, replace(settings, from_=0.6), at=0.5, pack=pack)
    assert np.array_equal(before, after)


def test_frame_numbers_mean_the_same_in_clip_and_preview(
    clip: Path, tmp_path: Path, settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch)
    for name, words in (("seconds", "0.25s:0 0.75s:+1.5"), ("frames", "6f:0 18f:+1.5")):
        pipeline.edit_video(clip, tmp_path / f"{name}.mp4", {"smile": words}, settings, pack=pack)
    assert packets(tmp_path / "seconds.mp4") == packets(tmp_path / "frames.mp4")
    shown = [pipeline.preview(clip, {"smile": w}, settings, at=0.7, pack=pack)[1] for w in ("0.25s:0 0.75s:+1.5", "6f:0 18f:+1.5")]
    assert np.array_equal(*shown)


def test_pictures_in_a_row_follow_the_curve(settings: Settings, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch)
    frames = [picture(i) for i in range(8)]
    edited = pipeline.edit_frames(frames, {"smile": Curve((0.125, 0.25), (0, 1.5))}, settings, fps=24, pack=pack)
    assert [np.array_equal(a, b) for a, b in zip(frames, edited, strict=True)] == [True] * 4 + [False] * 4


def test_a_curve_that_makes_no_sense_here(clip: Path, tmp_path: Path, settings: Settings, pack: Pack) -> None:
    with pytest.raises(UsageError, match="in this clip: times must increase"):
        pipeline.edit_video(clip, tmp_path / "out.mp4", {"smile": "0.9s:0 2f:1"}, settings, pack=pack)
    with pytest.raises(UsageError, match="--smile can't be"):
        pipeline.edit_video(clip, tmp_path / "out.mp4", {"smile": Curve((0,), (4,))}, settings, pack=pack)
    assert not (tmp_path / "out.mp4").exists()
