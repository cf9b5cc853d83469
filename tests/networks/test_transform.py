"""networks.transform: nothing at first, nothing outside, and small."""

from __future__ import annotations

import pytest
import torch

from videdit.networks.transform import PixelEditors


def editors(**more: object) -> PixelEditors:
    torch.manual_seed(0)
    return PixelEditors(transforms=("Eyeglasses-", "Male-"), regions=("eyes", ""), **more).eval()  # type: ignore[arg-type]


def stirred(network: PixelEditors) -> PixelEditors:
    """With output layers that do something."""
    for name, value in network.named_parameters():
        if ".out." in name:
            torch.nn.init.normal_(value, std=0.1)
    return network


def test_it_starts_from_the_face_itself() -> None:
    image = torch.rand(2, 3, 32, 32) * 2 - 1
    for which in range(2):
        assert not editors(width=8)(image, which).any()


@pytest.mark.parametrize("size", [32, 64])
def test_directions_differ_and_keep_the_shape(size: int) -> None:
    network, image = stirred(editors(width=8)), torch.rand(2, 3, size, size) * 2 - 1
    with torch.no_grad():
        first, second = (network(image, which) for which in range(2))
    assert first.shape == second.shape == image.shape
    assert not torch.equal(first, second)


def test_nothing_where_it_may_not_draw() -> None:
    network, image, inside = stirred(editors(width=8)), torch.rand(1, 3, 32, 32) * 2 - 1, torch.zeros(1, 1, 32, 32)
    inside[..., 8:16, 8:24] = 1
    with torch.no_grad():
        change = network(image, 0, inside)
    assert change[..., 8:16, 8:24].any()
    change[..., 8:16, 8:24] = 0
    assert not change.any()


def test_a_direction_takes_a_megabyte_at_most() -> None:
    weights = sum(value.numel() for value in editors().networks[0].parameters())
    assert 2 * weights < 1e6  # fp16
