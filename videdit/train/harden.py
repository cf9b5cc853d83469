"""Pictures made as hard as they can be for a classifier, so that one trained on them looks at structure: adversarial training
(Madry et al. 2018; one step from a random start, Wong et al. 2020).

A plain classifier is pleased by a reddish haze or by noise nobody sees; what is drawn to please a hardened one shows the attribute to
people too (Santurkar et al. 2019).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

REACH = 2.0  # L2 norm of what is added to each picture, for 64 px in [-1,1]: grain of about 2.3 levels everywhere, or a line somewhere
HAZE = 0.12  # of [-1,1]: how far the light of each patch may be moved
PATCHES = (1, 4)  # to a side


def harden(judge: Callable[[Tensor], Tensor], batch: Tensor, labels: Tensor, draw: torch.Generator) -> Tensor:
    """batch [N,3,S,S] in [-1,1] with what misleads `judge` (pictures -> logits [N,A]) most about a few attributes of each picture.

    labels [N,A] in 0..1. What is added stays within REACH (scaled with S) and HAZE.
    """
    n, size = len(batch), batch.shape[-1]
    reach = REACH * size / 64
    grain = torch.randn(batch.shape, generator=draw).to(batch)
    grain = 0.5 * reach * F.normalize(grain.flatten(1), dim=1).view_as(batch)
    fields = [HAZE * (2 * torch.rand(n, 3, side, side, generator=draw) - 1).to(batch) for side in PATCHES]
    about = (torch.rand(labels.shape, generator=draw) < 0.15).to(labels)
    probe = (batch + grain + _spread(fields, size)).detach().requires_grad_(True)
    loss = (F.binary_cross_entropy_with_logits(judge(probe).float(), labels, reduction="none") * about).sum()
    (slope,) = torch.autograd.grad(loss, probe)
    grain = grain + reach * F.normalize(slope.float().flatten(1), dim=1).view_as(batch)
    norm = grain.flatten(1).norm(dim=1).clamp_min(reach)
    grain = grain * (reach / norm)[:, None, None, None]
    patches = [F.adaptive_avg_pool2d(slope.float(), side).sign() for side in PATCHES]
    fields = [(field + HAZE * patch).clamp(-HAZE, HAZE) for field, patch in zip(fields, patches, strict=True)]
    return (batch + grain + _spread(fields, size)).detach().contiguous(memory_format=torch.channels_last)


def _spread(fields: list[Tensor], size: int) -> Tensor:
    """Fields [N,3,k,k] as one smooth picture [N,3,size,size]."""
    wide = [F.interpolate(field, (size, size), mode="bilinear", align_corners=False) for field in fields]
    return torch.stack(wide).mean(0) * (len(fields) ** 0.5)
