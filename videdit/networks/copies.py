"""Arrays onto the networks' device and back, for a GPU by way of pinned memory, which it reads and writes without the CPU's help."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def onto(array: NDArray[Any], device: torch.device | str) -> Tensor:
    """An array as a tensor of the same shape and dtype on a device.

    For a GPU the copy is only begun: what is computed of it waits by itself, and PyTorch keeps the pinned memory until it is done. On a
    CPU it shares the array's memory.
    """
    tensor, device = torch.from_numpy(array), torch.device(device)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def off(tensor: Tensor) -> NDArray[Any]:
    """A tensor of any device as an array of the same shape and dtype; there is no bfloat16 in NumPy."""
    if not tensor.is_cuda:
        return np.asarray(tensor.detach().numpy())
    page = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    page.copy_(tensor, non_blocking=True)
    torch.cuda.current_stream(tensor.device).synchronize()  # for this thread's work only, not for the whole device
    return np.asarray(page.numpy())
