"""Inverting in batches of one size: how crops arrive does not show."""

import numpy as np
import pytest
import torch

from videdit.invert import encode, to_image, to_rgb
from videdit.invert.encoder import in_batches
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


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory."),
        MemoryError(),
    ],
)
def test_batches_are_halved_where_memory_does_not_do(error: Exception) -> None:
    sizes = []

    def network(rows: torch.Tensor) -> torch.Tensor:
        sizes.append(len(rows))
        if len(rows) > 2:
            raise error
        return rows * 2

    inputs = torch.arange(5.0)[:, None]
    assert torch.equal(in_batches(network, inputs, batch=8), inputs * 2)
    assert sizes == [8, 4, 2, 2, 2]
    with pytest.raises(type(error)):
        in_batches(lambda rows: network(torch.zeros(9)), inputs, batch=1)


def test_other_errors_are_not_tried_again() -> None:
    calls = []

    def network(rows: torch.Tensor) -> torch.Tensor:
        calls.append(len(rows))
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes"):
        in_batches(network, torch.zeros(8, 1), batch=8)
    assert calls == [8]
