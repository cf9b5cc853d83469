"""An evaluation of a tiny pack on made-up people: what is written, what is kept, what is exact by construction."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.evaluate.faces import make_people
from tests.tinypack import add_pixel, make_tiny_pack
from videdit import composite
from videdit.errors import MissingError, UsageError
from videdit.evaluate import figures
from videdit.evaluate.bench import Bench
from videdit.evaluate.drift import there_and_back
from videdit.evaluate.ladder import Codes, Trial
from videdit.evaluate.methods import available, check_methods, editor
from videdit.evaluate.people import choose, open_data
from videdit.evaluate.run import RESULTS, Options, Session, attributes_of, evaluate, kept, trials_of
from videdit.evaluate.tables import page
from videdit.packs.load import load_pack
from videdit.quality.judge import load_judge

OPTIONS = Options(
    methods=["axes", "ganspace"],
    attributes=["smile", "eyeglasses", "age"],
    strengths=[1.0, 3.0],
    rates=[0.5, 0.9],
    faces=6,
    curve_faces=4,
    identities=0,
    drift=3,
    baseline_faces=32,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    make_tiny_pack(folder)
    make_people(folder / "work")
    return folder


@pytest.fixture(scope="module")
def trial(place: Path) -> Trial:
    pack = load_pack(place / "tiny")
    bench = Bench(pack, *load_judge(), workers=1)
    people = choose(open_data(place / "work"), bench, count=5, seed=0)
    return Trial(bench, people, editor("axes", pack, {}), "Smiling")


def test_results_are_complete_and_added_to(place: Path) -> None:
    out, said = place / "out", []
    run = {"judge": None, "device": "cpu", "curves": False, "workers": 2, "say": said.append}
    first = evaluate(place / "tiny", place / "work", out, replace(OPTIONS, methods=["axes"]), strips=place / "strips", **run)  # type: ignore[arg-type]
    assert list(first["methods"]) == ["axes"]
    assert sorted(p.name for p in (place / "strips").iterdir()) == ["age.png", "eyeglasses.png", "smile.png"]
    second = evaluate(place / "tiny", place / "work", out, replace(OPTIONS, methods=["ganspace"]), **run)  # type: ignore[arg-type]
    assert list(second["methods"]) == ["axes", "ganspace"]
    assert second["methods"]["axes"] == first["methods"]["axes"]
    assert json.loads((out / RESULTS).read_text()) == second
    smile = second["methods"]["ganspace"]["attributes"]["smile"]
    assert [point["strength"] for point in smile["curve"]] == [1.0, 3.0]
    assert smile["leakage"]["locks"] == ["Eyeglasses", "Young"]
    assert len(smile["leakage"]["free"]["others"]) == 40
    assert len(second["methods"]["axes"]["one_after_another"]) == 3
    assert set(second["methods"]["axes"]["together"][0]["alone"]) == {"Smiling", "Eyeglasses", "Young"}
    text = page(second)
    assert "| axes | ganspace |" in text and "What else moves: axes" in text
    assert any("axes smile" in line for line in said)


def test_figures_of_other_people_do_not_belong_in_one_table(tmp_path: Path) -> None:
    path, head = tmp_path / RESULTS, {"seed": 0, "faces": 6, "pack": "a"}
    assert kept(path, head)["methods"] == {}
    path.write_text(json.dumps({**head, "methods": {"axes": {}}}))
    assert list(kept(path, head | {"pack": "b"})["methods"]) == ["axes"]  # the same generator, and a new part
    assert kept(path, head | {"seed": 1})["methods"] == {}


def test_pictures_are_drawn(place: Path) -> None:
    pytest.importorskip("matplotlib")
    out = place / "drawn"
    options = replace(OPTIONS, methods=["axes"], attributes=["smile"], faces=3, curve_faces=2, drift=2)
    evaluate(place / "tiny", place / "work", out, options, device="cpu", workers=1, say=lambda text: None)
    for name in ("curves.png", "leakage-axes.png"):
        assert (out / name).read_bytes()[:4] == b"\x89PNG"


def test_nobody_who_was_chosen_by_is_measured(place: Path, trial: Trial) -> None:
    known = open_data(place / "work")
    assert not np.isin(trial.people.identity, known.identity[known.held_out(choosing=True)]).any()
    assert np.isin(trial.people.identity, known.identity[known.held_out(choosing=False)]).all()


def test_an_edit_of_nothing_changes_nothing(trial: Trial) -> None:
    rows = np.arange(5)
    look = trial.look(0.0, rows, keep=True)
    assert np.array_equal(look.pictures, trial.people.pictures[rows])
    np.testing.assert_allclose(look.drawn, trial.people.drawn[rows], atol=1e-6)
    assert trial.rates(look, rows)["seen"]["changed"] == 0


def test_an_edit_changes_pictures_inside_the_quad_only(trial: Trial) -> None:
    look = trial.look(3.0, np.array([1]), keep=True)
    changed = (look.pictures[0] != trial.people.pictures[1]).any(-1)
    y, x = np.nonzero(changed)
    low, high = trial.people.quads[1].min(0), trial.people.quads[1].max(0)
    assert changed.any()
    assert low[0] <= x.min() and x.max() <= high[0] and low[1] <= y.min() and y.max() <= high[1]


def test_every_face_is_asked_for_what_the_judge_does_not_see(trial: Trial) -> None:
    asked = trial.strengths(2.0, np.arange(5))
    assert ((asked > 0) == (trial.people.seen[:, trial.column] < 0.5)).all()
    assert (np.abs(asked) == 2).all()


def test_pictures_are_composited_as_the_editor_does(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the pack says how latents move landmarks, the face's own pixels move."""
    rows, asked = np.array([1]), []
    analyse = composite.analyse

    def noted(*args: np.ndarray, moves: np.ndarray | None = None, **more: np.ndarray) -> list[composite.Change]:
        asked.append(moves)
        return analyse(*args, moves=moves, **more)

    monkeypatch.setattr(composite, "analyse", noted)
    shape = np.random.default_rng(0).normal(size=(78, 2, *trial.people.w.shape[1:])).astype(np.float32) / 1000
    monkeypatch.setattr(type(trial.bench.pack), "shape", lambda pack: shape)
    trial.look(3.0, rows)
    moved = trial.editor(trial.people.w[rows], trial.asked(3.0, rows)) - trial.people.w[rows]
    assert asked[0] == pytest.approx(trial.bench.pack.size * np.einsum("nld,pxld->npx", moved, shape), rel=1e-4)


