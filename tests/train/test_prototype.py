"""train.prototype: what people with an attribute have in common, out of faces that wear different things."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.tinypack import SIZE, make_tiny_pack
from tests.train.faces import make_work
from videdit.errors import UsageError
from videdit.faces.shape import MEAN_FACE
from videdit.packs.load import load_pack
from videdit.packs.verify import verify
from videdit.train import prototype
from videdit.train.pictures import Faces

SIDE = 64
POINTS = (MEAN_FACE * 14 + np.array([SIDE / 2, SIDE * 0.42])).astype(np.float32)
RIM = np.s_[25:29, 20:44]  # across the nose, below the brows
OTHER = np.s_[33:35, 14:50]


def wearers(count: int = 60) -> Faces:
    """Faces of any colour, half with something dark on: two in three a bar across the nose, the others one on their cheeks."""
    dice = np.random.default_rng(0)
    faces = np.clip(dice.uniform(90, 200, (count, 1, 1, 3)) + dice.normal(0, 4, (count, SIDE, SIDE, 3)), 0, 255)
    for i in range(0, count, 2):
        where = OTHER if i % 6 == 0 else RIM
        faces[i][where] *= 0.4
    labels = (np.arange(count) % 2 == 0).astype(np.float32)[:, None]
    return Faces(faces.astype(np.uint8), np.repeat(POINTS[None], count, 0), labels, ("Eyeglasses",), np.zeros(count, bool))


def test_the_mode_is_one_thing_and_not_the_mean_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prototype, "PEOPLE", 8)
    faces = wearers()
    having = np.arange(0, 60, 2)
    lighter = prototype.light(faces, having, np.arange(1, 60, 2), 0, POINTS)
    assert np.abs(lighter[1][RIM].mean() - np.log(0.4)) < 0.4  # less what the blur beside it takes
    region = prototype.belt(POINTS, SIDE, "eyes")
    assert (region[RIM] > 0.8).all()
    assert (region[45:] == 0).all()  # the mouth is not the eyes' business
    chosen, agreement = prototype.alike(np.minimum(lighter, 0) * region)
    assert agreement > 0.9
    assert len(chosen) == 8
    assert (having[chosen] % 6 != 0).all()
    layer = prototype.layer_of(lighter[chosen], region)
    assert layer.shape == (2, SIDE, SIDE)
    assert layer[0][RIM].mean() < -0.5
    assert np.abs(layer[0][33:35, 14:18]).max() < 0.05
    assert (layer[0] <= 0).all()
    assert np.array_equal(layer[0], layer[0][:, ::-1])
    assert (layer[1][RIM] == 1).all()
    assert (layer[0][layer[1] == 0] == 0).all()
    dark = prototype.worn(faces.faces[1], layer, POINTS, POINTS)
    assert dark[RIM].mean() < 0.7 * faces.faces[1][RIM].mean()


def test_trains_into_a_pack_beside_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, pack = make_work(tmp_path / "work", people=48), make_tiny_pack(tmp_path / "packs")
    monkeypatch.setattr(prototype, "PEOPLE", 6)
    monkeypatch.setattr(prototype, "FEWEST", 18)
    words = {"pack": pack, "device": "cpu"}
    path = prototype.train(work, tmp_path / "run", attribute="eyeglasses", **words)  # type: ignore[arg-type]
    first = path.read_bytes()
    assert prototype.train(work, tmp_path / "run", attribute="eyeglasses", **words).read_bytes() == first  # type: ignore[arg-type]
    prototype.train(work, tmp_path / "beard", attribute="smile", direction=-1, **words)  # type: ignore[arg-type]
    made = load_pack(pack)
    config = made.manifest.networks["prototype"].config
    assert config["transforms"] == ["Eyeglasses+", "Smiling-"]
    assert config["size"] == SIZE
    facts = json.loads((tmp_path / "run" / "prototype.json").read_text())
    assert facts["scale"] == config["scales"][0]
    assert facts["scale"] in prototype.SCALES
    assert (tmp_path / "run" / "samples.png").is_file()
    assert [check.problem for check in verify(made) if check.problem] == []


def test_too_few_to_learn_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, pack = make_work(tmp_path / "work", people=48), make_tiny_pack(tmp_path / "packs")
    monkeypatch.setattr(prototype, "FEWEST", 10_000)
    with pytest.raises(UsageError, match="faces to learn from"):
        prototype.train(work, tmp_path / "run", pack=pack, attribute="eyeglasses", device="cpu")


def test_as_much_of_it_as_the_classifier_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pack = load_pack(make_tiny_pack(tmp_path))
    faces = wearers(8)
    layer = np.zeros((2, SIDE, SIDE), np.float32)
    layer[0] = -0.2
    bright = faces.faces.mean()

    class Fake:
        def __call__(self, images):  # type: ignore[no-untyped-def]
            return 0.68 * (bright / 127.5) - (images.mean((1, 2, 3))[:, None] + 1)

    monkeypatch.setattr(type(pack), "classifier", Fake())
    scale, seen = prototype.enough(faces, np.arange(8), layer, POINTS, pack, 0, 1)
    assert seen is not None
    assert scale == prototype.SCALES[-1] or seen >= prototype.ENOUGH
    assert scale > 1
    assert prototype.enough(faces, np.arange(8), layer, POINTS, pack, 99, 1) == (1.0, None)
