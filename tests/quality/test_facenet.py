"""FaceNet: the network is facenet-pytorch's, and its weights are found where `videdit models get` puts them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from videdit.errors import MissingError, PackError
from videdit.evaluate.likeness import Likeness
from videdit.networks.facenet import FaceNet
from videdit.packs.fetch import fetch
from videdit.packs.registry import read_registry
from videdit.packs.weights import digest, place
from videdit.quality.facenet import FaceNetEmbedder, load_facenet


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as facenet-pytorch publishes it, with random weights and statistics."""
    with torch.device("meta"):
        shapes = {key: value.shape for key, value in FaceNet().state_dict().items() if not key.endswith("num_batches_tracked")}
    dice = torch.Generator().manual_seed(0)
    tensors = {key: torch.rand(shape, generator=dice) for key, shape in shapes.items()}
    for value in tensors.values():
        if value.ndim > 1:  # weights around 0, as large as keeps signals at their size
            value.sub_(0.5).mul_(3.5 / value[0].numel() ** 0.5)
    path = tmp_path_factory.mktemp("facenet") / "weights.pt"
    torch.save({**tensors, "logits.weight": torch.zeros(3, 512), "logits.bias": torch.zeros(3)}, path)
    return path


def test_it_computes_what_facenet_pytorch_computes(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.find_spec("facenet_pytorch")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("facenet-pytorch is not installed: the network is not compared with it")
    package = ModuleType("reference")  # the network's file alone: the package's own __init__ wants torchvision
    package.__path__ = [str(Path(spec.submodule_search_locations[0]) / "models")]
    monkeypatch.setitem(sys.modules, "reference", package)
    module = importlib.import_module("reference.inception_resnet_v1")
    with torch.device("meta"):
        reference = module.InceptionResnetV1().eval()
    ours = load_facenet(weights)
    reference.load_state_dict(ours.state_dict(), assign=True)
    image = torch.rand(2, 3, 96, 96) * 2 - 1
    with torch.inference_mode():
        codes = ours(image)
        assert torch.allclose(codes, reference(image), atol=1e-5)
    assert (codes[0] - codes[1]).abs().max() > 1e-3  # the pictures are told apart
    for name in [name for name in sys.modules if name.startswith("reference.")]:
        monkeypatch.delitem(sys.modules, name)


def test_weights_that_were_fetched_are_found(weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDEDIT_WEIGHTS", str(tmp_path))
    with pytest.raises(MissingError) as error:
        Likeness(embedder="facenet")
    assert "videdit models get facenet" in error.value.hint
    assert "--identities 0" in error.value.hint
    entry = replace(read_registry()["facenet"], sha256=digest(weights), bytes=0)
    monkeypatch.setattr("videdit.packs.weights.read_registry", lambda: {"facenet": entry})
    fetch(entry, place(entry), source=weights, say=print, progress=lambda done, total: None)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (2, 120, 140, 3), np.uint8)
    points = np.stack([rng.uniform(20, 90, (78, 2)), rng.uniform(-30, 200, (78, 2))])  # the second reaches out of its picture
    with Likeness(embedder="facenet") as likeness:
        codes = likeness.codes(pictures, points)
    assert codes.shape == (2, 512)
    assert np.allclose(np.linalg.norm(codes, axis=1), 1)


def test_another_file_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(PackError, match="can't be read as FaceNet's weights"):
        FaceNetEmbedder(tmp_path / "other.pt")
