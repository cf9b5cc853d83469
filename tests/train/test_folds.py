"""train.folds: maps of skin's folds, a network that draws such maps, and the one of them that is taken."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tinypack import SIZE, make_tiny_pack
from tests.train.faces import make_work
from videdit.errors import UsageError
from videdit.faces.shape import MEAN_FACE
from videdit.packs.load import load_pack
from videdit.packs.verify import verify
from videdit.train import fold_maps, folds
from videdit.train.pictures import Faces

SIDE = 128
POINTS = (MEAN_FACE * 40 + np.array([SIDE / 2, SIDE * 0.42])).astype(np.float32)
FURROW = np.s_[70:72, 32:44]  # on a cheek


def faces_of(pictures: np.ndarray) -> Faces:
    count = len(pictures)
    labels = np.ones((count, 1), np.float32)
    return Faces(pictures, np.repeat(POINTS[None], count, 0), labels, ("Young",), np.zeros(count, bool))


def test_skin_is_where_nothing_else_has_edges() -> None:
    share = fold_maps.skin(POINTS, SIDE)
    assert np.array_equal(share, share[:, ::-1])
    for numbers in (range(36, 42), range(42, 48), range(48, 60), range(17, 22)):
        x, y = POINTS[list(numbers)].mean(0).astype(int)
        assert share[y, x] < 0.05
    assert share[FURROW].min() > 0.9
    assert share[0].max() == share[:, 0].max() == 0


def test_a_map_shows_furrows_and_no_light() -> None:
    plain = np.full((SIDE, SIDE, 3), 150.0)
    lit = plain * np.linspace(0.8, 1.2, SIDE)[None, :, None]
    old = lit.copy()
    old[FURROW] *= 0.7
    share = fold_maps.skin(POINTS, SIDE)
    maps = [fold_maps.fold(faces_of(some[None].astype(np.uint8)), 0, POINTS, share) * share for some in (lit, old)]
    assert np.abs(maps[0]).max() < 0.03
    assert maps[1][FURROW].mean() < -0.2


def test_patches_know_maps_that_are_like_theirs() -> None:
    draw = torch.Generator().manual_seed(0)
    share = torch.ones(1, 1, 32, 32)
    lines = torch.randn(96, 1, 32, 1, generator=draw).expand(-1, -1, 32, 32)
    others = torch.randn(96, 1, 32, 1, generator=draw).expand(-1, -1, 32, 32)
    patches = folds.Patches(lines, share, seed=0)
    assert patches.distance(lines) == 0
    assert patches.distance(others) < 0.5 * patches.distance(torch.randn(96, 1, 32, 32, generator=draw))


class Judge:
    """Sees most in what is darkest."""

    def logits(self, maps: np.ndarray, count: int) -> np.ndarray:
        return -np.repeat(maps.mean((1, 2))[:, None], count, 1)


def test_what_is_taken_does_most_and_is_nobodys() -> None:
    dice = np.random.default_rng(0)
    known = (dice.normal(0, 0.1, (20, 16, 16)) + dice.normal(0, 0.1, (16, 16))).astype(np.float32)  # somewhat like one another
    drawn = dice.normal(0, 0.1, (9, 16, 16)).astype(np.float32)
    drawn[4] = known[3] - 0.1  # someone's own, and the darkest
    drawn[5] = known[2][:, ::-1] - 0.05
    drawn[6] -= 0.02
    best, facts = fold_maps.choose(drawn, known, Judge())  # type: ignore[arg-type]
    assert best == 6
    assert facts["nearest"] <= facts["limit"]
    assert facts["before"] == 0
    assert facts["logit"] > 0.01


def test_trains_into_a_pack_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, pack = make_work(tmp_path / "work", people=48), make_tiny_pack(tmp_path / "packs")
    for module in (folds, fold_maps):
        monkeypatch.setattr(module, "FEWEST", 8)
    monkeypatch.setattr(fold_maps, "COVERED", ())
    monkeypatch.setattr(folds, "DRAWN", 6)
    monkeypatch.setattr(fold_maps, "AGAINST", 99.0)
    words = {"attribute": "age", "pack": pack, "device": "cpu"}
    path = folds.train(work, tmp_path / "run", minutes=0.02, **words)  # type: ignore[arg-type]
    first = path.read_bytes()
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert folds.train(work, tmp_path / "run", minutes=0.02, **words).read_bytes() == first  # type: ignore[arg-type]
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == len(lines) + 1, "nothing left to train"
    made = load_pack(pack)
    config = made.manifest.networks["prototype"].config
    assert config["transforms"] == ["Young-"]
    assert config["size"] == SIZE
    layers = made.network("prototype").layers.numpy()  # type: ignore[union-attr,operator]
    assert np.abs(layers[0, 0]).max() > 0
    assert (layers[0, 0][layers[0, 1] == 0] == 0).all()
    assert layers[0, 0].max() <= folds.LIGHT * folds.DEEP + 1e-3
    facts = json.loads((tmp_path / "run" / "folds.json").read_text())
    assert facts["layer"] == "Young-"
    assert facts["drawn"] == 6
    assert [check.problem for check in verify(made) if check.problem] == []
    assert all((tmp_path / "run" / name).is_file() for name in ("maps.png", "samples.png", "curve.svg"))


def test_too_few_to_learn_from(tmp_path: Path) -> None:
    work, pack = make_work(tmp_path / "work", people=12), make_tiny_pack(tmp_path / "packs")
    with pytest.raises(UsageError, match="faces to learn from"):
        folds.train(work, tmp_path / "run", pack=pack, attribute="age", device="cpu", minutes=0.01)
