"""train.expression: a search that finds the layers that carry an expression, and a choice that ends in the pack."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tinypack import LAYERS, STYLE, make_tiny_pack
from tests.train.faces import make_work
from videdit.edit.expression import apply
from videdit.packs.load import load_pack
from videdit.packs.verify import verify
from videdit.train import expression
from videdit.train.expression import Outcome, search
from videdit.train.latents import Latents


def test_search_keeps_the_layers_that_pay() -> None:
    def score(layers: tuple[int, ...]) -> Outcome:
        reached = min(0.9, 0.5 * len({2, 3} & set(layers)))  # two layers carry the expression, the rest the person
        return Outcome(1.0, reached, 1 - 0.1 * len(layers))

    layers, found, path = search(6, score)
    assert layers == (2, 3)
    assert found.identity == pytest.approx(0.8)
    assert [len(step["layers"]) for step in path] == [6, 5, 4, 3, 2]


def test_search_takes_a_layer_back() -> None:
    merits = {(0, 1, 2): 0.1, (1, 2): 0.4, (0, 2): 0.2, (0, 1): 0.2, (1,): 0.3, (2,): 0.5, (0,): 0.6}
    layers, _, _ = search(3, lambda chosen: Outcome(1.0, 0.9, merits[chosen]))
    assert layers == (2,)  # no single step leads from here to (0,)


def test_what_is_read_is_what_is_written() -> None:
    rng = np.random.default_rng(0)
    axis = rng.normal(size=(2, 4, 3))
    labels = (rng.uniform(size=(400, 2)) > 0.5).astype(np.float32)
    w = (rng.normal(size=(400, 4, 3)) * 0.1 + np.tensordot(labels, axis, axes=1)).astype(np.float32)
    latents = Latents(w, labels, np.zeros((400, 2), np.float32), np.zeros((400, 2), np.float32), ("a", "b"), np.arange(400) < 40, Path())
    fitted = expression.fit(latents, [0, 1])
    read, write = fitted["read"].numpy(), fitted["write"].numpy()
    np.testing.assert_allclose(fitted["most"] - fitted["least"], 1.0, atol=0.1)  # from a face without to one with it
    np.testing.assert_allclose(np.einsum("kld,jld->kj", read, axis), np.eye(2), atol=0.1)
    assert np.abs(np.einsum("kld,jld->kj", read, write) - np.eye(2)).max() < 0.15


def test_the_choice_ends_in_the_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression, "SPLIT", ((0, 1, 2, 3), (5,)))
    monkeypatch.setattr(expression, "GAINS", (2.5,))
    torch.manual_seed(0)
    pack, out, stages = make_tiny_pack(tmp_path / "packs"), tmp_path / "run", set()
    work = make_work(tmp_path / "work", people=24)
    path = expression.train(work, out, pack=pack, device="cpu", pairs=2, progress=lambda stage, done, total: stages.add(stage))
    assert path == pack / "expression.safetensors"
    assert {"encode", "layers"} <= stages
    loaded = load_pack(pack)
    assert [check.problem for check in verify(loaded) if check.problem] == []
    config = loaded.manifest.networks["expression"].config
    assert config["layers"]
    assert config["gain"] <= (expression.STEADY if config["rank"] else 2.5)
    notes = json.loads((out / "expression.json").read_text())["kinds"]
    assert set(notes) == {"mixed", "measured"}
    assert config["layers"] == notes["measured" if config["rank"] else "mixed"]["layers"]
    w = np.random.default_rng(0).normal(size=(2, LAYERS, STYLE)).astype(np.float32)
    assert not np.array_equal(apply(w, w[::-1], loaded), w)
