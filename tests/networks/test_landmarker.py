from __future__ import annotations

import torch

from videdit.networks.landmarker import Landmarker


def _network() -> Landmarker:
    torch.manual_seed(0)
    network = Landmarker(widths=(8, 12, 16, 24), blocks=(1, 1, 1))
    network(torch.randn(8, 3, 64, 64))  # gives the norms something to fold
    return network.eval()


def test_shapes_and_size() -> None:
    points, presence = Landmarker(size=96)(torch.zeros(2, 3, 96, 96))
    assert points.shape == (2, 78, 2)
    assert presence.shape == (2,)
    assert sum(p.numel() for p in Landmarker().parameters()) <= 1_200_000


def test_folding_the_norms_changes_nothing() -> None:
    network, image = _network(), torch.randn(3, 3, 64, 64)
    for a, b in zip(network(image), network.folded()(image), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_starts_at_the_mean_shape() -> None:
    network, shape = _network(), torch.rand(78, 2)
    network.votes.weight.data.zero_()
    network.start_at(shape)
    assert torch.allclose(network(torch.randn(1, 3, 64, 64))[0][0], shape, atol=1e-4)


def test_votes_follow_a_shifted_picture() -> None:
    """The place of a vote is known, not learned: shifting the votes' map shifts the points."""
    network = _network()
    network.votes.weight.data.zero_()
    network.votes.bias.data.zero_()  # type: ignore[union-attr]
    assert torch.allclose(network(torch.randn(1, 3, 64, 64))[0], torch.full((1, 78, 2), 0.5), atol=1e-5)
