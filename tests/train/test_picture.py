"""The closed-form picture: reduced-rank regression finds a low-rank map, and the generator's skip carries it."""

import torch

from videdit.networks.stylegan2 import Generator
from videdit.train.picture import reduced_rank


def test_a_low_rank_map_is_found() -> None:
    dice = torch.Generator().manual_seed(0)
    x = torch.randn(400, 12, generator=dice)
    y = x @ torch.randn(12, 3, generator=dice) @ torch.randn(3, 20, generator=dice) + 5
    a, b, c = reduced_rank(x, y, rank=3, ridge=1e-6)
    assert a.shape == (3, 12)
    assert torch.allclose(x @ a.T @ b.T + c, y, atol=1e-2)


def test_the_picture_joins_the_skip() -> None:
    torch.manual_seed(0)
    widths = (8, 8, 8, 8)
    generator = Generator(size=32, style_dim=8, channels=widths, mapping_layers=1, conv_first=True, picture_rank=4, picture_size=16)
    w = torch.randn(2, 8, 8)
    with torch.inference_mode():
        before = generator(w)
        generator.picture_out.bias.fill_(0.5)
        assert torch.allclose(generator(w) - before, torch.full((), 0.5), atol=1e-5)
