"""edit.prototype: what layer, where, and how much of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tinypack import SIZE, add_pixel, add_prototype, make_tiny_pack, pixel_points
from videdit.curves import Curve
from videdit.edit import draw, resolve
from videdit.edit.pixel import apply as pixel
from videdit.edit.pixel import inside
from videdit.edit.prototype import apply, clearness, facing, grown, places, warped
from videdit.errors import PackError, UsageError
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import save_methods
from videdit.packs.verify import verify
from videdit.types import EditPlan

CROPS = np.random.default_rng(0).uniform(20, 235, (3, SIZE, SIZE, 3)).astype(np.float32)
POINTS = np.repeat(pixel_points(SIZE)[None], 3, axis=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return add_prototype(make_tiny_pack(tmp_path))


@pytest.fixture
def pack(folder: Path) -> Pack:
    return load_pack(folder)


def test_nothing_asked_nothing_laid_on(pack: Pack) -> None:
    for strengths in ({}, {"Eyeglasses": 0.0}, {"Eyeglasses": np.zeros(3)}):
        out, reach = apply(CROPS, POINTS, strengths, pack)
        assert np.array_equal(out, CROPS)
        assert not reach.any()


def test_where_the_landmarks_are_the_layers_it_is_multiplied_by_it(pack: Pack) -> None:
    """The tiny pack's layer darkens a square to a half, twice that (scale 2) to a quarter."""
    before = CROPS.copy()
    out, reach = apply(CROPS, POINTS, {"Eyeglasses": 1.0}, pack)
    assert np.array_equal(CROPS, before)
    inner = np.s_[:, 9:13, 9:23]
    np.testing.assert_allclose(out[inner], CROPS[inner] / 4, rtol=1e-3)
    assert (reach[inner] > 0.999).all()
    assert np.array_equal(out[reach == 0], CROPS[reach == 0])
    assert 0.1 < (reach > 0).mean() < 0.5


def test_strengths_are_powers_of_it_for_each_frame(pack: Pack) -> None:
    out, _ = apply(CROPS, POINTS, {"Eyeglasses": np.array([0.0, 0.5, 1.0])}, pack)
    inner = np.s_[9:13, 9:23]
    assert np.array_equal(out[0], CROPS[0])
    np.testing.assert_allclose(out[1][inner], CROPS[1][inner] / 2, rtol=1e-3)
    np.testing.assert_allclose(out[2][inner], CROPS[2][inner] / 4, rtol=1e-3)


def test_beyond_one_more_shows_but_nothing_gets_past_the_limit() -> None:
    layer = np.array([-0.55, -0.3, -0.1, 0.1, 0.0], np.float32)
    for strength in (0.5, 1.0):
        np.testing.assert_allclose(grown(layer, strength, 0.55), strength * layer)
    more = grown(layer, 3.0, 0.55)
    assert (np.abs(more) >= np.abs(layer)).all()
    assert np.abs(more).max() == pytest.approx(0.55)
    assert more[2] < 2 * layer[2] and more[4] == 0
    np.testing.assert_allclose(grown(layer, 3.0, 0.0), 3 * layer)


def test_it_goes_where_the_landmarks_go() -> None:
    """A spot on a landmark comes to lie on the other's, at any size; pixels are counted from the corner."""
    points = pixel_points(64)
    layer = np.zeros((64, 64, 2), np.float32)
    x, y = np.floor(points[30]).astype(int)
    layer[y, x] = 1
    points[30] = x + 0.5, y + 0.5
    to = 2 * points + (4, -6)
    found = warped(layer, points, to, 128)[..., 0]
    assert np.abs(np.argwhere(found > 0.5 * found.max()).mean(0) + 0.5 - to[30, ::-1]).max() < 0.6


