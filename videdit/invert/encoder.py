"""Crops to W+ by the pack's encoder, always in batches of one size, so that how frames arrive never shows in the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from videdit.networks.copies import off, onto

BATCH = 8


def to_image(
    crops: NDArray[np.floating] | NDArray[np.uint8] | Sequence[NDArray[np.floating]], device: torch.device | str = "cpu"
) -> Tensor:
    """Crops [N,S,S,3] RGB in 0..255 to network images float32 [N,3,S,S] in [-1,1]."""
    array = np.asarray(crops, np.float32)
    return onto(np.ascontiguousarray(array.transpose(0, 3, 1, 2) / 127.5 - 1.0), device)


def to_rgb(image: Tensor) -> NDArray[np.float32]:
    """Network images [N,3,S,S] in about [-1,1] to crops float32 [N,S,S,3] RGB in 0..255, clipped."""
    return off(((image.float().clamp(-1, 1) + 1) * 127.5).permute(0, 2, 3, 1).contiguous())


@torch.inference_mode()
def in_batches(network: Callable[[Tensor], Tensor], inputs: Tensor, *, batch: int = BATCH) -> Tensor:
    """network(inputs [N,...]) in batches of exactly `batch` rows; the last one is filled up by repeating its last row.

    Where the memory of a GPU, or of the machine, does not do for them, they are halved until it does.
    """
    parts = []
    for start in range(0, len(inputs), batch):
        rows = inputs[start : start + batch]
        count = len(rows)
        if count < batch:
            rows = torch.cat([rows, rows[-1:].expand(batch - count, *rows.shape[1:])])
        try:
            parts.append(network(rows)[:count])
        except (RuntimeError, MemoryError) as error:
            if batch == 1 or not _short_of_memory(error):
                raise
        else:
            continue
        parts.clear()  # out here, where the error no longer holds what did not fit
        if inputs.is_cuda:
            torch.cuda.empty_cache()
        return in_batches(network, inputs, batch=batch // 2)
    return torch.cat(parts)


def _short_of_memory(error: BaseException) -> bool:
    """A GPU's own error, Python's, or what PyTorch says of a CPU."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


def encode(
    encoder: Callable[[Tensor], Tensor],
    crops: NDArray[np.floating] | NDArray[np.uint8] | Sequence[NDArray[np.floating]],
    *,
    batch: int = BATCH,
    device: torch.device | str = "cpu",
) -> NDArray[np.float32]:
    """Latents float32 [N,L,D] of N >= 1 crops [N,S,S,3] RGB in 0..255, S being the encoder's size."""
    return off(in_batches(encoder, to_image(crops, device), batch=batch).float())
