"""train.transformer and train.mapper: from faces to a network in a pack; they go on where they stopped, and log."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.tinypack import LAYERS, STYLE, make_tiny_pack
from tests.train.faces import make_work
from videdit.edit import METHODS, move, resolve
from videdit.errors import MissingError, UsageError
from videdit.networks.latents import LatentClassifier, LatentMapper, LatentTransformer
from videdit.packs.load import load_pack
from videdit.packs.manifest import read_manifest
from videdit.packs.verify import verify
from videdit.train import data, editors, mapper, pictures, transformer
from videdit.train.latents import agreement, prepare
from videdit.types import EditPlan

KINDS = [(transformer.train, "transformer"), (mapper.train, "mapper")]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"), people=48)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return make_tiny_pack(tmp_path / "packs")


@pytest.fixture(autouse=True)
def a_clock_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock takes ten seconds, however busy the machine is."""
    ticks = itertools.count(step=10.0)
    monkeypatch.setattr("videdit.train.run.time.monotonic", lambda: next(ticks))
    monkeypatch.setattr(transformer, "BATCH", 4)
    monkeypatch.setattr(mapper, "BATCH", 8)
    monkeypatch.setattr(mapper, "SMALL", 4)
    monkeypatch.setattr(mapper, "JUDGED", 8)
    monkeypatch.setattr(editors.Judged.__init__, "__kwdefaults__", {"faces": 2})
    monkeypatch.setattr("videdit.train.measure.STEPS", (0.0, 1.0))
    monkeypatch.setattr(transformer, "MAIN", ("Smiling",))
    monkeypatch.setattr("videdit.train.latents.EPOCHS", 2)


@pytest.mark.parametrize(("train", "name"), KINDS, ids=["transformer", "mapper"])
def test_trains_goes_on_and_ends_in_the_pack(work: Path, tmp_path: Path, pack: Path, train: Callable[..., Path], name: str) -> None:
    run, seen = tmp_path / "run", set()
    path = train(work, run, pack=pack, minutes=1, device="cpu", rank=2, progress=lambda stage, done, total: seen.add(stage))
    assert path == pack / f"{name}.safetensors"
    assert {"encode", "train", "calibrate"} <= seen
    loaded = load_pack(pack)
    assert [check.problem for check in verify(loaded) if check.problem] == []
    assert loaded.manifest.networks[name].license == "MIT"
    notes = json.loads((run / f"{name}.json").read_text())
    assert len(notes["measured"]) == len(loaded.manifest.attributes)
    w = np.random.default_rng(0).normal(size=(2, LAYERS, STYLE)).astype(np.float32)
    assert not np.array_equal(METHODS[name](w, {"Smiling": 1.0}, loaded), w)
    rows = list(csv.DictReader((run / "log.csv").open()))
    assert (run / "curve.svg").stat().st_size > 0
    train(work, run, pack=pack, minutes=3, device="cpu", rank=2)
    again = list(csv.DictReader((run / "log.csv").open()))
    assert again[: len(rows)] == rows
    assert int(again[-1]["step"]) > int(rows[-1]["step"])
    assert len(list(tmp_path.glob("latents-*"))) == 1  # putting the network into the pack did not make other latents of it


def test_the_same_seed_gives_the_same_network(work: Path, tmp_path: Path, pack: Path) -> None:
    made = [transformer.train(work, tmp_path / str(i), pack=pack, minutes=0.5, device="cpu", rank=2).read_bytes() for i in range(2)]
    assert made[0] == made[1]


