"""edit.pixel: what a direction's network draws, where, and how much of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tinypack import SIZE, add_pixel, make_tiny_pack, pixel_points
from videdit.edit import draw, resolve
from videdit.edit.pixel import BOLD, DRAWN, REGIONS, apply, but_own, exaggerated, inside
from videdit.errors import PackError, UsageError
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import save_methods
from videdit.packs.verify import verify
from videdit.types import EditPlan

CROPS = np.random.default_rng(0).uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)
POINTS = np.repeat(pixel_points(SIZE)[None], 3, axis=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return add_pixel(make_tiny_pack(tmp_path))


@pytest.fixture
def pack(folder: Path) -> Pack:
    return load_pack(folder)


def test_nothing_asked_nothing_drawn(pack: Pack) -> None:
    for strengths in ({}, {"Eyeglasses": 0.0}, {"Eyeglasses": np.zeros(3)}):
        out, reach = apply(CROPS, POINTS, strengths, pack)
        assert np.array_equal(out, CROPS)
        assert not reach.any()


@pytest.mark.parametrize(("source", "strength"), [("Eyeglasses", -1.0), ("Mouth_Slightly_Open", 1.0)])
def test_outside_the_hull_it_is_the_source_to_the_bit(pack: Pack, source: str, strength: float) -> None:
    before = CROPS.copy()
    out, reach = apply(CROPS, POINTS, {source: strength}, pack)
    assert np.array_equal(CROPS, before)
    assert np.array_equal(out[reach == 0], CROPS[reach == 0])
    assert 0.02 < (reach > 0).mean() < 0.7
    assert np.abs(out - CROPS)[reach > 0.5].mean() > 0.5


def test_a_global_one_may_draw_in_all_of_the_face_and_nowhere_else(pack: Pack) -> None:
    out, reach = apply(CROPS, POINTS, {"Male": -1.0}, pack)
    hulls = np.stack([inside(points, CROPS.shape[1], "", DRAWN) for points in POINTS])
    np.testing.assert_array_equal(reach, hulls)
    assert (out != CROPS)[reach == 1].mean() > 0.9
    assert np.array_equal(out[reach == 0], CROPS[reach == 0])


def test_strengths_fade_it_for_each_frame(pack: Pack) -> None:
    whole, _ = apply(CROPS, POINTS, {"Male": -1.0}, pack)
    some, _ = apply(CROPS, POINTS, {"Male": np.array([0.0, -0.5, -1.0])}, pack)
    assert np.array_equal(some[0], CROPS[0])
    free = (whole[1] > 0) & (whole[1] < 255)  # not clipped
    np.testing.assert_allclose(some[1][free], ((CROPS[1] + whole[1]) / 2)[free], atol=1e-3)
    np.testing.assert_allclose(some[2], whole[2], atol=1e-3)


def test_in_eyes_and_between_lips_nothing_is_exaggerated(pack: Pack) -> None:
    points = np.repeat(pixel_points(SIZE)[None], 3, axis=0)
    points[:, 60:68] = points[:, 60:68].mean(1, keepdims=True) + 2.5 * (points[:, 60:68] - points[:, 60:68].mean(1, keepdims=True))
    own = but_own(points[0], SIZE) == 0
    whole, _ = apply(CROPS, points, {"Male": -1.0}, pack)
    out, _ = apply(CROPS, points, {"Male": -1.5}, pack)
    assert own.sum() > 20
    for mark in (points[0, 36:42], points[0, 42:48], points[0, 60:68]):
        x, y = mark.mean(0).astype(int)
        assert own[y, x]
    np.testing.assert_allclose(out[:, own], whole[:, own], atol=1e-3)
    assert np.abs(out - whole)[:, ~own].max() > 0.5


def test_beyond_one_faint_changes_grow_and_bold_ones_stay() -> None:
    change = np.linspace(-90, 90, 181, dtype=np.float32).reshape(1, 1, -1, 1)
    share = np.ones((1, 1, 1, 1), np.float32)
    np.testing.assert_allclose(exaggerated(change, 0.4 * share), 0.4 * change, rtol=1e-6)
    np.testing.assert_array_equal(exaggerated(change, share), change)
    np.testing.assert_allclose(exaggerated(change, 1.001 * share), change, atol=0.1)  # no step
    last = change
    for more in (1.5, 2.0, 3.0):
        grown = exaggerated(change, more * share)
        assert (np.abs(grown) >= np.abs(last)).all()  # a strength never takes back what a weaker one did
        assert (np.sign(grown) == np.sign(change)).all()
        np.testing.assert_array_equal(grown[np.abs(change) > BOLD], change[np.abs(change) > BOLD])
        last = grown
    np.testing.assert_allclose(last[np.abs(change) <= 2], 3 * change[np.abs(change) <= 2], rtol=0.03)


def test_a_pack_says_how_much_of_what_is_drawn_one_is(folder: Path, pack: Pack) -> None:
    text = (folder / "pack.toml").read_text()
    (folder / "pack.toml").write_text(text.replace("[networks.pixel.config]", "[networks.pixel.config]\nscales = [1.0, 1.0, 2.0, 1.0]"))
    scaled = load_pack(folder)
    for name, strength, same in (("Male", -0.5, -1.0), ("Male", -0.25, -0.5), ("Eyeglasses", -0.5, -0.5)):
        np.testing.assert_array_equal(apply(CROPS, POINTS, {name: strength}, scaled)[0], apply(CROPS, POINTS, {name: same}, pack)[0])


def test_a_region_keeps_off_the_border_and_ends_at_zero() -> None:
    for region in ("", *REGIONS):
        mask = inside(pixel_points(128), 128, region)
        assert mask.max() == 1
        assert not mask[[0, -1]].any()
        assert not mask[:, [0, -1]].any()
        assert 0.02 < (mask > 0).mean() < 0.6


def test_all_of_the_face_fades_towards_its_edge() -> None:
    """What is behind a face is not drawn onto its cheeks."""
    points = pixel_points(128)
    mask, eyes = inside(points, 128, ""), inside(points, 128, "eyes")
    assert mask[int(points[30, 1]), int(points[30, 0])] == 1
    assert ((mask > 0) & (mask < 1)).sum() > ((eyes > 0) & (eyes < 1)).sum()
    later = inside(points, 128, "", DRAWN)
    assert (later <= mask).all() and later.sum() < mask.sum() and later.max() == 1


def test_a_direction_that_was_not_trained_is_refused_naming_what_there_is(pack: Pack) -> None:
    with pytest.raises(UsageError, match=r"--eyeglasses \+1") as error:
        resolve(EditPlan({"eyeglasses": 0.5}, method="pixel"), pack.manifest)
    assert error.value.hint == "It has: --eyeglasses -1, --mouth-open +1, --male -1, --age -1."
    with pytest.raises(UsageError, match="Smiling-"):
        apply(CROPS, POINTS, {"Smiling": -1.0}, pack)
    with pytest.raises(UsageError, match="both edited and locked"):
        apply(CROPS, POINTS, {"Male": -1.0}, pack, locks=("Male",))


def test_a_pack_without_pixel_says_so(tmp_path: Path) -> None:
    plain = load_pack(make_tiny_pack(tmp_path, name="plain"))
    with pytest.raises(PackError, match="has no pixel") as error:
        resolve(EditPlan({"eyeglasses": -1.0}, method="pixel"), plain.manifest)
    assert "videdit train pixel" in error.value.hint


def test_auto_takes_it_where_the_pack_names_it_and_it_was_trained(folder: Path) -> None:
    save_methods(folder, {"Eyeglasses": "pixel", "Young+": "pixel", "Male-": "pixel"})
    pack = load_pack(folder)
    moves = resolve(EditPlan({"eyeglasses": -1.0, "age": -0.5, "male": 1.0}), pack.manifest)
    assert moves.by_method == {"pixel": {"Eyeglasses": -1.0, "Young": 0.5}, "axes": {"Male": 1.0}}
    assert (moves.latent, moves.drawn) == (True, True)
    assert resolve(EditPlan({"eyeglasses": 1.0, "age": 1.0}), pack.manifest).by_method == {"axes": {"Eyeglasses": 1.0, "Young": -1.0}}
    drawn, _ = draw(CROPS, POINTS, moves, pack)
    assert np.array_equal(drawn, apply(CROPS, POINTS, moves.by_method["pixel"], pack)[0])
    assert [check.problem for check in verify(pack) if check.problem] == []


def test_auto_takes_a_method_that_knows_locks_where_there_are_any(folder: Path) -> None:
    save_methods(folder, {"Young+": "pixel"})
    pack = load_pack(folder)
    assert resolve(EditPlan({"age": -0.5}, locks=("smile",)), pack.manifest).by_method == {"axes": {"Young": 0.5}}
    assert resolve(EditPlan({"age": -0.5}, locks=("smile",), method="pixel"), pack.manifest).by_method == {"pixel": {"Young": 0.5}}
