"""Inverting in batches of one size: how crops arrive does not show."""

import numpy as np
import torch

from videdit.invert import encode, to_image, to_rgb
from videdit.networks.encoder import Encoder


def tiny() -> Encoder:
    torch.manual_seed(0)
    return Encoder(size=32, style_dim=8, num_layers=8, channels=(8, 8, 8), neck=4).eval()


def test_batching_does_not_show() -> None:
    encoder = tiny()
    crops = np.random.default_rng(0).uniform(0, 255, (11, 32, 32, 3)).astype(np.float32)
    whole = encode(encoder, crops)
    assert whole.shape == (11, 8, 8)
    assert whole.dtype == np.float32
    alone = np.concatenate([encode(encoder, crops[i : i + 1]) for i in range(11)])
    assert np.array_equal(whole, alone)


def test_pictures_there_and_back() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3)).astype(np.uint8)
    image = to_image(crops)
    assert image.shape == (2, 3, 4, 4)
    assert image.min() >= -1
    assert image.max() <= 1
    np.testing.assert_allclose(to_rgb(image), crops, atol=1e-3)
