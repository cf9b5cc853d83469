"""train.pixel: from unpaired faces to a direction in a pack, beside those it has; goes on where it stopped."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tinypack import SIZE, add_pixel, make_tiny_pack
from tests.train.faces import make_work
from videdit.errors import MissingError, PackError, UsageError
from videdit.packs.load import load_pack
from videdit.packs.verify import verify
from videdit.train import classifier, pictures, pixel, pixel_faces, pixel_pack, pixel_teacher
from videdit.train.augment import shifted


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"), people=48)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return make_tiny_pack(tmp_path / "packs")


@pytest.fixture(autouse=True)
def a_clock_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock takes three seconds; networks are narrow."""
    ticks = itertools.count(step=3.0)
    monkeypatch.setattr("videdit.train.run.time.monotonic", lambda: next(ticks))
    monkeypatch.setattr(pixel, "WIDTH", 8)
    monkeypatch.setattr(classifier, "BATCH", 4)
    monkeypatch.setattr(pixel, "BATCH", 4)
    monkeypatch.setattr(pixel, "CRITIC", {"channels": [8, 8, 16]})


def test_trains_goes_on_and_ends_in_the_pack(work: Path, tmp_path: Path, pack: Path) -> None:
    run, seen = tmp_path / "run", set()
    words = {"pack": pack, "attribute": "smile", "direction": -1, "device": "cpu"}
    path = pixel.train(work, run, minutes=1, progress=lambda stage, done, total: seen.add(stage), **words)
    assert path == pack / "pixel.safetensors"
    assert "train" in seen
    assert load_pack(pack).manifest.networks["pixel"].config == {"transforms": ["Smiling-"], "regions": ["mouth"], "width": 8}
    rows = list(csv.DictReader((run / "log.csv").open()))
    assert {"gan", "held_out", "attribute", "identity"} & set(rows[0]) == {"held_out", "attribute", "identity"}
    assert (run / "curve.svg").is_file()
    assert (run / "samples.png").is_file()
    first = path.read_bytes()
    pixel.train(work, run, minutes=2, **words)
    again = list(csv.DictReader((run / "log.csv").open()))
    assert again[: len(rows)] == rows
    assert int(again[-1]["step"]) > int(rows[-1]["step"])
    assert path.read_bytes() != first or float(again[-1]["held_out"]) >= float(rows[-1]["held_out"])
    assert [check.problem for check in verify(load_pack(pack)) if check.problem] == []


@pytest.mark.parametrize("features", ["adaptive", "fixed"])
def test_the_same_seed_gives_the_same_network(work: Path, tmp_path: Path, pack: Path, features: str) -> None:
    words = {"attribute": "male", "direction": -1, "minutes": 0.5, "device": "cpu", "features": features}
    made = [pixel.train(work, tmp_path / str(i), pack=pack, **words).read_bytes() for i in range(2)]  # type: ignore[arg-type]
    assert made[0] == made[1]
    assert json.loads((tmp_path / "0" / "pixel.json").read_text())["transform"] == "Male-"


def test_it_learns_what_is_simple(pack: Path) -> None:
    """A few steps bring the network's own picture nearer to pictures that have what is wanted: brighter ones."""
    torch.manual_seed(0)
    game = pixel.Game(load_pack(pack), 0, 1, "", adaptive=True, seed=0)
    dark, light = -0.5 + 0.1 * torch.randn(8, 3, SIZE, SIZE), 0.5 + 0.1 * torch.randn(8, 3, SIZE, SIZE)
    for _ in range(20):
        game.judge(dark, light)
    optimizer = torch.optim.Adam(game.network.parameters(), lr=3e-3)
    mask = torch.ones(8, 1, SIZE, SIZE)
    for _ in range(25):
        optimizer.zero_grad()
        terms = game.losses(dark, mask, light)
        (terms["gan"] + 0.1 * terms["identity"]).backward()
        optimizer.step()
    with torch.no_grad():
        assert float(game.network(dark, mask).mean()) > 0.1


def test_what_a_critic_sees_is_moved_about_and_what_belongs_together_alike() -> None:
    torch.manual_seed(0)
    first = torch.arange(1.0, 1 + 6 * 3 * 20 * 20).view(6, 3, 20, 20)
    a, b = shifted(first, -first)
    assert torch.equal(a, -b)
    places = {tuple((row == first[number, 0, 10, 10]).nonzero()[0, 1:].tolist()) for number, row in enumerate(a)}
    assert len(places) > 3, "each row by its own way"
    assert all(8 <= y <= 12 and 8 <= x <= 12 for y, x in places), "by a tenth of the side at most"


def test_sides_follow_labels_and_the_classifier_where_there_are_none(work: Path, pack: Path) -> None:
    loaded = load_pack(pack)
    faces = pictures.gather(work, loaded, count=60)
    column = faces.names.index("Smiling")
    without, has = pixel_faces.sides(faces, loaded, column, -1)
    assert np.array_equal(has, faces.labels[:, column] == 0)
    assert np.array_equal(without, ~has)
    faces.labels[:, column] = np.nan
    without, has = pixel_faces.sides(faces, loaded, column, 1)
    assert np.array_equal(without, ~has)


def test_a_face_learns_from_faces_like_it(work: Path, pack: Path) -> None:
    faces = pictures.gather(work, load_pack(pack), count=60)
    column = faces.names.index("Smiling")
    kinds, alike = pixel_faces.partners(faces, np.flatnonzero(faces.labels[:, column] == 1), column)
    assert (faces.labels[alike, column] == 1).all()
    assert all((kinds[alike[kind]] == kind).all() for kind in np.unique(kinds[faces.labels[:, column] == 1]))
    assert len({tuple(faces.labels[row, [faces.names.index(n) for n in ("Male", "Young")]]) for row in np.flatnonzero(kinds == 3)}) == 1