def test_a_direction_it_has_not_is_refused_naming_what_there_is(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no prototype transform for --eyeglasses -1") as error:
        resolve(EditPlan({"eyeglasses": -0.5}, method="prototype"), pack.manifest)
    assert error.value.hint == "It has: --eyeglasses +1."
    with pytest.raises(UsageError, match="no prototype Eyeglasses-"):
        apply(CROPS, POINTS, {"Eyeglasses": -1.0}, pack)
    with pytest.raises(UsageError, match="both edited and locked"):
        apply(CROPS, POINTS, {"Eyeglasses": 1.0}, pack, locks=("Eyeglasses",))
    plain = load_pack(make_tiny_pack(tmp_path, name="plain"))
    with pytest.raises(PackError, match="has no prototype") as missing:
        resolve(EditPlan({"eyeglasses": 1.0}, method="prototype"), plain.manifest)
    assert "videdit train prototype" in missing.value.hint


def test_auto_takes_it_where_the_pack_names_it(folder: Path) -> None:
    save_methods(folder, {"Eyeglasses+": "prototype"})
    pack = load_pack(folder)
    moves = resolve(EditPlan({"eyeglasses": 1.0}), pack.manifest)
    assert moves.by_method == {"prototype": {"Eyeglasses": 1.0}}
    assert (moves.latent, moves.drawn) == (False, True)
    assert resolve(EditPlan({"eyeglasses": -1.0}), pack.manifest).by_method == {"axes": {"Eyeglasses": -1.0}}
    assert resolve(EditPlan({"eyeglasses": 1.0}, locks=("smile",)), pack.manifest).by_method == {"axes": {"Eyeglasses": 1.0}}
    drawn, _ = draw(CROPS, POINTS, moves, pack)
    assert np.array_equal(drawn, apply(CROPS, POINTS, moves.by_method["prototype"], pack)[0])
    assert [check.problem for check in verify(pack) if check.problem] == []


def test_auto_takes_several_one_after_the_other(folder: Path) -> None:
    """Eyeglasses- is the pixel network's alone; a layer for it makes two of them."""
    both = add_prototype(add_pixel(folder), "Eyeglasses-")
    save_methods(both, {"Eyeglasses-": ["pixel", "prototype"], "Eyeglasses": ["pixel", "prototype"]})
    pack = load_pack(both)
    moves = resolve(EditPlan({"eyeglasses": -1.0}), pack.manifest)
    assert moves.by_method == {"pixel": {"Eyeglasses": -1.0}, "prototype": {"Eyeglasses": -1.0}}
    drawn, reach = draw(CROPS, POINTS, moves, pack)
    first, some = pixel(CROPS, POINTS, {"Eyeglasses": -1.0}, pack)
    second, more = apply(first, POINTS, {"Eyeglasses": -1.0}, pack)
    assert np.array_equal(drawn, second)
    assert np.array_equal(reach, np.maximum(some, more))
    # a direction that none of them was taught
    assert resolve(EditPlan({"eyeglasses": 1.0}), pack.manifest).by_method == {"axes": {"Eyeglasses": 1.0}}
    assert resolve(EditPlan({"eyeglasses": -1.0}, locks=("smile",)), pack.manifest).by_method == {"axes": {"Eyeglasses": -1.0}}
    # over time each direction has its own, and what serves both acts all the time
    save_methods(both, {"Eyeglasses+": ["axes"], "Eyeglasses-": ["axes", "pixel"]})
    curve = Curve((0, 2), (-1, 1))
    found = resolve(EditPlan({"eyeglasses": curve}), load_pack(both).manifest)
    assert found.by_method["axes"] == {"Eyeglasses": curve}
    times = np.linspace(0, 2, 5)
    np.testing.assert_array_equal(found.strengths("pixel", times)["Eyeglasses"], np.minimum(curve.at(times), 0))


def test_in_haze_black_is_not_black(pack: Pack) -> None:
    haze = 180 + 0.1 * CROPS
    clear, hazy = (apply(crops, POINTS, {"Eyeglasses": 1.0}, pack)[0] / crops for crops in (CROPS, haze))
    face = inside(POINTS[0], SIZE, "")
    assert (clearness(CROPS[0], face), clearness(haze[0] * 0 + 99, face)) == (1.0, 0.0)
    inner = np.s_[:, 9:13, 9:23]
    assert clear[inner].max() < 0.3 < 0.7 < hazy[inner].min()


def test_skin_that_is_turned_away_gets_no_streaks() -> None:
    size = 128
    straight = pixel_points(size)
    assert facing(places(straight, straight, size, size), size).min() == 1
    open_mouth = straight.copy()
    open_mouth[60:68, 1] += np.array([0, -4, -5, -4, 0, 4, 5, 4])
    met = places(open_mouth, straight, size, size)
    assert facing(met, size).min() > 0.9, "lips that meet are not turned away"
    turned = straight.copy()
    middle = straight[27, 0]
    far = straight[:, 0] > middle
    turned[far, 0] = middle + 0.05 * (straight[far, 0] - middle)
    share = facing(places(straight, turned, size, size), size)
    x, y = turned[far & (straight[:, 1] < straight[33, 1])].mean(0).astype(int)
    assert share[y, x] < 0.2
    near = straight[[36, 39]].mean(0).astype(int)
    assert share[near[1], near[0]] > 0.9
