"""Who it is: a small identity embedding, for losses and measures of the pack."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from videdit.networks.classifier import Down, Residual, through, to_size


class Recognizer(nn.Module):
    """Residual network: crop in the pack's frame -> a unit vector that is alike for pictures of one person.

    size: the side the crop is resized to, inside. width: channels of the finest map. dim: of the embedding. The trunk has
    the classifier's layout, so training can start from its weights. window: see networks.classifier.through.
    """

    def __init__(self, size: int = 64, width: int = 20, dim: int = 128, window: Sequence[float] = ()) -> None:
        super().__init__()
        self.size, self.window = size, tuple(window)
        channels = [width, 2 * width, 4 * width, 6 * width, 8 * width]
        self.stem = nn.Sequential(nn.Conv2d(3, channels[0], 3, padding=1, bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU())
        self.stages = nn.ModuleList(nn.Sequential(Down(a, b), Residual(b)) for a, b in pairwise(channels))
        # where things are in the face matters here: a depthwise convolution as large as the last map, not a mean
        side = size // 16
        self.pool = nn.Conv2d(channels[-1], 2 * channels[-1], side, groups=channels[-1], bias=False)
        self.norm = nn.BatchNorm1d(2 * channels[-1])
        self.head = nn.Linear(2 * channels[-1], dim, bias=False)
        self.out = nn.BatchNorm1d(dim)

    def forward(self, image: Tensor) -> Tensor:
        """image float32 [N,3,S,S] in [-1,1] -> L2-normalised [N,dim] float32; the cosine of two says how alike they are."""
        x = self.stem(to_size(through(image, self.window), self.size))
        for stage in self.stages:
            x = stage(x)
        x = self.out(self.head(self.norm(self.pool(x).flatten(1))))
        return F.normalize(x.float(), dim=1)
