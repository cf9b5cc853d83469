"""The 40 attributes of CelebA from a face crop: labels latents, calibrates strengths, judges like an eye in the losses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm, added to the input: [N,C,H,W] -> [N,C,H,W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm0 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm0(self.conv0(x)))
        return F.relu(x + self.norm1(self.conv1(y)))


class Down(nn.Module):
    """Half the resolution, other channels: 3x3 convolution of stride 2 and batch norm."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


def to_size(image: Tensor, size: int) -> Tensor:
    """image [N,3,H,W] resized to [N,3,size,size], antialiased when it shrinks."""
    if image.shape[-1] == size and image.shape[-2] == size:
        return image
    return F.interpolate(image, (size, size), mode="bilinear", antialias=True, align_corners=False)


def through(image: Tensor, window: Sequence[float]) -> Tensor:
    """The part of image [N,C,H,W] that a window (left, top, side, in shares of the image) shows; all of it where there is none."""
    if not window:
        return image
    side = image.shape[-1]
    left, top, size = round(window[0] * side), round(window[1] * side), max(1, round(window[2] * side))
    return image[..., top : top + size, left : left + size]


class Classifier(nn.Module):
    """Residual network: crop in the pack's frame -> a logit per attribute.

    size: the side the crop is resized to, inside. width: channels of the finest map; each of the four stages halves the
    resolution. attributes: number of logits, in the order of pack.toml. window: see `through`; the part of a crop it was trained on.
    """

    def __init__(self, size: int = 64, width: int = 20, attributes: int = 40, window: Sequence[float] = ()) -> None:
        super().__init__()
        self.size, self.window = size, tuple(window)
        channels = [width, 2 * width, 4 * width, 6 * width, 8 * width]
        self.stem = nn.Sequential(nn.Conv2d(3, channels[0], 3, padding=1, bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU())
        self.stages = nn.ModuleList(nn.Sequential(Down(a, b), Residual(b)) for a, b in pairwise(channels))
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(channels[-1], attributes)

    def features(self, image: Tensor) -> list[Tensor]:
        """image float32 [N,3,S,S] in [-1,1] -> the stem's map and the four stages' maps, finest first.

        At size 64 their sides are 64, 32, 16, 8, 4 px. Differentiable: these serve as a perceptual loss.
        """
        maps = [self.stem(to_size(through(image, self.window), self.size))]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps

    def logits(self, maps: list[Tensor]) -> Tensor:
        """What `features` returned -> logits [N,attributes]."""
        return self.head(self.drop(maps[-1].mean((2, 3))))

    def forward(self, image: Tensor) -> Tensor:
        """image float32 [N,3,S,S] in [-1,1] -> logits [N,attributes]."""
        return self.logits(self.features(image))

    @torch.no_grad()
    def probabilities(self, image: Tensor) -> Tensor:
        """image float32 [N,3,S,S] in [-1,1] -> probabilities [N,attributes]; call in eval mode."""
        return self(image).float().sigmoid()