def test_a_pack_asked_for_by_name_stays_as_it_is(tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEDIT_PACKS", str(pack.parent))
    monkeypatch.setattr(editors, "user_folder", lambda: tmp_path / "user")
    network = LatentTransformer(attributes=("Smiling", "Dimples"), num_layers=LAYERS, style_dim=STYLE)
    config = {"attributes": ["Smiling", "Dimples"], "num_layers": LAYERS, "style_dim": STYLE}
    path = editors.into_pack(load_pack("tiny"), "tiny", "transformer", network, config, {"loss": 1.0}, tmp_path, 7)
    assert path.parent == tmp_path / "user" / "tiny"
    assert "transformer" not in read_manifest(pack).networks
    made = load_pack(path.parent)
    assert made.manifest.resolve("dimples")[0].source == "Dimples"  # an attribute of one's own has a flag
    moves = resolve(EditPlan({"dimples": 1.0}), made.manifest)
    w = np.ones((1, LAYERS, STYLE), np.float32)
    assert not np.array_equal(move(w, moves, made), w)
    assert [check.problem for check in verify(made) if check.problem] == []
    assert json.loads((tmp_path / "transformer.json").read_text())["faces"] == 7


def test_patience_ends_a_run(work: Path, tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformer, "PATIENCE", 2)
    monkeypatch.setattr(transformer, "RATE", 0.0)
    transformer.train(work, tmp_path / "run", pack=pack, minutes=60, device="cpu", rank=2)
    lines = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    assert float(lines[-1]["seconds"]) < 600


def test_nobody_it_stops_by_is_reported_on(work: Path, tmp_path: Path, pack: Path) -> None:
    known, loaded = data.load(work), load_pack(pack)
    rows = known.held_out(choosing=True)
    columns = [known.attributes.index(name) for name in loaded.manifest.order]
    for faces in (pictures.gather(work, loaded, count=40), prepare(work, loaded, tmp_path / "run", count=40)):
        assert faces.held.sum() == len(rows) == 8
        assert np.array_equal(faces.labels[faces.held], known.labels[rows][:, columns])
    prepare(work, loaded, tmp_path / "run", count=40, split=((0, 1), (5,)))
    assert len(list(tmp_path.glob("latents-*"))) == 2  # other people are held out: not out of the same file


def test_labels_of_a_folder(pack: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,smile,age,identity,Grin\na.jpg,1,1,17,0\nb.jpg,,-1,18,1\n")
    found, names = pictures.read_labels(table, read_manifest(pack))
    assert names[-1] == "Grin"
    assert len(names) == 41
    a, b = found["a.jpg"], found["b.jpg"]
    assert (a[names.index("Smiling")], a[names.index("Young")], a[-1]) == (1, 0, 0)
    assert np.isnan(b[names.index("Smiling")])
    assert (b[names.index("Young")], b[-1]) == (1, 1)
    table.write_text("file,smile\na.jpg,often\n")
    with pytest.raises(UsageError, match="often"):
        pictures.read_labels(table, read_manifest(pack))


def test_a_folder_of_pictures(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for i in range(45):
        cv2.imwrite(str(folder / f"{i:02}.png"), np.full((20, 20, 3), i, np.uint8))

    def crops(files: list[Path], pack: object):  # type: ignore[no-untyped-def]
        for i, path in enumerate(files):
            yield path, None if i == 3 else (np.full((32, 32, 3), 5 * i, np.uint8), np.zeros((78, 2)))

    monkeypatch.setattr(pictures, "_crops", crops)
    latents = prepare(folder, load_pack(pack), tmp_path / "run", count=100)
    assert latents.w.shape == (44, LAYERS, STYLE)
    assert np.isnan(latents.labels).all()
    assert not np.isnan(latents.truth()).any()  # the pack's classifier labels what nobody did
    assert latents.held.sum() == 4
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(UsageError, match="0 faces"):
        prepare(folder, load_pack(pack), tmp_path / "run", count=99)


def test_confining_keeps_the_maps() -> None:
    torch.manual_seed(0)
    network = LatentTransformer(attributes=("a", "b"), num_layers=4, style_dim=3, rank=2)
    w = torch.randn(2, 4, 3)
    moves = transformer.confined(network, (1, 2))(w)
    assert torch.equal(moves[:, :, 1:3], network(w)[:, :, 1:3])
    assert not moves[:, :, [0, 3]].any()


def test_correlated_attributes_may_go_along() -> None:
    truth = np.array([[0, 0, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1]], np.float32)
    np.testing.assert_allclose(transformer.independence(truth), [[0, 0, 1], [0, 0, 1], [1, 1, 0]], atol=1e-6)


def test_a_teacher_has_to_be_there(work: Path, tmp_path: Path, pack: Path) -> None:
    with pytest.raises(MissingError, match="no classifier"):
        mapper.train(work, tmp_path / "run", pack=pack, minutes=1, device="cpu", rank=2, teacher=tmp_path)


def test_two_teachers_read_renders(work: Path, tmp_path: Path, pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, asked = load_pack(pack), []

    def second(folder: Path, device: torch.device) -> torch.nn.Module:
        asked.append(folder)
        return loaded.classifier

    monkeypatch.setattr(mapper, "load_classifier", second)
    mapper.train(work, tmp_path / "run", pack=pack, minutes=1, device="cpu", rank=2, teacher=tmp_path / "other")
    assert asked == [tmp_path / "other"]


def test_a_mapper_starts_at_the_axes(work: Path, tmp_path: Path, pack: Path) -> None:
    """At any strength and in any combination, before it has learnt anything."""
    loaded = load_pack(pack)
    latents = prepare(work, loaded, tmp_path / "run", count=40)
    shape = {"num_layers": LAYERS, "style_dim": STYLE}
    network = LatentMapper(attributes=latents.names, rank=2, freedom=0.0, straight=True, **shape)
    judge = LatentClassifier(attributes=len(latents.names), **shape)
    mapper.Trainer(loaded, latents, judge, network)
    change = torch.zeros(3, 40)
    change[:, [3, 20]] = torch.tensor([[1.0, -2.0], [3.0, 0.5], [0.0, 0.0]])
    w = torch.from_numpy(latents.w[:3])
    strengths = {latents.names[row]: change[:, row].numpy() for row in (3, 20)}
    np.testing.assert_allclose(network(w, change).detach().numpy(), METHODS["axes"](w.numpy(), strengths, loaded), atol=1e-4)


def test_a_straight_mapper_asked_for_nothing_does_nothing() -> None:
    torch.manual_seed(0)
    shape = {"attributes": ("a", "b"), "num_layers": 2, "style_dim": 3, "depth": 2, "rank": 2}
    w, nothing = torch.randn(4, 2, 3), torch.zeros(4, 2)
    straight, published = LatentMapper(straight=True, **shape), LatentMapper(**shape)
    assert torch.equal(straight(w, nothing), w)
    assert not torch.equal(published(w, nothing), w)
    assert set(straight.state_dict()) - set(published.state_dict()) == {"path"}  # packs with a mapper as published load
    with pytest.raises(ValueError, match="straight"):
        published.start(torch.zeros(2, 2, 3))


def test_near_is_in_the_latents_own_covariance() -> None:
    x = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([3.0, 1.0, 0.0])
    far = (torch.eye(3) @ mapper.whitening(x - x.mean(0))).norm(dim=1)
    assert far[0] == pytest.approx(1 / 3, rel=0.1)
    assert far[1] == pytest.approx(1, rel=0.1)
    assert far[2] == pytest.approx(mapper.RIDGE**-0.5, rel=0.1)  # where no face varies


def test_agreement_is_the_chance_to_rank_rightly() -> None:
    logits = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0], [3.0, 2.0]])
    truth = np.array([[0, 1], [0, 0], [1, 0], [1, np.nan]])
    np.testing.assert_allclose(agreement(logits, truth), [1.0, 0.5])


def test_moves_end_where_landmarks_go_too_far(work: Path, tmp_path: Path, pack: Path) -> None:
    """A move twice as long may go half as far; without a map of landmarks nothing is known, and nothing is limited."""
    loaded = load_pack(pack)
    judged = editors.Judged(loaded, prepare(work, loaded, tmp_path / "run", count=48), torch.nn.Identity())
    row, along = 31, np.random.default_rng(0).normal(size=(LAYERS, STYLE)).astype(np.float32)

    def move(w: np.ndarray, row: int, distance: float) -> np.ndarray:
        return w + distance * along

    assert judged.limit(move, row) == np.inf
    loaded._shape = np.random.default_rng(1).normal(size=(78, 2, LAYERS, STYLE)).astype(np.float32)
    once, twice = judged.limit(move, row), judged.limit(lambda w, r, d: move(w, r, 2 * d), row)
    assert 0 < once < np.inf
    assert twice == pytest.approx(once / 2)
    assert judged.measured(move, row).distance <= once