def test_one_kind_of_faces_is_not_enough(work: Path, tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixel_faces, "sides", lambda faces, *_: (np.ones(len(faces.held), bool), np.zeros(len(faces.held), bool)))
    with pytest.raises(UsageError, match="0 to learn from"):
        pixel.train(work, tmp_path / "run", pack=pack, attribute="smile", device="cpu")
    with pytest.raises(UsageError, match="no attribute 'grin'"):
        pixel.train(work, tmp_path / "run", pack=pack, attribute="grin", device="cpu")


def test_runs_go_into_a_pack_beside_what_it_has(tmp_path: Path, pack: Path) -> None:
    add_pixel(pack)
    before = load_pack(pack).loaded("pixel").networks[0].state_dict()  # type: ignore[union-attr,index]
    for name, region, width in (("Smiling-", "mouth", 8), ("Male-", "", 8), ("Grin+", "mouth", 8), ("Wide+", "", 16)):
        (tmp_path / name).mkdir()
        pixel_pack.write_run(tmp_path / name, name, region, pixel.Redraw(width, local=bool(region)), {"changed": 0.5})
    pixel_pack.add(pack, [tmp_path / name for name in ("Smiling-", "Male-", "Grin+")])
    made = load_pack(pack)
    assert made.manifest.transforms("pixel") == ("Eyeglasses-", "Mouth_Slightly_Open+", "Male-", "Young+", "Smiling-", "Grin+")
    assert all(torch.equal(value, before[name]) for name, value in made.loaded("pixel").networks[0].state_dict().items())  # type: ignore[union-attr,index]
    assert made.manifest.methods_for("Grin") == ("pixel",)  # an attribute of one's own has a flag
    assert "scales" not in made.manifest.networks["pixel"].config  # all of what is drawn is a strength of 1, where nothing else is said
    toml = pack / "pack.toml"
    toml.write_text(toml.read_text().replace("[networks.pixel.config]", "[networks.pixel.config]\nscales = [1.0, 1.5, 1.0, 1.0, 2.0, 1.0]"))
    pixel_pack.add(pack, [tmp_path / "Smiling-"])
    scales = dict(zip(*(load_pack(pack).manifest.networks["pixel"].config[key] for key in ("transforms", "scales")), strict=True))
    assert scales == {
        "Eyeglasses-": 1,
        "Mouth_Slightly_Open+": 1.5,
        "Male-": 1,
        "Young+": 1,
        "Smiling-": 1,
        "Grin+": 1,
    }  # one trained anew: all
    with pytest.raises(PackError, match="16 channels wide"):
        pixel_pack.add(pack, [tmp_path / "Wide+"])
    with pytest.raises(UsageError, match="no finished run"):
        pixel_pack.add(pack, [tmp_path])


def test_a_teacher_says_whether_it_comes(work: Path, tmp_path: Path, pack: Path) -> None:
    """A hardened classifier's word is one of the terms; its weights and the pack's own judgement stay what they were."""
    with pytest.raises(MissingError, match="holds no classifier"):
        pixel.train(work, tmp_path / "run", pack=pack, attribute="male", direction=-1, minutes=0.5, device="cpu", teacher=tmp_path)
    hard = classifier.train(work, tmp_path / "hard", minutes=0.2, device="cpu", hard=True)
    before = hard.read_bytes()
    words = {"pack": pack, "attribute": "male", "direction": -1, "minutes": 0.5, "device": "cpu"}
    taught = pixel.train(work, tmp_path / "taught", teacher=hard.parent, **words).read_bytes()  # type: ignore[arg-type]
    assert hard.read_bytes() == before
    assert taught != pixel.train(work, tmp_path / "plain", **words).read_bytes()  # type: ignore[arg-type]


def test_a_teacher_knows_what_it_was_taught_only(work: Path, tmp_path: Path) -> None:
    classifier.train(work, tmp_path, minutes=0.2, device="cpu", hard=True)
    assert pixel_teacher.taught_by(tmp_path, torch.device("cpu"), 39, 1).column == 39
    with pytest.raises(UsageError, match="does not know"):
        pixel_teacher.taught_by(tmp_path, torch.device("cpu"), 40, 1)


def test_it_begins_with_a_direction_of_a_pack(work: Path, tmp_path: Path, pack: Path) -> None:
    words = {"pack": pack, "attribute": "male", "direction": -1, "device": "cpu"}
    pixel.train(work, tmp_path / "first", minutes=0.5, **words)  # type: ignore[arg-type]
    made = pixel_pack.transform(load_pack(pack), "Male-")
    pixel.train(work, tmp_path / "second", minutes=1e-6, init=pack, **words)  # type: ignore[arg-type]
    again = pixel_pack.transform(load_pack(pack), "Male-")
    assert all(torch.allclose(made[name], again[name], atol=2e-2) for name in made)
    with pytest.raises(UsageError, match="no pixel transform Young-"):
        pixel_pack.transform(load_pack(pack), "Young-")


def test_what_goes_with_an_attribute_may_go_along() -> None:
    labels = np.array([[0, 0, 1], [1, 1, 0], [0, 0, 0], [1, 1, 1]], np.float32)
    faces = pictures.Faces(np.zeros((4, 8, 8, 3), np.uint8), np.zeros((4, 78, 2), np.float32), labels, ("a", "b", "c"), np.zeros(4, bool))
    held = pixel_teacher.apart(faces, 0, 3)
    assert held.shape == (2,)
    assert float(held[0]) < 1e-3 < 0.99 < float(held[1])
