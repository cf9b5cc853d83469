"""train.classifier and train.identity: they write what a pack needs, go on where they stopped, and log."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.train.faces import make_work
from videdit.networks.classifier import Classifier
from videdit.networks.recognizer import Recognizer
from videdit.train import classifier, identity

KINDS = [(classifier.train, "classifier", Classifier), (identity.train, "recognizer", Recognizer)]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_work(tmp_path_factory.mktemp("work"))


@pytest.fixture(autouse=True)
def a_clock_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock takes ten seconds, however busy the machine is: a step looks twice, so a minute is three steps."""
    ticks = itertools.count(step=10.0)
    monkeypatch.setattr("videdit.train.run.time.monotonic", lambda: next(ticks))
    monkeypatch.setattr(classifier, "BATCH", 8)
    monkeypatch.setattr(identity, "BATCH", 8)


def test_a_hard_one_is_a_teacher(work: Path, tmp_path: Path) -> None:
    classifier.train(work, tmp_path, minutes=1, device="cpu", hard=True)
    teacher = classifier.load_classifier(tmp_path, torch.device("cpu"))
    assert teacher is not None
    assert teacher.stem[0].out_channels == classifier.HARD["width"]
    assert not any(p.requires_grad for p in teacher.parameters())


def steps(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("train", "name", "network"), KINDS, ids=["classifier", "identity"])
def test_trains_and_goes_on(work: Path, tmp_path: Path, train: Callable, name: str, network: type[torch.nn.Module]) -> None:
    path = train(work, tmp_path, minutes=1, device="cpu")
    assert path == tmp_path / f"{name}.safetensors"
    notes = json.loads((tmp_path / f"{name}.json").read_text())
    built = network(**notes["config"])
    missing, unexpected = built.load_state_dict(load_file(path), strict=False)
    assert not unexpected
    assert all(key.endswith("num_batches_tracked") for key in missing)
    assert (tmp_path / "samples.png").exists()
    first = steps(tmp_path)
    train(work, tmp_path, minutes=2, device="cpu")
    assert steps(tmp_path)[: len(first)] == first
    assert steps(tmp_path)[-1] > first[-1]
    train(work, tmp_path, minutes=1, device="cpu", resume=False)
    assert steps(tmp_path) == first
