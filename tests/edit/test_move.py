"""Which method edits what, and edits that mix them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tinypack import LAYERS, STYLE, add_editors, make_tiny_pack
from videdit.edit import METHODS, Moves, move, resolve
from videdit.edit.locks import MOST, hold
from videdit.errors import PackError
from videdit.packs.load import Pack, load_pack
from videdit.packs.manifest import read_manifest
from videdit.packs.save import save_methods
from videdit.packs.verify import verify
from videdit.types import EditPlan

W = np.random.default_rng(2).normal(size=(3, LAYERS, STYLE)).astype(np.float32)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return make_tiny_pack(tmp_path)


@pytest.fixture
def pack(plain: Path) -> Pack:
    save_methods(add_editors(plain), {"Smiling": "transformer", "Male": "mapper"})
    return load_pack(plain)


def test_auto_takes_what_the_pack_names(pack: Pack) -> None:
    plan = EditPlan({"smile": 1.0, "gender": -0.5, "age": 0.3, "bangs": 0.0}, locks=("eyeglasses",))
    moves = resolve(plan, pack.manifest)
    assert moves.by_method == {"transformer": {"Smiling": 1.0}, "mapper": {"Male": -0.5}, "axes": {"Young": -0.3}}
    assert moves.locks == ("Eyeglasses",)
    named = resolve(EditPlan(plan.strengths, method="mapper"), pack.manifest)
    assert named.by_method == {"mapper": {"Smiling": 1.0, "Male": -0.5, "Young": -0.3}}
    assert not resolve(EditPlan({"smile": 0.0}), pack.manifest)


def test_methods_act_in_the_order_of_the_table(pack: Pack) -> None:
    moves = Moves({"mapper": {"Male": 1.0}, "axes": {"Young": 1.0}}, ("Smiling",))
    first = METHODS["axes"](W, {"Young": 1.0}, pack, locks=("Smiling",))
    assert np.array_equal(move(W, moves, pack), METHODS["mapper"](first, {"Male": 1.0}, pack, locks=("Smiling",)))
    assert np.array_equal(move(W, Moves({}), pack), W)


def test_a_part_the_pack_lacks_is_said_in_a_line(plain: Path) -> None:
    with pytest.raises(PackError, match="has no mapper") as error:
        resolve(EditPlan({"smile": 1.0}, method="mapper"), read_manifest(plain))
    assert "videdit train mapper" in error.value.hint
    assert resolve(EditPlan({"smile": 1.0}), read_manifest(plain)).by_method == {"axes": {"Smiling": 1.0}}
    save_methods(plain, {"Smiling": "transformer"})
    assert any("no transformer" in check.problem for check in verify(load_pack(plain)))
    save_methods(plain, {"Smiling": "magic"})
    with pytest.raises(PackError, match="magic"):
        resolve(EditPlan({"smile": 1.0}), read_manifest(plain))


def test_the_id_follows_the_methods(plain: Path) -> None:
    before = read_manifest(plain).id
    save_methods(plain, {"Smiling": "transformer"})
    assert read_manifest(plain).id != before


def test_a_pack_with_editors_verifies(pack: Pack) -> None:
    checks = list(verify(pack))
    assert [check.problem for check in checks] == [""] * len(checks)
    assert {"a latent through the transformer", "a latent through the mapper"} <= {check.subject for check in checks}


def test_the_transformer_leaves_other_layers_alone(pack: Pack) -> None:
    moved = METHODS["transformer"](W, {"Smiling": 1.0, "Young": -1.0}, pack) - W
    assert not moved[:, 5:].any()
    assert moved[:, :5].all(0).any()


def test_the_mapper_takes_others_along_unless_locked(pack: Pack) -> None:
    import torch

    mapper = pack.loaded("mapper")
    change = torch.zeros(1, 40)
    change[0, 3] = 1.0
    out = mapper.correct(change, [3])[0]
    assert out[3] == 1
    assert 0 < out[4] < 0.3  # their covariance is 0.3; shrunk towards nothing
    assert mapper.correct(change, [3, 4])[0, 4] == 0


def test_a_held_move_keeps_its_length_within_reason(pack: Pack) -> None:
    axes = pack.axes()
    locked = axes.directions[3].astype(np.float64)
    across = np.random.default_rng(5).normal(size=locked.shape)
    across -= (across * locked).sum() / (locked**2).sum() * locked
    for share, length in ((0.5, 1.0), (20.0, MOST)):
        moves = (across + share * np.linalg.norm(across) * locked / np.linalg.norm(locked))[None]
        held = hold(moves, axes, [axes.order[3]])
        expected = np.linalg.norm(moves) if length == 1.0 else MOST * np.linalg.norm(across)
        np.testing.assert_allclose(np.linalg.norm(held), expected, rtol=1e-4)
