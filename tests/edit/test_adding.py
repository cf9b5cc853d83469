"""The example of docs/adding-a-method.md is a method."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.tinypack import LAYERS, STYLE, make_tiny_pack
from videdit import config, edit
from videdit.edit import Mapper, Moves, move
from videdit.packs.load import Pack, load_pack

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-method.md"
W = np.random.default_rng(0).normal(size=(4, LAYERS, STYLE)).astype(np.float32)


@pytest.fixture
def code() -> str:
    found = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(found) == 1
    return str(found[0])


@pytest.fixture
def example(code: str) -> Mapper:
    module = ModuleType("bounded")
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    return module.apply  # type: ignore[no-any-return]


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return load_pack(make_tiny_pack(tmp_path))


def test_it_is_short(code: str) -> None:
    assert len(code.splitlines()) <= 40


def test_it_keeps_what_methods_promise(example: Mapper, pack: Pack) -> None:
    assert np.array_equal(example(W, {"Smiling": 0.0}, pack), W)
    near, far, furthest = (np.linalg.norm(example(W, {"Smiling": s}, pack) - W, axis=(1, 2)) for s in (0.1, 1.0, 100.0))
    assert (near < far).all()
    assert (furthest < 8.0).all()  # four times the axes' distance of 2
    ramp = example(W, {"Smiling": np.array([0.0, 1.0, 0.0, 1.0])}, pack)
    assert np.array_equal(ramp[0], W[0])
    moved = (example(W, {"Smiling": 1.0}, pack, locks=("Male",)) - W).reshape(4, -1)
    axes = pack.axes()
    np.testing.assert_allclose(moved @ axes.directions[axes.order.index("Male")].reshape(-1), 0, atol=1e-5)


def test_one_line_in_the_table_makes_it_a_choice(example: Mapper, pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(edit.METHODS, "bounded", example)
    assert np.array_equal(move(W, Moves({"bounded": {"Smiling": 1.0}}), pack), example(W, {"Smiling": 1.0}, pack))
    known = tuple(name for name in edit.METHODS if name != "bounded")
    assert known == config.METHODS
    assert config.option("method").choices == ("auto", *known, *config.CROP_METHODS)
    assert tuple(edit.CROP_METHODS) == config.CROP_METHODS
