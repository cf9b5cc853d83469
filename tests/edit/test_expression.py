"""edit.expression: whose expression, in which layers, how much of it, at which time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tinypack import LAYERS, STYLE, make_tiny_pack
from videdit.edit import Moves, move, resolve
from videdit.edit.expression import PUBLISHED, apply, lacking
from videdit.errors import UsageError
from videdit.networks.latents import LatentExpression
from videdit.packs.load import Pack, load_pack
from videdit.packs.save import save_network
from videdit.types import Asked, Driver, EditPlan

RNG = np.random.default_rng(2)
W, OTHER = (RNG.normal(size=(5, LAYERS, STYLE)).astype(np.float32) for _ in range(2))


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return load_pack(make_tiny_pack(tmp_path))


@pytest.fixture
def taught(tmp_path: Path) -> Pack:
    """A pack that reads two measures of expression and writes them into three layers."""
    folder = make_tiny_pack(tmp_path)
    config = {"num_layers": LAYERS, "style_dim": STYLE, "layers": [1, 2, 5], "rank": 2, "gain": 1.5}
    network = LatentExpression(**config)
    torch.manual_seed(0)
    network.read.normal_()
    network.write.normal_()
    save_network(folder, "expression", network, config, license="MIT", trained_on="nothing")
    return load_pack(folder)


def test_a_pack_that_does_not_say_mixes_the_published_layers(pack: Pack) -> None:
    out = apply(W, OTHER, pack)
    rest = [i for i in range(LAYERS) if i not in PUBLISHED]
    np.testing.assert_allclose(out[:, PUBLISHED], OTHER[:, PUBLISHED], atol=1e-6)
    assert np.array_equal(out[:, rest], W[:, rest])


def test_strength(pack: Pack, taught: Pack) -> None:
    for some in (pack, taught):
        before = W.copy()
        assert np.array_equal(apply(W, OTHER, some, strength=0.0), W)
        whole, half = (apply(W, OTHER, some, strength=s) - W for s in (1.0, 0.5))
        np.testing.assert_allclose(half, whole / 2, atol=1e-5)
        assert np.array_equal(W, before)


def test_only_measures_of_expression_come_over(taught: Pack) -> None:
    moved = apply(W, OTHER, taught) - W
    assert not moved[:, [0, 3, 4, 6, 7]].any()
    network = taught.loaded("expression")
    write = network.write.numpy()[:, [1, 2, 5]].reshape(2, -1)  # type: ignore[union-attr, operator]
    inside = moved[:, [1, 2, 5]].reshape(5, -1)
    span = inside @ np.linalg.pinv(write) @ write
    np.testing.assert_allclose(inside, span, atol=1e-4)
    np.testing.assert_array_equal(apply(W, W, taught), W)  # nothing to take from oneself


def test_no_driver_makes_a_grimace(taught: Pack) -> None:
    network = taught.loaded("expression")
    far = apply(W, W + 50 * (OTHER - W), taught)
    network.least.fill_(-0.5)  # type: ignore[union-attr, operator]
    network.most.fill_(0.5)  # type: ignore[union-attr, operator]
    longest = 1.5 * np.abs(network.write.numpy()).sum(0)  # type: ignore[union-attr, operator]
    held = apply(W, W + 50 * (OTHER - W), taught)
    assert (np.abs(held - W) <= longest + 1e-4).all()
    assert np.abs(far - W).max() > longest.max()


def test_what_is_asked_comes_over(pack: Pack, taught: Pack) -> None:
    lacks = lacking(W, OTHER, taught)
    assert lacks is not None
    np.testing.assert_allclose(apply(W, OTHER, taught, asked=lacks), apply(W, OTHER, taught), atol=1e-5)
    np.testing.assert_allclose(apply(W, OTHER, taught, asked=2 * lacks) - W, 2 * (apply(W, OTHER, taught) - W), atol=1e-4)
    assert lacking(W, OTHER, pack) is None  # it mixes layers
    times = np.arange(5.0)
    moves = Moves({}, (), Driver(np.zeros(1), OTHER[:1]), asked=Asked(times, lacks))
    alone = move(W[[3]], moves, taught, times=times[[3]])  # each frame gets its own
    np.testing.assert_allclose(alone, move(W, moves, taught, times=times)[[3]], atol=1e-5)
    np.testing.assert_allclose(alone, apply(W[[3]], OTHER[:1], taught, asked=lacks[[3]]), atol=1e-5)


def test_a_lock_holds(taught: Pack) -> None:
    axes = taught.axes()
    moved = (apply(W, OTHER, taught, locks=("Male",)) - W).reshape(5, -1)
    np.testing.assert_allclose(moved @ axes.directions[axes.order.index("Male")].reshape(-1), 0, atol=1e-4)
    with pytest.raises(UsageError, match="Smirk"):
        apply(W, OTHER, taught, locks=("Smirk",))


def test_it_goes_before_the_attributes(pack: Pack) -> None:
    driver = Driver(np.zeros(1), OTHER[:1], 0.5)
    moves = resolve(EditPlan({"smile": 1.0}, (), "axes", driver), pack.manifest)
    alone, smile = Moves({}, (), driver), Moves({"axes": {"Smiling": 1.0}})
    assert alone
    assert np.array_equal(move(W, moves, pack), move(move(W, alone, pack), smile, pack))
    assert not resolve(EditPlan({}, (), "auto", Driver(np.zeros(1), OTHER[:1], 0.0)), pack.manifest)


def test_a_driving_clip_is_followed_in_time(pack: Pack) -> None:
    driver = Driver(np.array([1.0, 2.0, 4.0]), OTHER[:3])
    np.testing.assert_allclose(driver.at(np.array([0.0, 1.0, 1.5, 3.0, 4.0, 9.0]))[[0, 1, 4, 5]], OTHER[[0, 0, 2, 2]], atol=1e-6)
    np.testing.assert_allclose(driver.at(np.array([1.5, 3.0])), (OTHER[:2] + OTHER[1:3]) / 2, atol=1e-6)
    out = move(W, Moves({}, (), driver), pack, times=np.array([0.0, 1.0, 2.0, 4.0, 5.0]))
    np.testing.assert_allclose(out[:, PUBLISHED], OTHER[[0, 0, 1, 2, 2]][:, PUBLISHED], atol=1e-6)
