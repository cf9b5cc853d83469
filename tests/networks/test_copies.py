"""Copies to a device and back; a GPU's by way of pinned memory, which stand-ins can show where there is none."""

from __future__ import annotations

from unittest.mock import Mock, call

import numpy as np
import pytest
import torch

from videdit.invert import to_image, to_rgb
from videdit.networks.copies import off, onto

CROPS = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.float32)


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("nothing is pinned for a CPU")


def test_a_cpu_shares_memory_and_pins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "pin_memory", refuse)
    monkeypatch.setattr(torch.cuda, "current_stream", refuse)
    array = np.zeros(3, np.float32)
    tensor = onto(array, "cpu")
    array[1] = 5
    assert tensor[1] == 5 and off(tensor)[1] == 5
    np.testing.assert_allclose(to_rgb(to_image(CROPS)), CROPS, atol=1e-3)


def test_crops_go_to_a_gpu_from_pinned_memory_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned: list[int] = []
    asked: list[tuple[object, ...]] = []

    def pin(self: torch.Tensor) -> torch.Tensor:
        pinned.append(self.data_ptr())
        return self.clone()

    def to(self: torch.Tensor, device: object, *, non_blocking: bool = False) -> torch.Tensor:
        asked.append((device, non_blocking, self.data_ptr() in pinned))
        return self

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    monkeypatch.setattr(torch.Tensor, "to", to)
    to_image(CROPS, "cuda:1")
    assert len(pinned) == 1 and asked == [(torch.device("cuda:1"), True, False)], "the pinned copy goes, not the crops themselves"


def test_renders_come_from_a_gpu_into_pinned_memory_and_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Mock()
    told.page.numpy.return_value = np.ones((2, 3), np.float32)
    monkeypatch.setattr(torch, "empty", lambda *shape, pin_memory, **_: told.page if pin_memory else None)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: told.stream)
    render = Mock(is_cuda=True, shape=(2, 3), dtype=torch.float32)
    assert off(render).sum() == 6
    assert told.mock_calls == [call.page.copy_(render, non_blocking=True), call.stream.synchronize(), call.page.numpy()]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_there_and_back_over_a_gpu() -> None:
    image = to_image(CROPS, "cuda")
    assert image.is_cuda
    np.testing.assert_allclose(to_rgb(image), CROPS, atol=1e-3)
    assert np.array_equal(off(onto(CROPS, "cuda") * 2), CROPS * 2)
