"""The linear start: principal components go into the encoder's linear map and come back out of the generator's."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from videdit.networks.encoder import Encoder
from videdit.networks.stylegan2 import Generator
from videdit.train import picture
from videdit.train.data import Faces

RANK, SIDE = 6, 8


def networks() -> tuple[Generator, Encoder]:
    torch.manual_seed(0)
    generator = Generator(
        size=32, style_dim=8, channels=(8, 8, 8, 8), mapping_layers=1, conv_first=True, picture_rank=RANK, picture_size=SIDE
    )
    encoder = Encoder(size=32, style_dim=8, num_layers=8, channels=(8, 8, 8), neck=4, linear_rank=RANK, linear_size=SIDE)
    return generator.eval(), encoder.eval()


@pytest.fixture
def faces() -> Faces:
    """Pictures of three smooth patterns, mixed, so that few components hold them."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:32, 0:32] / 32
    patterns = np.stack([np.cos(np.pi * x), np.sin(np.pi * y), x * y])
    amounts = rng.uniform(-40, 40, (60, 3, 3))
    pictures = 128 + np.einsum("ncp,pyx->nyxc", amounts, patterns)
    none = np.zeros(60, int)
    return Faces(pictures, pictures.round().astype(np.uint8), none, none, none, none[:, None], ["Smiling"], none)


def test_what_starts_reconstructs(faces: Faces) -> None:
    generator, encoder = networks()
    picture.start(generator, encoder, faces)
    real = torch.from_numpy(faces.faces).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    with torch.inference_mode():
        w = encoder(real)
        small = F.adaptive_avg_pool2d(generator(w), SIDE)
    wanted = F.adaptive_avg_pool2d(real, SIDE)
    assert 0.5 < w.std() < 2
    # nine amounts, six components: most of it, and far more than the mean picture holds
    assert (small - wanted).abs().mean() < 0.35 * (wanted - wanted.mean(0)).abs().mean()


def test_the_components_of_a_plane_are_exact() -> None:
    dice = torch.Generator().manual_seed(0)
    data = torch.randn(200, 2, generator=dice) @ torch.randn(2, 10, generator=dice) + 3
    weight = torch.rand(10, generator=dice) + 0.5
    mean, basis, deviation = picture.components(data, weight, 2)
    whitened = (data - mean) * weight.sqrt() @ basis / deviation
    assert torch.allclose(whitened.std(0, correction=0), torch.ones(2), atol=1e-3)
    assert torch.allclose(whitened * deviation @ basis.T / weight.sqrt() + mean, data, atol=1e-3)


def test_the_picture_joins_the_skip() -> None:
    generator, _ = networks()
    w = torch.randn(2, 8, 8)
    with torch.inference_mode():
        torch.nn.init.zeros_(generator.picture_features.weight)  # its way into the features is another matter
        before = generator(w)
        generator.picture_out.bias.add_(0.5)
        assert torch.allclose(generator(w) - before, torch.full((), 0.5), atol=1e-5)
