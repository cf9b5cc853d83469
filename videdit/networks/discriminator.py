"""The critic that training plays against: residual, with a minibatch-deviation channel. Not part of a pack."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from videdit.networks.encoder import ResidualDown, init_relu


class Discriminator(nn.Module):
    """Pictures [N,3,S,S] in [-1,1] -> what `realness` reads. channels: widths at S/2, S/4, .. 4 px; labels: how many it is told."""

    def __init__(self, *, channels: Sequence[int], labels: int = 0) -> None:
        super().__init__()
        self.stem = nn.Conv2d(12, channels[0], 3, padding=1)
        self.blocks = nn.ModuleList(ResidualDown(a, b) for a, b in zip(channels, channels[1:], strict=False))
        self.last = nn.Conv2d(channels[-1] + 1, channels[-1], 3, padding=1)
        self.head = nn.Linear(channels[-1] * 16, 1 + labels)
        init_relu(self)

    def forward(self, image: Tensor) -> Tensor:
        x = F.leaky_relu(self.stem(F.pixel_unshuffle(image, 2)), 0.2)
        for block in self.blocks:
            x = block(x)
        deviation = x.float().std(0, correction=0).mean().to(x.dtype).expand(len(x), 1, *x.shape[2:])
        x = F.leaky_relu(self.last(torch.cat([x, deviation], 1)), 0.2)
        return self.head(x.flatten(1)).float()


def realness(seen: Tensor, labels: Tensor | None = None) -> Tensor:
    """Logits [N] that pictures are real and show labels [N,K] in -1..1, if any (projection: Miyato and Koyama 2018, eq. 3).

    seen: [N,1+K], what the Discriminator made of the pictures.
    """
    return seen[:, 0] if labels is None else seen[:, 0] + (seen[:, 1:] * labels).sum(1)
