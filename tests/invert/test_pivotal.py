"""Tuning learns the person, holds the edit's change, leaves the pack alone and repeats itself."""

import numpy as np
import pytest
import torch

from videdit.invert.encoder import in_batches, to_rgb
from videdit.invert.pivotal import Recipe, pick, pyramid, tune
from videdit.networks.classifier import Classifier
from videdit.networks.stylegan2 import Generator


@pytest.fixture(scope="module")
def setting():  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    generator = (
        Generator(size=32, style_dim=8, channels=(16, 16, 12, 8), mapping_layers=1, noise="none", conv_first=True)
        .eval()
        .requires_grad_(False)
    )
    features = Classifier(size=32, width=4, attributes=3).eval().requires_grad_(False).features
    rng = np.random.default_rng(0)
    w = rng.normal(size=(5, 8, 8)).astype(np.float32)
    y, x = np.mgrid[:32, :32]
    crops = np.stack([np.stack([x * 8, y * 8, np.full_like(x, 20 * i)], -1) for i in range(5)]).astype(np.uint8)
    directions = rng.normal(size=(3, 8, 8)).astype(np.float32) * 0.2
    return generator, crops, w, directions, features


def test_tuning_approaches_the_person_and_repeats_itself(setting) -> None:  # type: ignore[no-untyped-def]
    generator, crops, w, directions, features = setting
    before = {k: v.clone() for k, v in generator.state_dict().items()}
    states = [tune(generator, crops, w, directions, features, steps=12, recipe=Recipe(rate=0.04)) for _ in range(2)]
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    assert all(torch.equal(before[k], v) for k, v in generator.state_dict().items())

    def error() -> float:
        return float(np.abs(to_rgb(in_batches(generator, torch.from_numpy(w))) - crops).mean())

    untuned = error()
    generator.load_state_dict(states[0])
    tuned = error()
    generator.load_state_dict(before)
    assert tuned < 0.8 * untuned


def test_no_steps_change_nothing(setting) -> None:  # type: ignore[no-untyped-def]
    generator, crops, w, directions, features = setting
    state = tune(generator, crops, w, directions, features, steps=0)
    assert all(torch.equal(state[k], v) for k, v in generator.state_dict().items())


def test_pick_is_even_and_bounded() -> None:
    assert pick(5) == [0, 1, 2, 3, 4]
    picked = pick(1000)
    assert len(picked) == 32
    assert picked[0] == 0
    assert picked[-1] == 999


def test_pyramid_is_zero_for_equal_pictures() -> None:
    image = torch.rand(1, 3, 32, 32)
    assert pyramid(image, image) == 0
    assert pyramid(image, image + 1) == pytest.approx(1.0)
