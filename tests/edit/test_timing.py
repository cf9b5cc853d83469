"""Strengths over time through the editing methods."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tinypack import LAYERS, SIZE, STYLE, add_editors, add_pixel, make_tiny_pack, pixel_points
from videdit.curves import Curve, Window
from videdit.edit import CROP_METHODS, METHODS, draw, move, resolve
from videdit.errors import UsageError
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import save_methods
from videdit.types import Driver, EditPlan

TIMES = np.arange(8) / 4
W = np.random.default_rng(2).normal(size=(8, LAYERS, STYLE)).astype(np.float32)
RISING = Curve((0.5, 1.5), (0.0, 1.0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return add_pixel(add_editors(make_tiny_pack(tmp_path)))


@pytest.fixture
def pack(folder: Path) -> Pack:
    return load_pack(folder)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("locks", [(), ("age",)])
def test_a_constant_curve_is_the_constant_and_zeros_are_the_source(method: str, locks: tuple[str, ...], pack: Pack) -> None:
    def edited(strength: float | Curve) -> np.ndarray:
        moves = resolve(EditPlan({"smile": strength, "male": -0.3}, locks, method), pack.manifest)
        return move(W, moves, pack, times=TIMES)

    assert np.array_equal(edited(Curve((0, 1), (0.7, 0.7))), edited(0.7))
    alone = resolve(EditPlan({"smile": RISING}, locks, method), pack.manifest)
    out = move(W, alone, pack, times=TIMES)
    still = TIMES <= 0.5
    assert np.array_equal(out[still], W[still]), "strength 0 is the source, to the bit, beside frames that move"
    assert (np.abs(out - W)[~still].max((1, 2)) > 0).all()
    whole = move(W, resolve(EditPlan({"smile": 1.0}, locks, method), pack.manifest), pack, times=TIMES)
    np.testing.assert_allclose(out[TIMES >= 1.5], whole[TIMES >= 1.5], atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_every_attribute_has_its_own_curve(method: str, pack: Pack) -> None:
    both = resolve(EditPlan({"smile": RISING, "age": Curve((0, 2), (1, -1))}, method=method), pack.manifest)
    out = move(W, both, pack, times=TIMES)
    for row, time in enumerate(TIMES):
        now = np.array([time])
        fixed = {"Smiling": float(RISING.at(now)[0]), "Young": float(time - 1)}
        alone = METHODS[method](W[row : row + 1], fixed, pack)
        np.testing.assert_allclose(out[row], alone[0], atol=2e-5)


def test_a_window_acts_on_everything_and_leaves_the_rest(pack: Pack) -> None:
    driver = Driver(np.zeros(1), W[:1] + 1.0)
    plan = EditPlan({"smile": 1.0}, driver=driver, window=Window(0.5, 1.5))
    moves = resolve(plan, pack.manifest)
    out = move(W, moves, pack, times=TIMES)
    inside = (TIMES > 0.5) & (TIMES < 1.5)
    assert np.array_equal(out[~inside], W[~inside])
    always = move(W, resolve(EditPlan({"smile": 1.0}, driver=driver), pack.manifest), pack, times=TIMES)
    assert np.array_equal(out[inside], always[inside]), "beyond the ramps it is all there"
    assert np.array_equal(moves.acts(TIMES, drawn=False), inside)
    assert not moves.acts(TIMES, drawn=True).any()


def test_a_curve_that_changes_sign_takes_a_method_for_each_direction(folder: Path) -> None:
    save_methods(folder, {"Eyeglasses-": "pixel", "Eyeglasses": "transformer"})
    pack = load_pack(folder)
    curve = Curve((0, 2), (-1, 1))
    moves = resolve(EditPlan({"eyeglasses": curve}), pack.manifest)
    assert set(moves.by_method) == {"pixel", "transformer"}
    off, on = (moves.strengths(method, TIMES)["Eyeglasses"] for method in ("pixel", "transformer"))
    np.testing.assert_array_equal(off, np.minimum(curve.at(TIMES), 0))
    np.testing.assert_array_equal(on, np.maximum(curve.at(TIMES), 0))
    assert np.array_equal(moves.acts(TIMES, drawn=True), TIMES < 1)
    assert np.array_equal(moves.acts(TIMES, drawn=False), TIMES > 1)
    one = resolve(EditPlan({"eyeglasses": curve}, method="axes"), pack.manifest)
    assert one.by_method == {"axes": {"Eyeglasses": curve}}
    # --young is the opposite of --age
    assert resolve(EditPlan({"young": curve}), pack.manifest).by_method == {"axes": {"Young": curve}}
    assert resolve(EditPlan({"age": curve}), pack.manifest).by_method == {"axes": {"Young": -1 * curve}}


def test_a_direction_that_was_not_taught_is_refused_wherever_the_curve_goes_there(pack: Pack) -> None:
    assert resolve(EditPlan({"eyeglasses": Curve((0, 1), (0, -1))}, method="pixel"), pack.manifest)
    with pytest.raises(UsageError, match=r"--eyeglasses \+1"):
        resolve(EditPlan({"eyeglasses": Curve((0, 1, 9), (0, -1, 0.1))}, method="pixel"), pack.manifest)


def test_two_names_of_one_attribute(pack: Pack) -> None:
    moves = resolve(EditPlan({"smile": RISING, "Smiling": 0.5}), pack.manifest)
    assert moves.by_method == {"axes": {"Smiling": RISING + 0.5}}
    with pytest.raises(UsageError, match="two names of one attribute"):
        resolve(EditPlan({"smile": RISING, "Smiling": RISING}), pack.manifest)
    assert not resolve(EditPlan({"smile": Curve((0, 1), (0, 0))}), pack.manifest)


def test_drawn_over_time(pack: Pack) -> None:
    crops = np.random.default_rng(0).uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)
    points = np.repeat(pixel_points(SIZE)[None], 3, axis=0)
    moves = resolve(EditPlan({"male": Curve((0, 1), (0, -1))}, method="pixel"), pack.manifest)
    out, reach = draw(crops, points, moves, pack, times=np.array([0, 0.5, 1.0]))
    assert np.array_equal(out[0], crops[0])
    assert not reach[0].any()
    whole, _ = CROP_METHODS["pixel"](crops, points, {"Male": np.array([0.0, -0.5, -1.0])}, pack)
    assert np.array_equal(out, whole)
