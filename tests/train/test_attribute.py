"""A new attribute out of labelled pictures: an axis beside the others, and nothing else changes."""

from pathlib import Path

import numpy as np
import pytest

from tests.tinypack import LAYERS, STYLE, make_tiny_pack
from tests.train.faces import make_work
from videdit.errors import UsageError
from videdit.packs.load import load_pack
from videdit.packs.save import add_axes
from videdit.packs.verify import verify
from videdit.train import attribute, pictures
from videdit.train.latents import Latents

rng = np.random.default_rng(0)


def latents(labels: np.ndarray, w: np.ndarray) -> Latents:
    seen = rng.normal(size=(len(w), 3)).astype(np.float32)
    own = np.full((len(w), 4), np.nan, np.float32)
    own[:, 3] = labels
    return Latents(w.astype(np.float32), own, seen, seen, ("a", "b", "c", "mine"), np.arange(len(w)) % 10 == 0, Path())


def test_few_pictures_find_what_goes_with_a_label() -> None:
    labels = (rng.uniform(size=300) < 0.4).astype(np.float64)
    w = rng.normal(size=(300, 8, 40)) * np.linspace(3, 0.1, 320).reshape(8, 40)
    axis = np.zeros((8, 40))
    axis[0, :4] = 1.0
    w += labels[:, None, None] * 3 * axis
    found = attribute.direction(latents(labels, w), 3)
    assert np.linalg.norm(found) == pytest.approx(1)
    assert found.ravel() @ axis.ravel() / 2 > 0.75


def test_the_same_thing_under_another_name_is_not_held() -> None:
    labels = (rng.uniform(size=200) < 0.5).astype(np.float64)
    truth = np.stack([labels, rng.integers(0, 2, 200), np.ones(200)], 1)
    assert attribute.others(truth, labels).shape == (200, 1)


def test_too_few_labels_are_refused() -> None:
    labels = np.zeros(100)
    labels[:5] = 1
    with pytest.raises(UsageError, match="5 pictures with it and 95 without"):
        attribute.direction(latents(labels, rng.normal(size=(100, 2, 3))), 3)


def test_axes_beside_the_others(tmp_path: Path) -> None:
    pack = make_tiny_pack(tmp_path)
    before = load_pack(pack).axes()
    axis = rng.normal(size=(1, LAYERS, STYLE))
    for _ in range(2):  # the second time it takes its own place
        add_axes(pack, axis, np.array([3.0]), ["Dimples"])
    loaded = load_pack(pack)
    after = loaded.axes()
    assert after.order == (*before.order, "Dimples")
    np.testing.assert_allclose(after.directions[:-1], before.directions, atol=2e-3)
    np.testing.assert_array_equal(after.distance, [*before.distance, 3.0])
    assert loaded.manifest.attributes["dimples"].source == "Dimples"
    assert loaded.manifest.methods_for("Dimples", "auto", 1.0) == ("axes",)
    assert [check.problem for check in verify(loaded) if check.problem] == []


def test_a_new_attribute_ends_in_the_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered = pictures._prepared

    def labelled(*args: object) -> pictures.Faces:
        faces = gathered(*args)  # type: ignore[arg-type]
        own = (np.arange(len(faces.faces)) % 2).astype(np.float32)[:, None]
        return pictures.Faces(faces.faces, faces.points, np.concatenate([faces.labels, own], 1), (*faces.names, "dimples"), faces.held)

    monkeypatch.setattr(pictures, "_prepared", labelled)
    pack = make_tiny_pack(tmp_path / "packs")
    path = attribute.train(make_work(tmp_path / "work", people=30), tmp_path / "run", pack=pack, device="cpu")
    assert path == pack / "axes.safetensors"
    loaded = load_pack(pack)
    axes = loaded.axes()
    assert axes.order[-1] == "dimples"
    assert axes.distance[-1] > 0
    assert (tmp_path / "run" / "attribute.json").is_file()
    monkeypatch.undo()
    with pytest.raises(UsageError, match="no labels of an attribute that is new"):
        attribute.train(make_work(tmp_path / "other", people=30), tmp_path / "run", pack=pack, device="cpu")
