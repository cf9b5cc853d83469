"""train.tints: what people with an attribute are redder or darker by, where, and how much of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.tinypack import SIZE, make_tiny_pack
from tests.train.faces import make_work
from videdit.edit.prototype import apply
from videdit.faces.shape import MEAN_FACE
from videdit.packs.load import load_pack
from videdit.packs.verify import verify
from videdit.train import prototype, tints
from videdit.train.pictures import Faces

SIDE = 128
POINTS = (MEAN_FACE * 40 + np.array([SIDE / 2, SIDE * 0.42])).astype(np.float32)
LIPS = np.s_[88:90, 60:68]  # the lower one


def painted(count: int = 40) -> Faces:
    """Faces of any colour and light; the even ones with redder lips, and half as bright again."""
    dice = np.random.default_rng(0)
    faces = dice.uniform(60, 120, (count, 1, 1, 3)) + dice.normal(0, 3, (count, SIDE, SIDE, 3))
    lips = tints.area(POINTS, SIDE, "Wearing_Lipstick") > 0.3
    faces[::2][:, lips] *= np.array([0.9, 0.6, 0.7])
    faces[::2] *= 1.5
    labels = (np.arange(count) % 2 == 0).astype(np.float32)[:, None]
    faces = np.clip(faces, 0, 255).astype(np.uint8)
    return Faces(faces, np.repeat(POINTS[None], count, 0), labels, ("Wearing_Lipstick",), np.zeros(count, bool))


def test_areas_leave_eyes_and_teeth_alone() -> None:
    for source in (*tints.AREAS, "Bags_Under_Eyes", "Heavy_Makeup"):
        share = tints.area(POINTS, SIDE, source)
        assert 0 <= share.min() < share.max() <= 1
        for own in (range(36, 42), range(42, 48), range(60, 68)):
            x, y = POINTS[list(own)].mean(0).astype(int)
            assert share[y, x] == 0
    lips, beard = (tints.area(POINTS, SIDE, source) for source in ("Wearing_Lipstick", "No_Beard"))
    chin = POINTS[8].astype(int)
    assert beard[chin[1] - 8, chin[0]] > 0.5 > lips[chin[1] - 8, chin[0]]
    assert lips[:70].max() == 0


def test_light_is_no_lipstick() -> None:
    faces = painted()
    where = tints.area(POINTS, SIDE, "Wearing_Lipstick")
    layer = tints.tint(faces, np.arange(0, 40, 2), np.arange(1, 40, 2), 0, POINTS, where)
    assert layer.shape == (3, SIDE, SIDE)
    inner = where > 0.6
    assert inner.sum() > 50
    np.testing.assert_allclose((layer / np.maximum(where, 0.1))[:, inner].mean(1), np.log([0.9, 0.6, 0.7]), atol=0.12)
    assert layer.max() <= 0, "paint darkens"
    assert tints.tint(faces, np.arange(1, 40, 2), np.arange(0, 40, 2), 0, POINTS, where).min() >= 0, "without it skin is lighter"
    assert (layer[:, where == 0] == 0).all()


def test_trains_into_a_pack_in_colour_beside_grey_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, pack = make_work(tmp_path / "work", people=48), make_tiny_pack(tmp_path / "packs")
    monkeypatch.setattr(prototype, "PEOPLE", 6)
    monkeypatch.setattr(prototype, "FEWEST", 18)
    words = {"pack": pack, "device": "cpu"}
    prototype.train(work, tmp_path / "glasses", attribute="eyeglasses", **words)  # type: ignore[arg-type]
    grey = load_pack(pack).network("prototype").layers.numpy()  # type: ignore[union-attr,operator]
    prototype.train(work, tmp_path / "lips", attribute="lipstick", **words)  # type: ignore[arg-type]
    made = load_pack(pack)
    config = made.manifest.networks["prototype"].config
    assert (config["transforms"], config["planes"]) == (["Eyeglasses+", "Wearing_Lipstick+"], 4)
    layers = made.network("prototype").layers.numpy()  # type: ignore[union-attr,operator]
    assert layers.shape == (2, 4, SIZE, SIZE)
    for plane in range(3):
        assert np.array_equal(layers[0, plane], grey[0, 0])
    assert np.array_equal(layers[0, 3], grey[0, 1])
    facts = json.loads((tmp_path / "lips" / "prototype.json").read_text())
    assert facts["scale"] in (*prototype.SCALES, *prototype.PALE)
    assert 0 <= facts["asked"] <= prototype.ENOUGH
    assert [check.problem for check in verify(made) if check.problem] == []
    crops = np.repeat(np.random.default_rng(0).uniform(20, 235, (1, SIZE, SIZE, 1)).astype(np.float32), 3, -1)
    out, reach = apply(crops, made.network("prototype").points.numpy()[None], {"Wearing_Lipstick": 1.0}, made)  # type: ignore[union-attr,operator]
    assert np.array_equal(out[reach == 0], crops[reach == 0])
    assert np.abs(out - out.mean(-1, keepdims=True)).max() > 0, "it has a colour"
