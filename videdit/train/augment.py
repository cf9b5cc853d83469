"""What a batch of training faces goes through before a network sees it."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

SHIFT = 0.1  # of a picture's side


def shrink(faces: np.ndarray, rows: np.ndarray, size: int) -> np.ndarray:
    """These rows of faces uint8 [N,S,S,3] as uint8 [len(rows),size,size,3], area-averaged; kept in memory."""
    out = np.empty((len(rows), size, size, 3), np.uint8)
    for i, row in enumerate(rows):
        out[i] = cv2.resize(np.asarray(faces[row]), (size, size), interpolation=cv2.INTER_AREA)
    return out


def to_batch(pictures: np.ndarray, device: torch.device) -> Tensor:
    """uint8 [N,S,S,3] -> float32 [N,3,S,S] in [-1,1], channels last."""
    batch = torch.from_numpy(np.ascontiguousarray(pictures)).to(device).permute(0, 3, 1, 2)
    return (batch.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def jitter(
    batch: Tensor, draw: torch.Generator, *, shift: float = 0.05, zoom: float = 0.08, turn: float = 0.12, color: float = 0.15
) -> Tensor:
    """batch [N,3,S,S] in [-1,1] (or fewer channels, such as masks, with no `color`), each flipped, moved and recoloured by chance.

    shift: of the side; zoom: of the scale; turn: radians; color: brightness, contrast and balance. The draws come from a
    CPU generator, so a run is repeatable on any device.
    """
    n = len(batch)

    def rand(*shape: int) -> Tensor:
        return (torch.rand(*shape, generator=draw) * 2 - 1).to(batch.device)

    angle, scale, flip = rand(n) * turn, 1 + rand(n) * zoom, rand(n).sign()
    cos, sin, move = angle.cos() * scale, angle.sin() * scale, rand(n, 2) * 2 * shift
    theta = torch.stack([torch.stack([cos * flip, -sin, move[:, 0]], 1), torch.stack([sin * flip, cos, move[:, 1]], 1)], 1)
    grid = F.affine_grid(theta, list(batch.shape), align_corners=False)
    out = F.grid_sample(batch, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    gain = 1 + rand(n, 1, 1, 1) * color + rand(n, 3, 1, 1)[:, : batch.shape[1]] * color / 3
    return (out * gain + rand(n, 1, 1, 1) * color).contiguous(memory_format=torch.channels_last)


def shifted(*pictures: Tensor) -> list[Tensor]:
    """The rows of pictures [N,3,S,S], each moved by up to SHIFT of its side in whole pixels, those of one row alike, 0 coming in: a critic
    that sees pictures so can't learn them by heart (DiffAugment, Zhao et al. 2020); 1,400 faces with glasses it did."""
    rows, _, height, width = pictures[0].shape
    most = round(SHIFT * width)
    by = torch.randint(0, 2 * most + 1, (rows, 2)).tolist()
    padded = [F.pad(some, [most] * 4) for some in pictures]
    return [torch.stack([x[:, y : y + height, z : z + width] for x, (y, z) in zip(some, by, strict=True)]) for some in padded]


def soften(batch: Tensor, draw: torch.Generator, *, share: float = 0.3) -> Tensor:
    """A share of the batch [N,3,S,S] at half to full resolution, so that a blurred face (a far one, a render) is no surprise."""
    size = batch.shape[-1]
    chosen = torch.rand(len(batch), generator=draw) < share
    small = int(size * (0.4 + 0.5 * float(torch.rand((), generator=draw))))
    if not bool(chosen.any()):
        return batch
    picked = chosen.to(batch.device)
    coarse = F.interpolate(batch[picked], (small, small), mode="bilinear", antialias=True, align_corners=False)
    out = batch.clone()
    out[picked] = F.interpolate(coarse, (size, size), mode="bilinear", align_corners=False)
    return out