@pytest.fixture(scope="module")
def drawing(place: Path) -> Session:
    """A pack that draws glasses away, and axes for all else."""
    pack = load_pack(add_pixel(make_tiny_pack(place / "drawing")))
    pack.manifest.methods["Eyeglasses-"] = ("pixel",)
    bench = Bench(pack, *load_judge(), workers=1)
    people = choose(open_data(place / "work"), bench, count=8, seed=0)
    people.seen[:4, bench.names.index("Eyeglasses")] = 0.9  # and nobody else wears any
    people.seen[4:, bench.names.index("Eyeglasses")] = 0.1
    asked = attributes_of(["eyeglasses", "smile"], pack.manifest, bench.names)
    return Session(bench, people, asked, OPTIONS, None, Codes(people), print)


def test_a_method_of_one_direction_is_measured_on_those_who_have_what_it_takes(drawing: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videdit.evaluate.run.FEWEST", 4)
    trials = trials_of(editor("pixel", drawing.bench.pack, {}), drawing)
    assert list(trials) == ["eyeglasses"]
    assert len(trials["eyeglasses"].people) == 4
    assert (trials["eyeglasses"].strengths(1.0, np.arange(4)) == -1).all()


def test_auto_is_what_the_pack_names_for_each_direction(drawing: Session) -> None:
    auto, pack = editor("auto", drawing.bench.pack, {}), drawing.bench.pack
    trial = trials_of(auto, drawing)["eyeglasses"]
    rows = np.arange(2, 6)
    look = trial.look(1.0, rows, keep=True)
    assert not len(look.drawn), "renders do not show what is drawn"
    for name, part in (("pixel", rows[:2]), ("axes", rows[2:])):
        alone = Trial(trial.bench, trial.people, editor(name, pack, {}), trial.source).look(1.0, part, keep=True)
        same = look.pictures[:2] if name == "pixel" else look.pictures[2:]
        assert np.abs(same.astype(int) - alone.pictures).max() < 5  # networks in bfloat16, in batches of other sizes
        assert (same != trial.people.pictures[part]).any()
    held = auto(trial.people.w[rows], trial.asked(1.0, rows), ["Smiling"])
    assert (held != trial.people.w[rows]).any((1, 2)).all(), "with locks, axes take what pixel would do"


def test_axes_come_back(trial: Trial) -> None:
    found = there_and_back(trial, 1.0, np.arange(3), None, Codes(trial.people), 0)
    assert found["latent"] < 1e-5
    assert found["nothing"] < 1e-5
    assert found["move"] > 0.01
    assert "identity" not in found


def test_only_methods_that_the_pack_has_parts_for(place: Path) -> None:
    pack = load_pack(place / "tiny")
    assert available(pack) == ["axes", "interfacegan", "ganspace"]
    assert check_methods([], pack) == available(pack)
    with pytest.raises(UsageError, match="transformer"):
        check_methods(["transformer"], pack)


def test_attributes_by_any_name(place: Path) -> None:
    manifest, (_, judged) = load_pack(place / "tiny").manifest, load_judge()
    assert list(attributes_of(["Smiling", "old"], manifest, judged)) == ["smile", "age"]
    assert len(attributes_of([], manifest, judged)) == 8
    assert list(attributes_of(["all"], manifest, judged)) == list(manifest.attributes)
    with pytest.raises(UsageError, match="judge"):
        attributes_of(["smile"], manifest, ["Male"])


def test_missing_parts_are_said_before_the_work(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    with pytest.raises(MissingError) as caught:
        evaluate(place / "tiny", place / "work", place / "x", OPTIONS, judge=place, curves=False)
    assert "--judge" in caught.value.hint
    with pytest.raises(MissingError):
        evaluate(place / "tiny", place, place / "x", OPTIONS, curves=False)
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingError) as caught:
        evaluate(place / "tiny", place / "work", place / "x", replace(OPTIONS, identities=2), curves=False)
    assert "--identities 0" in caught.value.hint
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingError) as caught:
        figures.pyplot()
    assert "--no-curves" in caught.value.hint
