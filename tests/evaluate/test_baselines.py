"""InterFaceGAN and GANSpace on latents whose attributes are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from tests.evaluate.faces import make_people
from tests.tinypack import make_tiny_pack
from videdit.errors import MissingError
from videdit.evaluate import baselines
from videdit.evaluate.baselines import Material, correlation, ganspace, in_layers, interfacegan, load_or_train, principal, sides
from videdit.packs.load import load_pack
from videdit.train.data import load
from videdit.train.measure import SEEN, Sitters, Studio

LAYERS, WIDTH = 6, 4


class LinearStudio:
    """Scores are linear in the latents."""

    def __init__(self, taps: np.ndarray) -> None:
        self.taps = taps

    def scores(self, w: np.ndarray) -> np.ndarray:
        return np.asarray(w.reshape(len(w), -1) @ self.taps.T)

    def seen(self, w: np.ndarray) -> Sitters:
        return Sitters(w, self.scores(w), np.ones((len(w), 1), np.float32), w)


@pytest.fixture
def found() -> tuple[Any, Material, np.ndarray]:
    """Latents that vary most along the first attribute's direction, which acts in layers 2 and 3 only."""
    draw = np.random.default_rng(0)
    taps = np.zeros((2, LAYERS, WIDTH))
    taps[0, 2:4] = draw.normal(size=(2, WIDTH))
    taps[1] = draw.normal(size=(LAYERS, WIDTH))
    taps /= np.linalg.norm(taps.reshape(2, -1), axis=1)[:, None, None]
    w = draw.normal(size=(3000, LAYERS, WIDTH)) + 3 * draw.normal(size=(3000, 1, 1)) * taps[0]
    studio = LinearStudio(taps.reshape(2, -1))
    logits = studio.scores(w)
    rows = {name: (np.flatnonzero(logits[:, i] <= 0), np.flatnonzero(logits[:, i] > 0)) for i, name in enumerate("ab")}
    sitters = {name: studio.seen(w[logits[:, i] < 0][:16]) for i, name in enumerate("ab")}
    return studio, Material(w.astype(np.float32), logits, {"a": 0, "b": 1}, rows, sitters, {"a": 3.0, "b": 2.0}), taps


def test_interfacegan_finds_the_boundary(found: tuple[Any, Material, np.ndarray]) -> None:
    pytest.importorskip("sklearn")
    studio, material, taps = found
    axes = interfacegan(studio, material)
    assert axes.order == ("a", "b")
    np.testing.assert_allclose(np.linalg.norm(axes.directions.reshape(2, -1), axis=1), 1, atol=1e-5)
    for direction, tap in zip(axes.directions, taps, strict=True):
        assert (direction * tap).sum() > 0.97
    # +1 raises the score as far as was wanted, and on until two faces in three have it
    gain = float(axes.distance[0] * (axes.directions[0] * taps[0]).sum())
    lacking = material.sitters["a"].logits[:, 0]
    assert gain == pytest.approx(max(3.0, float(-np.quantile(lacking, 1 - SEEN))), rel=0.03)


def test_ganspace_finds_what_varies_most(found: tuple[Any, Material, np.ndarray]) -> None:
    studio, material, taps = found
    axes = ganspace(studio, material)
    assert (axes.directions[0] * taps[0]).sum() > 0.95
    assert axes.distance[0] > 0


def test_interfacegan_is_not_taught_wrong_where_few_have_it(found: tuple[Any, Material, np.ndarray]) -> None:
    pytest.importorskip("sklearn")
    studio, material, taps = found
    rare = material.logits[:, 1] > np.quantile(material.logits[:, 1], 0.96)
    few = replace(material, rows={**material.rows, "b": (np.flatnonzero(~rare), np.flatnonzero(rare))})
    assert (interfacegan(studio, few).directions[1] * taps[1]).sum() > 0.9


def test_principal_components_are_orthonormal_and_sorted(found: tuple[Any, Material, np.ndarray]) -> None:
    components, coordinates = principal(found[1].w)
    flat = components.reshape(len(components), -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(flat)), atol=1e-9)
    assert (np.diff(coordinates.std(0)) <= 1e-9).all()
    assert correlation(coordinates, coordinates[:, 3])[3] == pytest.approx(1.0)
    assert correlation(coordinates, -coordinates[:, 3])[3] == pytest.approx(-1.0)


def test_sides_by_label_or_else_by_score() -> None:
    scores = np.array([-1.0, 2.0, -3.0, 1.0])
    assert [side.tolist() for side in sides(np.array([1, 0, 0, -1]), scores)] == [[1, 2], [0]]
    assert [side.tolist() for side in sides(np.ones(4, int), scores)] == [[0, 2], [1, 3]]
    assert [side.tolist() for side in sides(np.ones(4, int), np.ones(4))] == [[0], [1, 2, 3]]


def test_layer_groups_cover_every_layer_once() -> None:
    whole, *groups = in_layers(np.ones((7, 2)))
    assert whole.all()
    assert (np.stack(groups) > 0).sum(0).tolist() == [[1, 1]] * 7


def test_found_once_for_a_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, pack = load(make_people(tmp_path / "work")), load_pack(make_tiny_pack(tmp_path))
    first = load_or_train(["ganspace"], Studio(pack), work, ["Male", "Smiling"], tmp_path / "out", faces=32, seed=0)
    assert first["ganspace"].directions.shape == (2, 8, 16)
    monkeypatch.setattr(baselines, "gather", None)  # would fail
    again = load_or_train(["ganspace"], Studio(pack), work, ["Male", "Smiling"], tmp_path / "out", faces=32, seed=0)
    assert np.array_equal(first["ganspace"].directions, again["ganspace"].directions)


def test_without_scikit_learn_it_says_so_before_the_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn.svm", None)
    studio = Studio(load_pack(make_tiny_pack(tmp_path)))
    with pytest.raises(MissingError, match="scikit-learn"):
        load_or_train(["interfacegan"], studio, cast(Any, None), ["Male"], tmp_path, faces=32, seed=0)
