"""Latents by optimisation: nearer to the picture than the encoder's, the same every time, each row on its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.tinypack import LAYERS, SIZE, STYLE, make_tiny_pack
from videdit.invert import optimize, to_rgb
from videdit.invert.optimize import Optimizer, features_for
from videdit.networks.vgg import Vgg16Features
from videdit.packs.load import Pack, load_pack


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return load_pack(make_tiny_pack(tmp_path))


@pytest.fixture
def crops(pack: Pack) -> np.ndarray:
    """Renders of latents near zero, so that there is a latent to find."""
    w = 0.5 * np.random.default_rng(0).normal(size=(10, LAYERS, STYLE)).astype(np.float32)
    with torch.no_grad():
        return to_rgb(pack.generator(torch.from_numpy(w)))


def features(image: Tensor) -> list[Tensor]:
    return [image]


def at_zero(crops: np.ndarray) -> np.ndarray:
    return np.zeros((len(crops), LAYERS, STYLE), np.float32)


def distance(pack: Pack, w: np.ndarray, crops: np.ndarray) -> float:
    with torch.no_grad():
        return float(np.abs(to_rgb(pack.generator(torch.from_numpy(w))) - crops).mean())


def test_it_fits_better_than_its_start(pack: Pack, crops: np.ndarray) -> None:
    found = Optimizer(pack.generator, at_zero, features)(crops)
    assert found.shape == (10, LAYERS, STYLE)
    assert found.dtype == np.float32
    assert distance(pack, found, crops) < 0.8 * distance(pack, at_zero(crops), crops)


def test_the_same_every_time_and_rows_on_their_own(pack: Pack, crops: np.ndarray) -> None:
    first, second = (Optimizer(pack.generator, at_zero, features)(part) for part in (crops[:8], crops[:3]))
    assert np.array_equal(first, Optimizer(pack.generator, at_zero, features)(crops[:8]))
    np.testing.assert_allclose(first[:3], second, atol=1e-4)


def test_later_frames_start_from_earlier_ones(pack: Pack, crops: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimize, "WARM_STEPS", 3)
    still = np.repeat(crops[:1], 8, axis=0)
    solver = Optimizer(pack.generator, at_zero, features)
    once = distance(pack, solver(still), still)
    assert distance(pack, solver(still), still) < 1.05 * once  # three steps, from where forty had led
    cut = np.repeat(crops[5:6], 8, axis=0)  # somebody else: the encoder's start, where that is better
    assert distance(pack, solver(cut), cut) <= distance(pack, at_zero(cut), cut)


def test_vgg_serves_where_its_weights_are(pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert features_for(pack.classifier, pack.device)[0] == "classifier"
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    state = {**Vgg16Features().state_dict(), "classifier.6.bias": torch.zeros(3)}
    torch.save(state, tmp_path / "hub" / "checkpoints" / optimize.VGG16)
    name, found = features_for(pack.classifier, pack.device)
    assert name == "vgg16"
    (maps,) = found(torch.zeros(1, 3, SIZE, SIZE))
    assert maps.shape == (1, 512, SIZE // 8, SIZE // 8)
