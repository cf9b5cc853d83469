"""train.hair: beards drawn where the fullest lie, as dark and as uneven as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.tinypack import make_tiny_pack
from tests.train.faces import make_work
from videdit.errors import UsageError
from videdit.faces.shape import MEAN_FACE
from videdit.packs.load import load_pack
from videdit.packs.verify import verify
from videdit.train import hair, prototype, tints
from videdit.train.pictures import Faces
from videdit.train.tints import blur

SIDE = 128
POINTS = (MEAN_FACE * 40 + np.array([SIDE / 2, SIDE * 0.42])).astype(np.float32)
WHERE = tints.area(POINTS, SIDE, "No_Beard")
ROWS = np.arange(SIDE)
CHIN = WHERE * (POINTS[57, 1] + 2 < ROWS)[:, None] > 0.9  # below the lips
COLOUR = np.array([0.55, 0.5, 0.45])


def bearded(count: int = 40, *, hairs: float = 0.1) -> Faces:
    """Faces of any colour; the even ones in brighter light, with hair on the chin, every fourth on one half of it only."""
    dice = np.random.default_rng(0)
    faces = dice.uniform(80, 120, (count, 1, 1, 1)) * np.ones((count, SIDE, SIDE, 3))
    half = CHIN & (ROWS < SIDE // 2)
    for row in range(0, count, 2):
        where = half if row % 4 == 0 else CHIN
        faces[row][where] *= COLOUR * np.exp(dice.normal(0, hairs, (int(where.sum()), 1)))
    faces[::2] *= 1.4
    labels = (np.arange(count) % 2).astype(np.float32)[:, None]
    return Faces(np.clip(faces, 0, 255).astype(np.uint8), np.repeat(POINTS[None], count, 0), labels, ("No_Beard",), np.zeros(count, bool))


def drawn(monkeypatch: pytest.MonkeyPatch, faces: Faces) -> np.ndarray:
    monkeypatch.setattr(hair, "FULL", 8)
    return hair.beard(faces, np.arange(0, 40, 2), np.arange(1, 40, 2), 0, POINTS, WHERE)


def test_a_beard_is_drawn_where_the_fullest_are(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = drawn(monkeypatch, bearded())
    assert layer.shape == (3, SIDE, SIDE)
    assert layer.max() <= 0, "hair darkens"
    assert (layer[:, WHERE == 0] == 0).all()
    assert layer[:, (WHERE > 0) & (POINTS[33, 1] > ROWS)[:, None]].min() > -0.05, "none below the eyes, brighter light or not"
    left, right = (layer[:, CHIN & side].mean() for side in (ROWS < SIDE // 2, ROWS >= SIDE // 2))
    assert left == pytest.approx(right, rel=0.1), "of whole beards, not of halves"
    inner = blur(CHIN.astype(np.float32), 2) > 0.9
    np.testing.assert_allclose(layer[:, inner].mean(1), np.log(COLOUR), atol=0.2)


def test_hairs_are_as_uneven_as_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = blur(CHIN.astype(np.float32), 2) > 0.9
    even, uneven = (drawn(monkeypatch, bearded(hairs=hairs)).mean(0)[inner].std() for hairs in (0.02, 0.2))
    assert even < 0.05
    assert 0.1 < uneven < 0.3


def test_strands_hang_down() -> None:
    noise = hair.strands(POINTS, SIDE, seed=1)
    below = noise[90:120, 56:72]  # under the lips
    along, across = (np.abs(np.diff(below, axis=axis)).mean() for axis in (0, 1))
    assert along < 0.8 * across
    assert noise.std() == pytest.approx(1, abs=1e-3)
    assert not np.array_equal(noise, hair.strands(POINTS, SIDE, seed=2))


def test_no_hair_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    faces = bearded()
    faces.faces[:] = 120
    with pytest.raises(UsageError, match="nowhere darker"):
        drawn(monkeypatch, faces)


def test_trains_into_a_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, pack = make_work(tmp_path / "work", people=48), make_tiny_pack(tmp_path / "packs")
    monkeypatch.setattr(prototype, "PEOPLE", 6)
    monkeypatch.setattr(prototype, "FEWEST", 18)
    prototype.train(work, tmp_path / "beard", attribute="beard", pack=pack, device="cpu")
    made = load_pack(pack)
    assert made.manifest.networks["prototype"].config["transforms"] == ["No_Beard-"]
    layer = made.network("prototype").layers.numpy()[0]  # type: ignore[union-attr,operator]
    assert layer[:-1].min() < 0 == layer[:-1].max()
    assert (layer[:-1][:, layer[-1] == 0] == 0).all()
    assert json.loads((tmp_path / "beard" / "prototype.json").read_text())["scale"] == 1, "as dark as they are"
    assert [check.problem for check in verify(made) if check.problem] == []
